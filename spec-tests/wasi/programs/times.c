#include "check.h"
#include <time.h>

int main(void) {
    struct stat found, link;
    write_file("file", "x");
    CHECK(symlink("file", "link") == 0);
    struct timespec times[2] = {{1000, 1}, {2000, 2}};
    int fd = open("file", O_RDWR);
    CHECK(futimens(fd, times) == 0);
    CHECK(fstat(fd, &found) == 0);
    CHECK(found.st_atim.tv_sec == 1000 && found.st_atim.tv_nsec == 1);
    CHECK(found.st_mtim.tv_sec == 2000 && found.st_mtim.tv_nsec == 2);
    times[0].tv_nsec = UTIME_OMIT;
    times[1] = (struct timespec){3000, 0};
    CHECK(utimensat(AT_FDCWD, "link", times, 0) == 0);
    CHECK(stat("file", &found) == 0);
    CHECK(found.st_atim.tv_sec == 1000 && found.st_mtim.tv_sec == 3000);
    times[1] = (struct timespec){4000, 0};
    CHECK(utimensat(AT_FDCWD, "link", times, AT_SYMLINK_NOFOLLOW) == 0);
    CHECK(stat("file", &found) == 0 && found.st_mtim.tv_sec == 3000);
    CHECK(lstat("link", &link) == 0 && link.st_mtim.tv_sec == 4000);
    CHECK(futimens(fd, NULL) == 0);
    CHECK(fstat(fd, &found) == 0);
    CHECK(found.st_mtim.tv_sec > 1577836800 && found.st_atim.tv_sec > 1577836800);
    ANSWERS(__wasi_fd_filestat_set_times(fd, 1, 1, 1 | 2), __WASI_ERRNO_INVAL);
    ANSWERS(__wasi_fd_filestat_set_times(fd, 1, 1, 4 | 8), __WASI_ERRNO_INVAL);
    FAILS(utimensat(AT_FDCWD, "missing", times, 0), ENOENT);
}
