/* A reactor with libc: prints, reads its arguments and clocks, asks for randomness, sleeps, exits on demand. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define EXPORT(name) __attribute__((export_name(#name)))

static int constructed;

__attribute__((constructor)) static void construct(void)
{
    constructed = 1;
    puts("constructed");
}

EXPORT(alloc) void *guest_alloc(size_t size)
{
    return malloc(size);
}

EXPORT(plugin_init) const char *plugin_init(void)
{
    return "{\"name\":\"wasi_reactor\",\"version\":\"1.0.0\"}";
}

EXPORT(plugin_register_slots) const char *plugin_register_slots(void)
{
    return "[{\"name\":\"reactor.run\"},{\"name\":\"reactor.exit\"},{\"name\":\"reactor.abort\"}]";
}

EXPORT(plugin_execute) const char *plugin_execute(const char *slot, size_t slot_length, const char *request, size_t length)
{
    static char response[512];
    unsigned char random[8] = {0};
    struct timespec now = {0, 0}, pause = {0, 2000000};
    (void)request;
    (void)length;
    if (slot_length == 12 && memcmp(slot, "reactor.exit", 12) == 0)
        exit(7);
    if (slot_length == 13 && memcmp(slot, "reactor.abort", 13) == 0) {
        fputs("about to abort", stderr);
        abort();
    }
    clock_gettime(CLOCK_REALTIME, &now);
    if (getentropy(random, sizeof random) != 0)
        return 0;
    nanosleep(&pause, 0);
    printf("hello from %s", "libc");
    printf(", %d\nno newline", 42);
    fputs("to stderr\n", stderr);
    snprintf(response, sizeof response,
             "{\"success\":true,\"data\":{\"constructed\":%s,\"seconds\":%lld,\"random\":%d,\"file\":%s,\"home\":%s}}",
             constructed ? "true" : "false", (long long)now.tv_sec, random[0], fopen("/etc/passwd", "r") ? "true" : "false",
             getenv("HOME") ? "true" : "false");
    return response;
}

EXPORT(plugin_cleanup) void plugin_cleanup(void)
{
    puts("cleaned up");
}
