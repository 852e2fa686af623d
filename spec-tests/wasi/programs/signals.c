#include "check.h"
#include <sched.h>

// The C library has no declaration of it any more.
__attribute__((import_module("wasi_snapshot_preview1"), import_name("proc_raise"))) int proc_raise(int signal);

enum { NONE = 0, ABRT = 6, CHLD = 16 };

int main(void) {
    CHECK(sched_yield() == 0);
    CHECK(proc_raise(NONE) == 0);
    CHECK(proc_raise(CHLD) == 0);
    ANSWERS(proc_raise(77), __WASI_ERRNO_INVAL);
    CHECK(proc_raise(ABRT) == 0);
}
