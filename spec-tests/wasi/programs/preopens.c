#include "check.h"

int main(void) {
    __wasi_prestat_t stat;
    CHECK(__wasi_fd_prestat_get(ROOT, &stat) == 0);
    CHECK(stat.tag == __WASI_PREOPENTYPE_DIR && stat.u.dir.pr_name_len == 1);
    uint8_t name[3] = {'.', '.', '.'};
    CHECK(__wasi_fd_prestat_dir_name(ROOT, name, 1) == 0);
    CHECK(name[0] == '/' && name[1] == '.');
    CHECK(__wasi_fd_prestat_dir_name(ROOT, name, 3) == 0);
    CHECK(name[0] == '/' && name[1] == '.' && name[2] == '.');
    ANSWERS_EITHER(__wasi_fd_prestat_dir_name(ROOT, name, 0), __WASI_ERRNO_NAMETOOLONG, __WASI_ERRNO_INVAL);
    ANSWERS(__wasi_fd_prestat_get(ROOT + 1, &stat), __WASI_ERRNO_BADF);
    __wasi_fdstat_t rights;
    CHECK(__wasi_fd_fdstat_get(ROOT, &rights) == 0);
    CHECK(rights.fs_filetype == __WASI_FILETYPE_DIRECTORY && rights.fs_flags == 0);
    CHECK(rights.fs_rights_base & __WASI_RIGHTS_PATH_OPEN);
    CHECK(rights.fs_rights_inheriting & __WASI_RIGHTS_FD_WRITE);
    __wasi_fd_t again;
    CHECK(__wasi_path_open(
              ROOT, 0, ".", __WASI_OFLAGS_DIRECTORY, rights.fs_rights_base, rights.fs_rights_inheriting, 0, &again) == 0);
    ANSWERS(__wasi_fd_prestat_get(again, &stat), __WASI_ERRNO_BADF);
    ANSWERS(
        __wasi_path_open(
            ROOT, 0, ".", __WASI_OFLAGS_DIRECTORY, __WASI_RIGHTS_FD_READ | __WASI_RIGHTS_FD_WRITE, 0, 0, &again),
        __WASI_ERRNO_ISDIR);
    CHECK(__wasi_fd_close(ROOT) == 0);
    ANSWERS(__wasi_fd_prestat_get(ROOT, &stat), __WASI_ERRNO_BADF);
    FAILS(open("/file", O_WRONLY | O_CREAT, 0666), EBADF);
}
