#include "check.h"

// Reads a folder of 300 files with a buffer for two or three of them: every one must come once, in one listing.
int main(void) {
    char name[16];
    static uint8_t seen[300];
    for (int i = 0; i < 300; i++) {
        snprintf(name, sizeof name, "f%d", i);
        int fd = open(name, O_WRONLY | O_CREAT, 0666);
        CHECK(fd >= 0);
        CHECK(close(fd) == 0);
    }
    int folder = open(".", O_RDONLY | O_DIRECTORY);
    CHECK(folder >= 0);
    __wasi_dircookie_t cookie = 0;
    int total = 0;
    for (;;) {
        uint8_t buffer[100];
        __wasi_size_t used;
        CHECK(__wasi_fd_readdir(folder, buffer, sizeof buffer, cookie, &used) == 0);
        CHECK(used <= sizeof buffer);
        for (size_t at = 0; at + sizeof(__wasi_dirent_t) <= used;) {
            __wasi_dirent_t entry;
            memcpy(&entry, buffer + at, sizeof entry);
            if (at + sizeof entry + entry.d_namlen > used) break;
            char *text = (char *)buffer + at + sizeof entry;
            if (text[0] == 'f') {
                int number = 0;
                for (uint32_t i = 1; i < entry.d_namlen; i++) number = 10 * number + text[i] - '0';
                CHECK(number < 300 && !seen[number]);
                seen[number] = 1;
            }
            total++;
            cookie = entry.d_next;
            at += sizeof entry + entry.d_namlen;
        }
        if (used < sizeof buffer) break;
    }
    CHECK(total == 302);
}
