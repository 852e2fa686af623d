#include "check.h"
#include <sys/uio.h>

// A folder can be described, and neither read nor written as a file.
int main(void) {
    int fd = open(".", O_RDONLY | O_DIRECTORY);
    struct stat found;
    CHECK(fstat(fd, &found) == 0 && S_ISDIR(found.st_mode));
    char buffer[4];
    struct iovec part = {buffer, 4};
    FAILS_EITHER(read(fd, buffer, 4), EBADF, EISDIR);
    FAILS_EITHER(write(fd, buffer, 4), EBADF, EISDIR);
    FAILS_EITHER(preadv(fd, &part, 1, 0), EBADF, EISDIR);
    FAILS_EITHER(pwritev(fd, &part, 1, 0), EBADF, EISDIR);
    __wasi_filesize_t position;
    ANSWERS_EITHER(__wasi_fd_seek(fd, 0, 0, &position), __WASI_ERRNO_BADF, __WASI_ERRNO_ISDIR);
    ANSWERS_EITHER(__wasi_fd_tell(fd, &position), __WASI_ERRNO_BADF, __WASI_ERRNO_ISDIR);
    ANSWERS_EITHER(__wasi_fd_filestat_set_size(fd, 0), __WASI_ERRNO_BADF, __WASI_ERRNO_ISDIR);
    struct timespec times[2] = {{1000, 0}, {2000, 0}};
    CHECK(futimens(fd, times) == 0);
    CHECK(fstat(fd, &found) == 0 && found.st_mtim.tv_sec == 2000);
}
