#include "check.h"

int main(void) {
    struct stat found;
    write_file("one", "1");
    CHECK(rename("one", "two") == 0);
    FAILS(stat("one", &found), ENOENT);
    write_file("one", "new");
    CHECK(rename("one", "two") == 0);
    expect_file("two", "new");
    CHECK(mkdir("a", 0777) == 0 && mkdir("b", 0777) == 0);
    CHECK(rename("two", "a/moved") == 0);
    expect_file("a/moved", "new");
    CHECK(rename("a", "b") == 0);
    expect_file("b/moved", "new");
    CHECK(mkdir("c", 0777) == 0);
    FAILS_EITHER(rename("c", "b"), ENOTEMPTY, EEXIST);
    FAILS(rename("c", "b/moved"), ENOTDIR);
    FAILS(rename("b/moved", "c"), EISDIR);
    FAILS(rename("missing", "new"), ENOENT);
    FAILS(rename("c", "missing/new"), ENOENT);
    FAILS(rename("b", "b/inside"), EINVAL);
    CHECK(rename("c/", "d") == 0);
    CHECK(rename("d", "e/") == 0);
    CHECK(rename("e/", "d/") == 0);
    FAILS(rename("b/moved/", "f"), ENOTDIR);
    CHECK(symlink("nowhere", "link") == 0);
    CHECK(rename("link", "other") == 0);
    CHECK(lstat("other", &found) == 0 && S_ISLNK(found.st_mode));
    CHECK(rename("b/moved", "b/moved") == 0);
    expect_file("b/moved", "new");
}
