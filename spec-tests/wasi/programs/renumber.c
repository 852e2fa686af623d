#include "check.h"

int main(void) {
    write_file("one", "1");
    write_file("two", "2");
    int one = open("one", O_RDONLY), two = open("two", O_RDONLY);
    CHECK(__wasi_fd_renumber(one, two) == 0);
    char byte;
    CHECK(read(two, &byte, 1) == 1 && byte == '1');
    FAILS(read(one, &byte, 1), EBADF);
    ANSWERS(__wasi_fd_renumber(two, one), __WASI_ERRNO_BADF);
    ANSWERS(__wasi_fd_renumber(77, two), __WASI_ERRNO_BADF);
    CHECK(__wasi_fd_renumber(two, two) == 0);
    CHECK(lseek(two, 0, SEEK_SET) == 0);
    CHECK(open("two", O_RDONLY) == one);

    CHECK(mkdir("folder", 0777) == 0);
    int folder = open("folder", O_RDONLY | O_DIRECTORY);
    struct stat before, after;
    CHECK(folder > ROOT && fstat(folder, &before) == 0);
    CHECK(__wasi_fd_renumber(folder, ROOT) == 0);
    CHECK(fstat(ROOT, &after) == 0 && after.st_dev == before.st_dev && after.st_ino == before.st_ino);
    FAILS(fstat(folder, &before), EBADF);
    __wasi_fd_t opened;
    ANSWERS(__wasi_path_open(ROOT, 0, "one", 0, __WASI_RIGHTS_FD_READ, 0, 0, &opened), __WASI_ERRNO_NOENT);
}
