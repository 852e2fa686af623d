#include "check.h"

int main(void) {
    struct stat found;
    for (int fd = 0; fd < 3; fd++) {
        CHECK(fstat(fd, &found) == 0);
        FAILS(lseek(fd, 0, SEEK_CUR), ESPIPE);
    }
    FAILS_EITHER(write(0, "x", 1), EBADF, ENOTCAPABLE);
    char byte;
    FAILS_EITHER(read(1, &byte, 1), EBADF, ENOTCAPABLE);
    __wasi_fdstat_t stat;
    CHECK(__wasi_fd_fdstat_get(1, &stat) == 0);
    CHECK(stat.fs_rights_base & __WASI_RIGHTS_FD_WRITE);
    CHECK(!(stat.fs_rights_base & __WASI_RIGHTS_FD_READ));
    CHECK(close(1) == 0);
    FAILS(write(1, "x", 1), EBADF);
}
