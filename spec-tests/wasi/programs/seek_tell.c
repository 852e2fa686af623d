#include "check.h"

int main(void) {
    write_file("file", "0123456789");
    int fd = open("file", O_RDWR);
    char byte;
    CHECK(lseek(fd, 3, SEEK_SET) == 3);
    CHECK(read(fd, &byte, 1) == 1 && byte == '3');
    CHECK(lseek(fd, 2, SEEK_CUR) == 6);
    CHECK(lseek(fd, -4, SEEK_CUR) == 2);
    CHECK(lseek(fd, -1, SEEK_END) == 9);
    CHECK(read(fd, &byte, 1) == 1 && byte == '9');
    __wasi_filesize_t position;
    CHECK(__wasi_fd_tell(fd, &position) == 0 && position == 10);
    FAILS(lseek(fd, -1, SEEK_SET), EINVAL);
    FAILS(lseek(fd, -11, SEEK_END), EINVAL);
    CHECK(lseek(fd, 0, SEEK_CUR) == 10);
    CHECK(lseek(fd, 20, SEEK_SET) == 20);
    CHECK(read(fd, &byte, 1) == 0);
    CHECK(write(fd, "x", 1) == 1);
    char all[32];
    CHECK(pread(fd, all, sizeof all, 0) == 21);
    CHECK(memcmp(all, "0123456789\0\0\0\0\0\0\0\0\0\0x", 21) == 0);
}
