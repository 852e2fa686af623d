#include "check.h"

int main(void) {
    struct stat found;
    char buffer[32];
    CHECK(mkdir("folder", 0777) == 0);
    write_file("folder/file", "content");
    CHECK(symlink("folder/file", "link") == 0);
    CHECK(symlink("folder", "to_folder") == 0);
    CHECK(symlink("../folder/./file", "folder/up") == 0);
    FAILS(symlink("else", "link"), EEXIST);
    CHECK(readlink("link", buffer, sizeof buffer) == 11);
    CHECK(memcmp(buffer, "folder/file", 11) == 0);
    memset(buffer, '.', sizeof buffer);
    ssize_t cut = readlink("link", buffer, 3);
    CHECK((cut == 3 && memcmp(buffer, "fol.", 4) == 0) || (cut == -1 && errno == ERANGE));
    FAILS(readlink("folder/file", buffer, sizeof buffer), EINVAL);
    expect_file("link", "content");
    expect_file("to_folder/file", "content");
    expect_file("to_folder/up", "content");
    CHECK(lstat("link", &found) == 0 && S_ISLNK(found.st_mode));
    CHECK(stat("link", &found) == 0 && S_ISREG(found.st_mode));
    FAILS(open("link", O_RDONLY | O_NOFOLLOW), ELOOP);
    FAILS_EITHER(open("to_folder", O_RDONLY | O_NOFOLLOW | O_DIRECTORY), ELOOP, ENOTDIR);
    CHECK(symlink("made", "dangling") == 0);
    FAILS(open("dangling", O_RDONLY), ENOENT);
    FAILS(open("dangling", O_WRONLY | O_CREAT | O_EXCL, 0666), EEXIST);
    write_file("dangling", "through");
    expect_file("made", "through");
    CHECK(unlink("dangling") == 0);
    expect_file("made", "through");
    CHECK(unlink("to_folder") == 0);
    expect_file("folder/file", "content");
}
