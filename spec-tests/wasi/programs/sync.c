#include "check.h"

int main(void) {
    int fd = open("file", O_RDWR | O_CREAT, 0666);
    CHECK(write(fd, "abc", 3) == 3);
    CHECK(fsync(fd) == 0);
    CHECK(fdatasync(fd) == 0);
    CHECK(close(fd) == 0);
    FAILS(fsync(fd), EBADF);
    FAILS(fdatasync(fd), EBADF);
}
