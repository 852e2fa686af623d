#include "check.h"

int main(void) {
    write_file("file", "abcdef");
    int fd = open("file", O_RDWR);
    struct stat found;
    CHECK(ftruncate(fd, 3) == 0);
    CHECK(fstat(fd, &found) == 0 && found.st_size == 3);
    CHECK(ftruncate(fd, 5) == 0);
    char buffer[8];
    CHECK(read(fd, buffer, 8) == 5);
    CHECK(memcmp(buffer, "abc\0\0", 5) == 0);
    CHECK(close(fd) == 0);
    fd = open("file", O_WRONLY | O_TRUNC);
    CHECK(fstat(fd, &found) == 0 && found.st_size == 0);
    CHECK(write(fd, "kept", 4) == 4);
    CHECK(close(fd) == 0);
    CHECK(truncate("file", 2) == 0);
    expect_file("file", "ke");
    fd = open("file", O_RDONLY);
    errno = 0;
    CHECK(ftruncate(fd, 0) == -1);
    CHECK(errno == EINVAL || errno == EBADF || errno == ENOTCAPABLE);
    expect_file("file", "ke");
}
