/* The least that a slot call costs with Extism: the same greet, without a function in Python. */
#define BARE
#include "extism_greet.c"
