#include "check.h"

// Pointers to outside of memory are answered, whatever they were for.
int main(void) {
    void *far = (void *)0xfffffff0;
    __wasi_size_t size;
    __wasi_iovec_t part = {far, 100};
    ANSWERS(__wasi_random_get(far, 100), __WASI_ERRNO_FAULT);
    ANSWERS(__wasi_clock_time_get(0, 0, far + 12), __WASI_ERRNO_FAULT);
    ANSWERS(__wasi_fd_read(0, far, 4, &size), __WASI_ERRNO_FAULT);
    ANSWERS(__wasi_fd_read(0, &part, 1, &size), __WASI_ERRNO_FAULT);
    ANSWERS(__wasi_fd_write(1, (__wasi_ciovec_t *)&part, 1, &size), __WASI_ERRNO_FAULT);
    ANSWERS(__wasi_fd_fdstat_get(1, far), __WASI_ERRNO_FAULT);
    ANSWERS(__wasi_poll_oneoff(far, far, 1, &size), __WASI_ERRNO_FAULT);
    ANSWERS(__wasi_args_sizes_get(far + 14, &size), __WASI_ERRNO_FAULT);
}
