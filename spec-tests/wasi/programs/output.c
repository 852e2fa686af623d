#include "check.h"
#include <sys/uio.h>

int main(void) {
    struct iovec parts[3] = {{"out ", 4}, {"", 0}, {"1\n", 2}};
    CHECK(writev(1, parts, 3) == 6);
    CHECK(write(2, "err", 3) == 3);
    CHECK(write(1, "out 2", 5) == 5);
    CHECK(write(1, "", 0) == 0);
}
