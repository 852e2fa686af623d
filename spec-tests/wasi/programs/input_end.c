#include "check.h"
#include <sys/uio.h>

int main(void) {
    char buffer[10];
    CHECK(read(0, buffer, 10) == 0);
    CHECK(getchar() == EOF);
    struct iovec part = {buffer, 10};
    CHECK(readv(0, &part, 1) == 0);
    CHECK(read(0, buffer, 0) == 0);
}
