#include "check.h"

static __wasi_errno_t try_open(const char *path, int oflags) {
    __wasi_fd_t fd;
    __wasi_errno_t error = __wasi_path_open(ROOT, 1, path, oflags, __WASI_RIGHTS_FD_READ, 0, 0, &fd);
    if (error == 0) CHECK(__wasi_fd_close(fd) == 0);
    return error;
}

int main(void) {
    CHECK(mkdir("folder", 0777) == 0);
    write_file("file", "x");
    CHECK(symlink("folder", "link") == 0);
    CHECK(try_open("folder/", 0) == 0);
    CHECK(try_open("folder///", 0) == 0);
    CHECK(try_open("link/", 0) == 0);
    CHECK(try_open("./folder//.///", 0) == 0);
    ANSWERS(try_open("file/", 0), __WASI_ERRNO_NOTDIR);
    ANSWERS(try_open("file///", 0), __WASI_ERRNO_NOTDIR);
    ANSWERS_EITHER(try_open("new/", __WASI_OFLAGS_CREAT), __WASI_ERRNO_ISDIR, __WASI_ERRNO_NOENT);
    ANSWERS(__wasi_path_unlink_file(ROOT, "file/"), __WASI_ERRNO_NOTDIR);
    ANSWERS_EITHER(__wasi_path_unlink_file(ROOT, "folder/"), __WASI_ERRNO_ISDIR, __WASI_ERRNO_PERM);
    ANSWERS_EITHER(__wasi_path_symlink("x", ROOT, "new/"), __WASI_ERRNO_NOENT, __WASI_ERRNO_NOTDIR);
    ANSWERS(__wasi_path_symlink("x", ROOT, "folder/"), __WASI_ERRNO_EXIST);
    ANSWERS_EITHER(__wasi_path_symlink("x", ROOT, "file/"), __WASI_ERRNO_NOTDIR, __WASI_ERRNO_EXIST);
    ANSWERS(__wasi_path_remove_directory(ROOT, "file/"), __WASI_ERRNO_NOTDIR);
    CHECK(__wasi_path_remove_directory(ROOT, "folder/") == 0);
}
