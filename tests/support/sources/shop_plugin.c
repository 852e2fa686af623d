/* A plugin: shop.total adds the prices of a list; shop.average divides their sum by a count that may be zero. */
typedef unsigned int u32;
#define EXPORT(name) __attribute__((export_name(#name), noinline))
__attribute__((import_module("env"), import_name("host_log"))) void
host_log(const char *level, u32 level_length, const char *message, u32 message_length);

struct list {
    const int *prices;
    u32 count;
};

static char arena[65536];
static u32 used;
static const int prices[4] = {3, 5, 7, 11};

EXPORT(alloc) void *alloc(u32 size)
{
    char *found = arena + used;
    used += (size + 7u) & ~7u;
    return found;
}

static int total(struct list *list)
{
    int sum = 0;
    for (u32 at = 0; at < list->count; at++)
        sum += list->prices[at];
    return sum;
}

static int average(struct list *list)
{
    int sum = total(list);
    return sum / (int)(list->count - 4);
}

EXPORT(plugin_init) const char *plugin_init(void)
{
    return "{\"name\":\"shop\",\"version\":\"1.0.0\"}";
}

EXPORT(plugin_register_slots) const char *plugin_register_slots(void)
{
    return "[{\"name\":\"shop.total\"},{\"name\":\"shop.average\"}]";
}

EXPORT(plugin_execute) const char *plugin_execute(const char *slot, u32 slot_length, const char *json, u32 json_length)
{
    static char answer[] = "{\"success\":true,\"data\":{\"total\":00}}";
    struct list list = {prices, 4};
    int result;
    if (slot[5] == 'a')
        result = average(&list);
    else
        result = total(&list);
    host_log("info", 4, slot, slot_length);
    answer[32] = (char)('0' + result / 10);
    answer[33] = (char)('0' + result % 10);
    return answer;
}
