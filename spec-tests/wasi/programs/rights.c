#include "check.h"

// Rights are only lost, and what a folder does not hand on nobody gets from it.
int main(void) {
    __wasi_fd_t fd;
    write_file("file", "content");
    __wasi_rights_t some = __WASI_RIGHTS_FD_READ | __WASI_RIGHTS_FD_WRITE | __WASI_RIGHTS_FD_SEEK | __WASI_RIGHTS_FD_TELL;
    CHECK(__wasi_path_open(ROOT, 0, "file", 0, some, 0, 0, &fd) == 0);
    __wasi_fdstat_t stat;
    CHECK(__wasi_fd_fdstat_get(fd, &stat) == 0);
    CHECK(stat.fs_rights_base == some && stat.fs_rights_inheriting == 0);
    CHECK(__wasi_fd_fdstat_set_rights(fd, __WASI_RIGHTS_FD_TELL, 0) == 0);
    char byte;
    FAILS_EITHER(read(fd, &byte, 1), ENOTCAPABLE, EBADF);
    FAILS_EITHER(write(fd, "x", 1), ENOTCAPABLE, EBADF);
    __wasi_filesize_t position;
    ANSWERS(__wasi_fd_seek(fd, 1, 0, &position), __WASI_ERRNO_NOTCAPABLE);
    CHECK(__wasi_fd_seek(fd, 0, 1, &position) == 0 && position == 0);
    ANSWERS(__wasi_fd_fdstat_set_rights(fd, some, 0), __WASI_ERRNO_NOTCAPABLE);
    ANSWERS(__wasi_fd_fdstat_set_flags(fd, 0), __WASI_ERRNO_NOTCAPABLE);
    CHECK(__wasi_fd_close(fd) == 0);

    CHECK(__wasi_fd_fdstat_get(ROOT, &stat) == 0);
    __wasi_rights_t base = stat.fs_rights_base & ~__WASI_RIGHTS_PATH_UNLINK_FILE & ~__WASI_RIGHTS_PATH_FILESTAT_SET_SIZE;
    __wasi_rights_t inheriting = stat.fs_rights_inheriting & ~__WASI_RIGHTS_FD_WRITE;
    CHECK(__wasi_fd_fdstat_set_rights(ROOT, base, inheriting) == 0);
    ANSWERS(__wasi_path_unlink_file(ROOT, "file"), __WASI_ERRNO_NOTCAPABLE);
    ANSWERS(__wasi_path_open(ROOT, 0, "file", __WASI_OFLAGS_TRUNC, 0, 0, 0, &fd), __WASI_ERRNO_NOTCAPABLE);
    ANSWERS(__wasi_path_open(ROOT, 0, "file", 0, __WASI_RIGHTS_FD_WRITE, 0, 0, &fd), __WASI_ERRNO_NOTCAPABLE);
    CHECK(__wasi_path_open(ROOT, 0, "file", 0, __WASI_RIGHTS_FD_READ, 0, 0, &fd) == 0);
    expect_file("file", "content");
}
