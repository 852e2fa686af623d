#include "check.h"

int main(void) {
    struct stat found;
    CHECK(symlink("self", "self") == 0);
    FAILS(open("self", O_RDONLY), ELOOP);
    FAILS(stat("self", &found), ELOOP);
    CHECK(lstat("self", &found) == 0);
    CHECK(symlink("two", "one") == 0);
    CHECK(symlink("one", "two") == 0);
    FAILS(open("one/file", O_RDONLY), ELOOP);
    FAILS(open("two", O_WRONLY | O_CREAT, 0666), ELOOP);
    CHECK(symlink("deeper/deeper", "deeper") == 0);
    FAILS(open("deeper", O_RDONLY), ELOOP);
}
