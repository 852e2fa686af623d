/* What the workloads in C share: they have no library, and export one function. */

typedef unsigned int u32;
typedef unsigned long long u64;

#define EXPORT(name) __attribute__((export_name(#name)))

/* The compiler may call these for loops that it recognizes. */
void *memset(void *target, int byte, __SIZE_TYPE__ size)
{
    volatile char *at = target;
    while (size--)
        *at++ = (char)byte;
    return target;
}

void *memcpy(void *restrict target, const void *restrict source, __SIZE_TYPE__ size)
{
    volatile char *to = target;
    const char *from = source;
    while (size--)
        *to++ = *from++;
    return target;
}

static inline u64 mixed(u64 sum, u64 value)
{
    return (sum ^ value) * 0x100000001B3ull;
}
