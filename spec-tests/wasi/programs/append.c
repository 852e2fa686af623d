#include "check.h"

int main(void) {
    write_file("file", "1234");
    int fd = open("file", O_RDWR | O_APPEND);
    CHECK(fd >= 0);
    CHECK(fcntl(fd, F_GETFL) & O_APPEND);
    CHECK(lseek(fd, 0, SEEK_SET) == 0);
    CHECK(write(fd, "56", 2) == 2);
    CHECK(lseek(fd, 0, SEEK_CUR) == 6);
    expect_file("file", "123456");
    CHECK(pwrite(fd, "ab", 2, 0) == 2);
    expect_file("file", "ab3456");
    CHECK(fcntl(fd, F_SETFL, 0) == 0);
    CHECK(!(fcntl(fd, F_GETFL) & O_APPEND));
    CHECK(lseek(fd, 2, SEEK_SET) == 2);
    CHECK(write(fd, "cd", 2) == 2);
    expect_file("file", "abcd56");
    CHECK(fcntl(fd, F_SETFL, O_APPEND) == 0);
    CHECK(lseek(fd, 0, SEEK_SET) == 0);
    CHECK(write(fd, "78", 2) == 2);
    expect_file("file", "abcd5678");
}
