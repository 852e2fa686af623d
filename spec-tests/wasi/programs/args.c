#include "check.h"

int main(int count, char **arguments) {
    CHECK(count == 5);
    CHECK(strlen(arguments[0]) > 0);
    CHECK(strcmp(arguments[1], "one") == 0);
    CHECK(strcmp(arguments[2], "") == 0);
    CHECK(strcmp(arguments[3], "zwei drei") == 0);
    CHECK(strcmp(arguments[4], "\xc3\xa4") == 0);
    CHECK(arguments[5] == NULL);
}
