#include "check.h"

int main(void) {
    write_file("file", "x");
    int fd = open("file", O_RDWR);
    uint8_t byte;
    __wasi_iovec_t read = {&byte, 1};
    __wasi_ciovec_t written = {&byte, 1};
    __wasi_size_t size;
    __wasi_roflags_t flags;
    ANSWERS(__wasi_sock_shutdown(77, 1), __WASI_ERRNO_BADF);
    ANSWERS(__wasi_sock_shutdown(fd, 1), __WASI_ERRNO_NOTSOCK);
    ANSWERS(__wasi_sock_recv(fd, &read, 1, 0, &size, &flags), __WASI_ERRNO_NOTSOCK);
    ANSWERS(__wasi_sock_send(fd, &written, 1, 0, &size), __WASI_ERRNO_NOTSOCK);
}
