#include "check.h"

// More than one call may take: each says how much it took.
int main(void) {
    size_t size = 3 << 20, done = 0;
    char *data = malloc(size);
    CHECK(data != NULL);
    memset(data, 'x', size);
    while (done < size) {
        ssize_t taken = write(1, data + done, size - done);
        CHECK(taken > 0);
        done += taken;
    }
}
