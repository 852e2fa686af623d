#include "check.h"

int main(void) {
    const int bad[] = {3, 77, -1};
    for (int i = 0; i < 3; i++) {
        __wasi_fd_t fd = bad[i], other;
        uint8_t byte;
        __wasi_iovec_t read = {&byte, 1};
        __wasi_ciovec_t written = {&byte, 1};
        __wasi_size_t size;
        __wasi_filesize_t position;
        __wasi_fdstat_t stat;
        __wasi_filestat_t file;
        __wasi_prestat_t prestat;
        ANSWERS(__wasi_fd_advise(fd, 0, 0, 0), __WASI_ERRNO_BADF);
        ANSWERS(__wasi_fd_allocate(fd, 0, 1), __WASI_ERRNO_BADF);
        ANSWERS(__wasi_fd_close(fd), __WASI_ERRNO_BADF);
        ANSWERS(__wasi_fd_datasync(fd), __WASI_ERRNO_BADF);
        ANSWERS(__wasi_fd_sync(fd), __WASI_ERRNO_BADF);
        ANSWERS(__wasi_fd_fdstat_get(fd, &stat), __WASI_ERRNO_BADF);
        ANSWERS(__wasi_fd_fdstat_set_flags(fd, 0), __WASI_ERRNO_BADF);
        ANSWERS(__wasi_fd_filestat_get(fd, &file), __WASI_ERRNO_BADF);
        ANSWERS(__wasi_fd_filestat_set_size(fd, 0), __WASI_ERRNO_BADF);
        ANSWERS(__wasi_fd_filestat_set_times(fd, 0, 0, 0), __WASI_ERRNO_BADF);
        ANSWERS(__wasi_fd_read(fd, &read, 1, &size), __WASI_ERRNO_BADF);
        ANSWERS(__wasi_fd_pread(fd, &read, 1, 0, &size), __WASI_ERRNO_BADF);
        ANSWERS(__wasi_fd_write(fd, &written, 1, &size), __WASI_ERRNO_BADF);
        ANSWERS(__wasi_fd_pwrite(fd, &written, 1, 0, &size), __WASI_ERRNO_BADF);
        ANSWERS(__wasi_fd_prestat_get(fd, &prestat), __WASI_ERRNO_BADF);
        ANSWERS(__wasi_fd_prestat_dir_name(fd, &byte, 1), __WASI_ERRNO_BADF);
        ANSWERS(__wasi_fd_readdir(fd, &byte, 1, 0, &size), __WASI_ERRNO_BADF);
        ANSWERS(__wasi_fd_renumber(fd, 1), __WASI_ERRNO_BADF);
        ANSWERS(__wasi_fd_seek(fd, 0, 0, &position), __WASI_ERRNO_BADF);
        ANSWERS(__wasi_fd_tell(fd, &position), __WASI_ERRNO_BADF);
        ANSWERS(__wasi_path_open(fd, 0, "x", 0, 0, 0, 0, &other), __WASI_ERRNO_BADF);
        ANSWERS(__wasi_path_create_directory(fd, "x"), __WASI_ERRNO_BADF);
        ANSWERS(__wasi_path_filestat_get(fd, 0, "x", &file), __WASI_ERRNO_BADF);
        ANSWERS(__wasi_path_filestat_set_times(fd, 0, "x", 0, 0, 0), __WASI_ERRNO_BADF);
        ANSWERS(__wasi_path_link(fd, 0, "x", fd, "y"), __WASI_ERRNO_BADF);
        ANSWERS(__wasi_path_readlink(fd, "x", &byte, 1, &size), __WASI_ERRNO_BADF);
        ANSWERS(__wasi_path_remove_directory(fd, "x"), __WASI_ERRNO_BADF);
        ANSWERS(__wasi_path_rename(fd, "x", fd, "y"), __WASI_ERRNO_BADF);
        ANSWERS(__wasi_path_symlink("x", fd, "y"), __WASI_ERRNO_BADF);
        ANSWERS(__wasi_path_unlink_file(fd, "x"), __WASI_ERRNO_BADF);
    }
}
