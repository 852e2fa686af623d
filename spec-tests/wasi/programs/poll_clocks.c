#include "check.h"

static __wasi_timestamp_t now(void) {
    __wasi_timestamp_t time;
    CHECK(__wasi_clock_time_get(__WASI_CLOCKID_MONOTONIC, 0, &time) == 0);
    return time;
}

static __wasi_subscription_t timer(uint64_t data, __wasi_timestamp_t time, bool absolute) {
    __wasi_subscription_t made = {.userdata = data, .u.tag = __WASI_EVENTTYPE_CLOCK};
    made.u.u.clock.id = __WASI_CLOCKID_MONOTONIC;
    made.u.u.clock.timeout = time;
    made.u.u.clock.flags = absolute ? __WASI_SUBCLOCKFLAGS_SUBSCRIPTION_CLOCK_ABSTIME : 0;
    return made;
}

int main(void) {
    __wasi_event_t events[2];
    __wasi_size_t count;
    __wasi_timestamp_t start = now();
    __wasi_subscription_t wanted[2] = {timer(1, 20000000, false), timer(2, 60000000000, false)};
    CHECK(__wasi_poll_oneoff(wanted, events, 2, &count) == 0);
    CHECK(count == 1 && events[0].userdata == 1 && events[0].error == 0);
    CHECK(events[0].type == __WASI_EVENTTYPE_CLOCK);
    CHECK(now() - start >= 20000000);
    wanted[0] = timer(3, now() + 10000000, true);
    CHECK(__wasi_poll_oneoff(wanted, events, 1, &count) == 0);
    CHECK(count == 1 && events[0].userdata == 3);
    CHECK(now() >= wanted[0].u.u.clock.timeout);
    wanted[0] = timer(4, 1, true);
    CHECK(__wasi_poll_oneoff(wanted, events, 2, &count) == 0);
    CHECK(count == 1 && events[0].userdata == 4);
    CHECK(usleep(1000) == 0);
    ANSWERS(__wasi_poll_oneoff(wanted, events, 0, &count), __WASI_ERRNO_INVAL);
}
