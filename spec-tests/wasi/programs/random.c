#include "check.h"

static uint8_t large[200000];

int main(void) {
    uint8_t one[32], two[32];
    CHECK(getentropy(one, sizeof one) == 0);
    CHECK(getentropy(two, sizeof two) == 0);
    CHECK(memcmp(one, two, sizeof one) != 0);
    CHECK(__wasi_random_get(large, 0) == 0);
    CHECK(large[0] == 0);
    CHECK(__wasi_random_get(large, sizeof large - 1) == 0);
    CHECK(large[sizeof large - 1] == 0);
    int seen = 0;
    for (size_t i = sizeof large - 1001; i < sizeof large - 1; i++) seen |= large[i];
    CHECK(seen == 0xff);
}
