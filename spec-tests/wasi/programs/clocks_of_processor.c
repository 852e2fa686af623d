#include "check.h"

int main(void) {
    __wasi_timestamp_t one, two;
    for (int clock = 2; clock <= 3; clock++) {
        CHECK(__wasi_clock_res_get(clock, &one) == 0);
        CHECK(__wasi_clock_time_get(clock, 0, &one) == 0);
        for (volatile int i = 0; i < 10000; i++) {
        }
        CHECK(__wasi_clock_time_get(clock, 0, &two) == 0);
        CHECK(two >= one);
    }
}
