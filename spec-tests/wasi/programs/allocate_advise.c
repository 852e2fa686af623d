#include "check.h"

int main(void) {
    int fd = open("file", O_RDWR | O_CREAT, 0666);
    struct stat found;
    CHECK(write(fd, "abc", 3) == 3);
    int error = posix_fallocate(fd, 0, 100);
    if (error != ENOTSUP) {
        CHECK(error == 0);
        CHECK(fstat(fd, &found) == 0 && found.st_size == 100);
        CHECK(posix_fallocate(fd, 10, 10) == 0);
        CHECK(fstat(fd, &found) == 0 && found.st_size == 100);
        CHECK(posix_fallocate(fd, 90, 20) == 0);
        CHECK(fstat(fd, &found) == 0 && found.st_size == 110);
        CHECK(posix_fallocate(fd, 0, 0) == EINVAL);
        char buffer[4];
        CHECK(pread(fd, buffer, 4, 0) == 4 && memcmp(buffer, "abc", 4) == 0);
    }
    for (int advice = 0; advice <= 5; advice++) CHECK(__wasi_fd_advise(fd, 0, 10, advice) == 0);
    ANSWERS_EITHER(__wasi_fd_advise(ROOT, 0, 10, 0), __WASI_ERRNO_BADF, __WASI_ERRNO_NOTCAPABLE);
}
