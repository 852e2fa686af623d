#include "check.h"

// Numbers that no enumeration has, and flags that are not defined.
int main(void) {
    __wasi_timestamp_t time;
    __wasi_filesize_t position;
    __wasi_fd_t opened;
    __wasi_filestat_t found;
    int fd = open("file", O_RDWR | O_CREAT, 0666);
    ANSWERS(__wasi_clock_time_get(99, 0, &time), __WASI_ERRNO_INVAL);
    ANSWERS(__wasi_clock_res_get(-1, &time), __WASI_ERRNO_INVAL);
    ANSWERS(__wasi_fd_seek(fd, 0, 7, &position), __WASI_ERRNO_INVAL);
    ANSWERS(__wasi_fd_advise(fd, 0, 10, 6), __WASI_ERRNO_INVAL);
    ANSWERS(__wasi_fd_advise(fd, -1, 10, 0), __WASI_ERRNO_INVAL);
    ANSWERS(__wasi_fd_allocate(fd, -1, 1), __WASI_ERRNO_INVAL);
    ANSWERS(__wasi_fd_filestat_set_size(fd, -1), __WASI_ERRNO_INVAL);
    ANSWERS(__wasi_fd_filestat_set_size(fd, 1ULL << 60), __WASI_ERRNO_FBIG);
    ANSWERS(__wasi_fd_allocate(fd, 0, 1ULL << 60), __WASI_ERRNO_FBIG);
    ANSWERS(__wasi_fd_filestat_set_times(fd, 0, 0, 16), __WASI_ERRNO_INVAL);
    ANSWERS(__wasi_fd_filestat_set_times(fd, -1, 0, __WASI_FSTFLAGS_ATIM), __WASI_ERRNO_INVAL);
    ANSWERS(__wasi_fd_fdstat_set_flags(fd, 32), __WASI_ERRNO_INVAL);
    ANSWERS(__wasi_path_open(ROOT, 0, "file", 16, 0, 0, 0, &opened), __WASI_ERRNO_INVAL);
    ANSWERS(__wasi_path_open(ROOT, 0, "file", 0, 0, 0, 32, &opened), __WASI_ERRNO_INVAL);
    ANSWERS(__wasi_path_open(ROOT, 2, "file", 0, 0, 0, 0, &opened), __WASI_ERRNO_INVAL);
    ANSWERS(__wasi_path_filestat_get(ROOT, 2, "file", &found), __WASI_ERRNO_INVAL);
    __wasi_subscription_t wanted = {.u.tag = 9};
    __wasi_event_t event;
    __wasi_size_t count;
    ANSWERS(__wasi_poll_oneoff(&wanted, &event, 1, &count), __WASI_ERRNO_INVAL);
    struct stat stat;
    CHECK(fstat(fd, &stat) == 0 && stat.st_size == 0);
}
