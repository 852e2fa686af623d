/* hello.greet of examples/plugins/hello against Extism's ABI: the same request, log message, question for a variable and
 * reply. The variable and the log are the host's, functions in Python. With BARE the variable is not asked for, and the
 * message goes to Extism's own log, which drops it. */

typedef unsigned int u32;
typedef unsigned long long u64;

#define EXPORT(name) __attribute__((export_name(#name)))
#define IMPORT(module, name) __attribute__((import_module(module), import_name(name)))
#define MOST 16384u

/* Extism keeps its own memory: blocks are known by their offset there, and read and written by these calls. */
IMPORT("extism:host/env", "alloc") u64 extism_alloc(u64 length);
IMPORT("extism:host/env", "length") u64 extism_length(u64 block);
IMPORT("extism:host/env", "input_length") u64 extism_input_length(void);
IMPORT("extism:host/env", "input_load_u8") u32 extism_input_load_u8(u64 offset);
IMPORT("extism:host/env", "input_load_u64") u64 extism_input_load_u64(u64 offset);
IMPORT("extism:host/env", "load_u8") u32 extism_load_u8(u64 offset);
IMPORT("extism:host/env", "store_u8") void extism_store_u8(u64 offset, u32 byte);
IMPORT("extism:host/env", "store_u64") void extism_store_u64(u64 offset, u64 bytes);
IMPORT("extism:host/env", "output_set") void extism_output_set(u64 block, u64 length);
#ifdef BARE
IMPORT("extism:host/env", "log_info") void write_log(u64 block);
#else
IMPORT("extism:host/user", "scope_get") u64 scope_get(u64 key);
IMPORT("extism:host/user", "log") void write_log(u64 block);
#endif

static char input[MOST + 1];
static char output[MOST];

static u64 block_of(const char *text, u64 length)
{
    u64 block = extism_alloc(length);
    u64 index = 0;
    for (; index + 8 <= length; index += 8) {
        u64 bytes;
        __builtin_memcpy(&bytes, text + index, 8);
        extism_store_u64(block + index, bytes);
    }
    for (; index < length; index++)
        extism_store_u8(block + index, (unsigned char)text[index]);
    return block;
}

static void read_input(void)
{
    u64 length = extism_input_length();
    u64 index = 0;
    if (length > MOST)
        length = MOST;
    for (; index + 8 <= length; index += 8) {
        u64 bytes = extism_input_load_u64(index);
        __builtin_memcpy(input + index, &bytes, 8);
    }
    for (; index < length; index++)
        input[index] = (char)extism_input_load_u8(index);
    input[length] = 0;
}

/* Returns what follows the text in another, or 0. */
static const char *after(const char *text, const char *wanted)
{
    for (; *text; text++) {
        u32 index = 0;
        while (wanted[index] && text[index] == wanted[index])
            index++;
        if (!wanted[index])
            return text + index;
    }
    return 0;
}

static char *put(char *to, const char *from, char end)
{
    while (*from != end && *from && to < output + MOST - 8)
        *to++ = *from++;
    return to;
}

/* Whether a script has set $greeting; the benchmark's has not. */
static int has_greeting(void)
{
#ifdef BARE
    return 0;
#else
    u64 reply = scope_get(block_of("greeting", 8));
    return extism_length(reply) > 11 && extism_load_u8(reply + 11) == 't'; /* {"success":true */
#endif
}

EXPORT(greet) int greet(void)
{
    read_input();
    const char *name = after(input, "\"name\":\"");
    char *end = put(output, "Greeting: ", 0);
    end = put(end, has_greeting() ? "Welcome, " : "Hello, ", 0);
    end = put(put(end, name ? name : "World", '"'), "!", 0);
    write_log(block_of(output, (u64)(end - output)));
    end = put(output, "{\"success\":true,\"data\":{\"message\":\"Hello, ", 0);
    end = put(put(end, name ? name : "World", '"'), "!\"}}", 0);
    u64 length = (u64)(end - output);
    extism_output_set(block_of(output, length), length);
    return 0;
}
