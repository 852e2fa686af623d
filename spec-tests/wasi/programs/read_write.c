#include "check.h"

int main(void) {
    write_file("file", "hello, world");
    expect_file("/file", "hello, world");
    int fd = open("file", O_RDWR);
    CHECK(fd > 2);
    char buffer[20];
    CHECK(read(fd, buffer, 5) == 5);
    CHECK(memcmp(buffer, "hello", 5) == 0);
    CHECK(write(fd, ";", 1) == 1);
    CHECK(read(fd, buffer, 20) == 6);
    CHECK(memcmp(buffer, " world", 6) == 0);
    CHECK(read(fd, buffer, 20) == 0);
    struct stat found;
    CHECK(fstat(fd, &found) == 0);
    CHECK(S_ISREG(found.st_mode) && found.st_size == 12 && found.st_nlink == 1);
    CHECK(close(fd) == 0);
    FAILS(close(fd), EBADF);
    expect_file("file", "hello; world");
    FILE *file = fopen("lines", "w+");
    for (int i = 0; i < 1000; i++) CHECK(fprintf(file, "%d\n", i) > 0);
    rewind(file);
    int number, next = 0;
    while (fscanf(file, "%d", &number) == 1) CHECK(number == next++);
    CHECK(next == 1000);
    CHECK(fclose(file) == 0);
}
