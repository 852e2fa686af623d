#include "check.h"

int main(void) {
    printf("before");
    exit(33);
    printf("after");
}
