#include "check.h"

int main(void) {
    CHECK(mkdir("folder", 0777) == 0);
    write_file("file", "x");
    FAILS(open("missing", O_RDONLY), ENOENT);
    FAILS(open("missing/file", O_WRONLY | O_CREAT, 0666), ENOENT);
    FAILS(open("file", O_WRONLY | O_CREAT | O_EXCL, 0666), EEXIST);
    FAILS(open("file", O_RDONLY | O_DIRECTORY), ENOTDIR);
    FAILS(open("file/file", O_RDONLY), ENOTDIR);
    FAILS(open("folder", O_WRONLY), EISDIR);
    FAILS(open("folder", O_RDWR | O_CREAT, 0666), EISDIR);
    int fd = open("file", O_RDONLY);
    FAILS_EITHER(write(fd, "y", 1), EBADF, ENOTCAPABLE);
    CHECK(close(fd) == 0);
    fd = open("file", O_WRONLY);
    char byte;
    FAILS_EITHER(read(fd, &byte, 1), EBADF, ENOTCAPABLE);
    CHECK(close(fd) == 0);
    fd = open("folder", O_RDONLY);
    CHECK(fd >= 0);
    FAILS_EITHER(openat(fd, "new", O_RDONLY), ENOENT, ENOENT);
    CHECK(openat(fd, "new", O_RDWR | O_CREAT, 0666) >= 0);
    __wasi_fd_t opened;
    ANSWERS(
        __wasi_path_open(ROOT, 0, "new", __WASI_OFLAGS_CREAT | __WASI_OFLAGS_DIRECTORY, 0, 0, 0, &opened),
        __WASI_ERRNO_INVAL);
    int file = open("file", O_RDONLY);
    ANSWERS(__wasi_path_open(file, 0, "x", 0, 0, 0, 0, &opened), __WASI_ERRNO_NOTDIR);
    CHECK(__wasi_path_open(ROOT, 0, "empty", __WASI_OFLAGS_CREAT, 0, 0, 0, &opened) == 0);
    CHECK(__wasi_path_open(ROOT, 0, "file", 0, __WASI_RIGHTS_FD_READ, 0, __WASI_FDFLAGS_NONBLOCK, &opened) == 0);
    __wasi_fdstat_t stat;
    CHECK(__wasi_fd_fdstat_get(opened, &stat) == 0);
    CHECK(stat.fs_filetype == __WASI_FILETYPE_REGULAR_FILE);
    CHECK(__wasi_path_open(ROOT, 0, ".", 0, 0, 0, __WASI_FDFLAGS_NONBLOCK, &opened) == 0);
    ANSWERS(__wasi_path_open(77, 0, "file", 0, 0, 0, 0, &opened), __WASI_ERRNO_BADF);
}
