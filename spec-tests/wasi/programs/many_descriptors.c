#include "check.h"

// There is an end to what a guest may have open, and it can go on after having reached it.
int main(void) {
    write_file("file", "x");
    int last = -1, count = 0;
    for (int fd; (fd = open("file", O_RDONLY)) >= 0; last = fd) CHECK(++count < 100000);
    CHECK(errno == EMFILE);
    CHECK(count == 252);
    CHECK(close(last) == 0);
    CHECK(open("file", O_RDONLY) == last);
}
