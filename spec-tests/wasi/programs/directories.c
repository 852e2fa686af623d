#include "check.h"

int main(void) {
    struct stat found;
    CHECK(mkdir("a", 0777) == 0);
    CHECK(mkdir("a/b", 0777) == 0);
    CHECK(mkdir("a/./b/../c/", 0777) == 0);
    CHECK(stat("a/c", &found) == 0 && S_ISDIR(found.st_mode));
    FAILS(mkdir("a", 0777), EEXIST);
    FAILS(mkdir("x/y", 0777), ENOENT);
    write_file("a/file", "x");
    FAILS(mkdir("a/file", 0777), EEXIST);
    FAILS(mkdir("a/file/z", 0777), ENOTDIR);
    FAILS(rmdir("a"), ENOTEMPTY);
    FAILS(rmdir("a/file"), ENOTDIR);
    FAILS(rmdir("missing"), ENOENT);
    FAILS_EITHER(unlink("a/b"), EISDIR, EPERM);
    CHECK(unlink("a/file") == 0);
    FAILS(unlink("a/file"), ENOENT);
    CHECK(rmdir("a/b") == 0);
    CHECK(rmdir("a/c") == 0);
    CHECK(rmdir("a") == 0);
    FAILS(stat("a", &found), ENOENT);
}
