#include "check.h"
#include <dirent.h>

int main(void) {
    CHECK(mkdir("folder", 0777) == 0);
    write_file("file", "x");
    CHECK(symlink("file", "link") == 0);
    struct stat found;
    for (int round = 0; round < 2; round++) {
        DIR *folder = opendir(".");
        CHECK(folder != NULL);
        int seen = 0;
        for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
            bool own = strcmp(entry->d_name, ".") == 0, above = strcmp(entry->d_name, "..") == 0;
            if (own || above) {
                CHECK(entry->d_type == DT_DIR);
                seen |= own ? 1 : 2;
                continue;
            }
            CHECK(lstat(entry->d_name, &found) == 0);
            CHECK(entry->d_ino == found.st_ino);
            if (strcmp(entry->d_name, "folder") == 0) seen |= entry->d_type == DT_DIR ? 4 : 0;
            if (strcmp(entry->d_name, "file") == 0) seen |= entry->d_type == DT_REG ? 8 : 0;
            if (strcmp(entry->d_name, "link") == 0) seen |= entry->d_type == DT_LNK ? 16 : 0;
        }
        CHECK(seen == 31);
        rewinddir(folder);
        CHECK(readdir(folder) != NULL);
        CHECK(closedir(folder) == 0);
    }
    CHECK(opendir("file") == NULL && errno == ENOTDIR);
    CHECK(opendir("missing") == NULL && errno == ENOENT);
    char buffer[64];
    __wasi_size_t used;
    ANSWERS(__wasi_fd_readdir(77, (uint8_t *)buffer, sizeof buffer, 0, &used), __WASI_ERRNO_BADF);
}
