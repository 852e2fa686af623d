#include "check.h"

int main(void) {
    static char path[9000];
    struct stat found;
    __wasi_filestat_t file;
    __wasi_fd_t fd;
    ANSWERS(__wasi_path_open(ROOT, 0, "", 0, __WASI_RIGHTS_FD_READ, 0, 0, &fd), __WASI_ERRNO_NOENT);
    memset(path, 'x', 300);
    FAILS(open(path, O_WRONLY | O_CREAT, 0666), ENAMETOOLONG);
    for (int i = 0; i < 8000; i += 2) memcpy(path + i, "y/", 3);
    FAILS_EITHER(stat(path, &found), ENAMETOOLONG, ENOENT);
    write_file("with space", "1");
    write_file("\xc3\xa4\xe2\x82\xac", "2");
    write_file("...", "3");
    write_file("-", "4");
    write_file("back\\slash", "5");
    expect_file("./with space", "1");
    expect_file("\xc3\xa4\xe2\x82\xac", "2");
    expect_file("./...", "3");
    expect_file("back\\slash", "5");
    CHECK(__wasi_path_filestat_get(ROOT, 0, ".", &file) == 0 && file.filetype == __WASI_FILETYPE_DIRECTORY);
}
