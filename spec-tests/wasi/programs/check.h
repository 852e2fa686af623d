// Checks of the programs in this folder: one that fails says where on stderr, and the program exits with 1.
#pragma once
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wasi/api.h>

#define CHECK(condition)                                                                     \
    do {                                                                                     \
        if (!(condition)) {                                                                  \
            fprintf(stderr, "%s:%d: %s (errno %d)\n", __FILE__, __LINE__, #condition, errno); \
            exit(1);                                                                         \
        }                                                                                    \
    } while (0)

// A call of the C library that must fail with an error number, or with one of two.
#define FAILS(call, error) FAILS_EITHER(call, error, error)
#define FAILS_EITHER(call, one, other)               \
    do {                                             \
        errno = 0;                                   \
        CHECK((call) == -1);                         \
        CHECK(errno == (one) || errno == (other));   \
    } while (0)

// A function of preview 1 that must answer an error number, or one of two.
#define ANSWERS(call, error) ANSWERS_EITHER(call, error, error)
#define ANSWERS_EITHER(call, one, other)                   \
    do {                                                   \
        errno = (call);                                    \
        CHECK(errno == (one) || errno == (other));         \
    } while (0)

// The first preopened folder.
#define ROOT 3

static inline void write_file(const char *path, const char *text) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    CHECK(fd >= 0);
    CHECK(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    CHECK(close(fd) == 0);
}

static inline void expect_file(const char *path, const char *text) {
    char buffer[256];
    int fd = open(path, O_RDONLY);
    CHECK(fd >= 0);
    ssize_t size = read(fd, buffer, sizeof buffer);
    CHECK(size == (ssize_t)strlen(text));
    CHECK(memcmp(buffer, text, size) == 0);
    CHECK(close(fd) == 0);
}
