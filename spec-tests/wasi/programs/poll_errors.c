#include "check.h"

int main(void) {
    write_file("file", "12345");
    int fd = open("file", O_RDWR);
    CHECK(lseek(fd, 2, SEEK_SET) == 2);
    __wasi_subscription_t wanted[3] = {{.userdata = 1}, {.userdata = 2}, {.userdata = 3}};
    wanted[0].u.tag = __WASI_EVENTTYPE_FD_READ;
    wanted[0].u.u.fd_read.file_descriptor = 77;
    wanted[1].u.tag = __WASI_EVENTTYPE_FD_READ;
    wanted[1].u.u.fd_read.file_descriptor = fd;
    wanted[2].u.tag = __WASI_EVENTTYPE_CLOCK;
    wanted[2].u.u.clock.id = 77;
    __wasi_event_t events[3];
    __wasi_size_t count;
    CHECK(__wasi_poll_oneoff(wanted, events, 3, &count) == 0);
    CHECK(count == 3);
    CHECK(events[0].error == __WASI_ERRNO_BADF);
    CHECK(events[1].error == 0 && events[1].fd_readwrite.nbytes == 3);
    CHECK(events[2].error == __WASI_ERRNO_INVAL);
}
