#include "check.h"

// No way leads out of the preopened folder. The C library takes paths apart itself, so the functions are called bare.
static __wasi_errno_t try_open(const char *path) {
    __wasi_fd_t fd;
    return __wasi_path_open(ROOT, __WASI_LOOKUPFLAGS_SYMLINK_FOLLOW, path, 0, __WASI_RIGHTS_FD_READ, 0, 0, &fd);
}

static void expect_refused(const char *path) {
    ANSWERS_EITHER(try_open(path), __WASI_ERRNO_PERM, __WASI_ERRNO_NOTCAPABLE);
}

int main(void) {
    CHECK(mkdir("folder", 0777) == 0);
    write_file("folder/file", "x");
    CHECK(try_open("folder/../folder/file") == 0);
    CHECK(try_open("folder/..") == 0);
    expect_refused("..");
    expect_refused("../");
    expect_refused("../escapes.dir");
    expect_refused("folder/../..");
    expect_refused("folder/../../etc/passwd");
    expect_refused("/etc/passwd");
    expect_refused("/");
    expect_refused("/folder/file");
    CHECK(__wasi_path_symlink("..", ROOT, "up") == 0);
    CHECK(__wasi_path_symlink("../../..", ROOT, "folder/up") == 0);
    CHECK(__wasi_path_symlink("folder/../../x", ROOT, "over") == 0);
    expect_refused("up");
    expect_refused("up/etc");
    expect_refused("folder/up");
    expect_refused("folder/up/etc/passwd");
    expect_refused("over");
    ANSWERS_EITHER(__wasi_path_symlink("/etc", ROOT, "absolute"), __WASI_ERRNO_PERM, __WASI_ERRNO_NOTCAPABLE);
    ANSWERS_EITHER(
        __wasi_path_create_directory(ROOT, "../new"), __WASI_ERRNO_PERM, __WASI_ERRNO_NOTCAPABLE);
    ANSWERS_EITHER(
        __wasi_path_rename(ROOT, "folder/file", ROOT, "../new"), __WASI_ERRNO_PERM, __WASI_ERRNO_NOTCAPABLE);
    ANSWERS_EITHER(
        __wasi_path_link(ROOT, 0, "folder/file", ROOT, "up/new"), __WASI_ERRNO_PERM, __WASI_ERRNO_NOTCAPABLE);
    ANSWERS_EITHER(__wasi_path_unlink_file(ROOT, "up/x"), __WASI_ERRNO_PERM, __WASI_ERRNO_NOTCAPABLE);
    ANSWERS_EITHER(__wasi_path_remove_directory(ROOT, "up/x"), __WASI_ERRNO_PERM, __WASI_ERRNO_NOTCAPABLE);
    __wasi_filestat_t found;
    ANSWERS_EITHER(__wasi_path_filestat_get(ROOT, 1, "up", &found), __WASI_ERRNO_PERM, __WASI_ERRNO_NOTCAPABLE);
    CHECK(__wasi_path_filestat_get(ROOT, 0, "up", &found) == 0);
    CHECK(found.filetype == __WASI_FILETYPE_SYMBOLIC_LINK);
    int inner = open("folder", O_RDONLY | O_DIRECTORY);
    __wasi_fd_t fd;
    ANSWERS_EITHER(
        __wasi_path_open(inner, 1, "../folder/file", 0, __WASI_RIGHTS_FD_READ, 0, 0, &fd), __WASI_ERRNO_PERM,
        __WASI_ERRNO_NOTCAPABLE);
    expect_file("folder/file", "x");
}
