#include "check.h"
#include <poll.h>

static __wasi_subscription_t descriptor(uint64_t data, int fd, __wasi_eventtype_t kind) {
    __wasi_subscription_t made = {.userdata = data, .u.tag = kind};
    made.u.u.fd_read.file_descriptor = fd;
    return made;
}

int main(void) {
    write_file("file", "12345");
    int fd = open("file", O_RDWR);
    CHECK(lseek(fd, 2, SEEK_SET) == 2);
    __wasi_subscription_t wanted[2] = {
        descriptor(1, fd, __WASI_EVENTTYPE_FD_READ), descriptor(2, fd, __WASI_EVENTTYPE_FD_WRITE)};
    __wasi_event_t event;
    __wasi_size_t count;
    for (int i = 0; i < 2; i++) {
        CHECK(__wasi_poll_oneoff(&wanted[i], &event, 1, &count) == 0);
        CHECK(count == 1 && event.userdata == wanted[i].userdata && event.error == 0 && event.type == wanted[i].u.tag);
    }
    struct pollfd output = {.fd = 1, .events = POLLOUT};
    CHECK(poll(&output, 1, 60000) == 1);
    CHECK(output.revents == POLLOUT);
    struct pollfd input = {.fd = 0, .events = POLLIN};
    CHECK(poll(&input, 1, 60000) == 1);
}
