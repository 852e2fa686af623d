#include "check.h"
#include <time.h>

int main(void) {
    struct timespec one, two;
    CHECK(clock_getres(CLOCK_REALTIME, &one) == 0);
    CHECK(one.tv_sec == 0 && one.tv_nsec > 0);
    CHECK(clock_getres(CLOCK_MONOTONIC, &one) == 0);
    CHECK(one.tv_sec == 0 && one.tv_nsec > 0);
    CHECK(clock_gettime(CLOCK_REALTIME, &one) == 0);
    CHECK(one.tv_sec > 1577836800);  // 2020
    CHECK(clock_gettime(CLOCK_MONOTONIC, &one) == 0);
    CHECK(clock_gettime(CLOCK_MONOTONIC, &two) == 0);
    CHECK(two.tv_sec > one.tv_sec || (two.tv_sec == one.tv_sec && two.tv_nsec >= one.tv_nsec));
}
