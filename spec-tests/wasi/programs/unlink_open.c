#include "check.h"

int main(void) {
    write_file("file", "alive");
    int fd = open("file", O_RDWR);
    CHECK(unlink("file") == 0);
    struct stat found;
    FAILS(stat("file", &found), ENOENT);
    CHECK(fstat(fd, &found) == 0 && found.st_nlink == 0);
    char buffer[8];
    CHECK(read(fd, buffer, 8) == 5 && memcmp(buffer, "alive", 5) == 0);
    CHECK(write(fd, "!", 1) == 1);
    write_file("file", "other");
    CHECK(pread(fd, buffer, 8, 0) == 6);
    CHECK(mkdir("folder", 0777) == 0);
    int folder = open("folder", O_RDONLY | O_DIRECTORY);
    CHECK(rmdir("folder") == 0);
    FAILS(openat(folder, "new", O_WRONLY | O_CREAT, 0666), ENOENT);
    CHECK(close(folder) == 0 && close(fd) == 0);
}
