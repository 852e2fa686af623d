/* A dot product of two vectors of 1,024 f32, n times, by 128-bit instructions (proposal "simd", WebAssembly 2.0).
 * run(n) returns the bits of the last sum; its order of additions is fixed by the lanes. */

#include "workload.h"

#define LENGTH 1024

typedef float lanes __attribute__((vector_size(16)));

static lanes left[LENGTH / 4], right[LENGTH / 4];

EXPORT(run) u32 run(u32 times)
{
    for (u32 index = 0; index < LENGTH; index++) {
        ((float *)left)[index] = (float)(index % 17u) * 0.5f;
        ((float *)right)[index] = (float)(index % 23u) - 11.0f;
    }
    lanes total = {0, 0, 0, 0};
    while (times--) {
        lanes sum = total * 0.5f;
        for (u32 index = 0; index < LENGTH / 4; index++)
            sum += left[index] * right[index];
        total = sum;
    }
    union {
        float number;
        u32 bits;
    } result = {total[0] + total[1] + total[2] + total[3]};
    return result.bits;
}
