#include "check.h"

extern char **environ;

int main(void) {
    CHECK(strcmp(getenv("NAME"), "value") == 0);
    CHECK(strcmp(getenv("EMPTY"), "") == 0);
    CHECK(strcmp(getenv("SIGNS"), "a=b c") == 0);
    CHECK(getenv("PATH") == NULL);
    int count = 0;
    while (environ[count] != NULL) count++;
    CHECK(count == 3);
}
