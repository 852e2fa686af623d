#include "check.h"
#include <sys/uio.h>

int main(void) {
    int fd = open("file", O_RDWR | O_CREAT | O_EXCL, 0666);
    CHECK(fd >= 0);
    CHECK(write(fd, "abcdef", 6) == 6);
    CHECK(lseek(fd, 1, SEEK_SET) == 1);
    char one[2], two[3];
    struct iovec parts[2] = {{one, 2}, {two, 3}};
    CHECK(preadv(fd, parts, 2, 2) == 4);
    CHECK(memcmp(one, "cd", 2) == 0 && memcmp(two, "ef", 2) == 0);
    struct iovec more[2] = {{"X", 1}, {"YZ", 2}};
    CHECK(pwritev(fd, more, 2, 4) == 3);
    CHECK(lseek(fd, 0, SEEK_CUR) == 1);
    CHECK(pread(fd, one, 2, 100) == 0);
    expect_file("file", "abcdXYZ");
    FAILS(pread(fd, one, 2, -1), EINVAL);
    FAILS(pwrite(fd, one, 2, -1), EINVAL);
    expect_file("file", "abcdXYZ");
}
