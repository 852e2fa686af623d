#include "check.h"

int main(void) {
    struct stat one, two;
    CHECK(mkdir("folder", 0777) == 0);
    write_file("file", "shared");
    CHECK(link("file", "folder/link") == 0);
    CHECK(stat("file", &one) == 0 && stat("folder/link", &two) == 0);
    CHECK(one.st_ino == two.st_ino && one.st_nlink == 2);
    write_file("folder/link", "changed");
    expect_file("file", "changed");
    FAILS(link("file", "folder/link"), EEXIST);
    FAILS(link("file", "file"), EEXIST);
    FAILS(link("missing", "new"), ENOENT);
    FAILS_EITHER(link("folder", "new"), EPERM, EACCES);
    FAILS(link("file", "new/"), ENOENT);
    CHECK(unlink("file") == 0);
    expect_file("folder/link", "changed");
    CHECK(symlink("nowhere", "dangling") == 0);
    CHECK(__wasi_path_link(ROOT, 0, "dangling", ROOT, "copy") == 0);
    CHECK(lstat("copy", &one) == 0 && S_ISLNK(one.st_mode));
}
