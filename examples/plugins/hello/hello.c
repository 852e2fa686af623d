/* The hello plugin: two slots, no libc, one small JSON reader and writer.
 *
 *   hello.greet { name: "World" }     sets $message to "Hello, World!" and logs it
 *   hello.log { message: "..." }      logs a message and sets $logged
 *
 * Strings cross the border as pointer and length; answers go back as JSON that ends with a NUL.
 */

typedef unsigned int u32;

#define EXPORT(name) __attribute__((export_name(#name), noinline))
#define IMPORT(name) __attribute__((import_module("env"), import_name(#name)))
#define PAGE 65536u

IMPORT(host_log) void host_log(const char *level, u32 level_length, const char *message, u32 message_length);
IMPORT(host_scope_get) const char *host_scope_get(const char *key, u32 key_length);

/* A piece of text somewhere in memory; text == 0 means that there is none. */
struct slice {
    const char *text;
    u32 length;
};

/* --- memory: everything that one call needs lies in one arena, which the next call uses again --- */

extern char __heap_base;
static char *arena;

EXPORT(alloc) void *alloc(u32 size)
{
    if (arena == 0)
        arena = &__heap_base;
    u32 start = ((u32)arena + 7u) & ~7u;
    u32 end = start + size;
    u32 have = (u32)__builtin_wasm_memory_size(0) * PAGE;
    if (end < start)
        return 0;
    if (end > have && __builtin_wasm_memory_grow(0, (end - have + PAGE - 1) / PAGE) == (__SIZE_TYPE__)-1)
        return 0;
    arena = (char *)end;
    return (void *)start;
}

static u32 string_length(const char *text)
{
    u32 length = 0;
    while (text[length] != 0)
        length++;
    return length;
}

__attribute__((noinline)) static int slice_equals(struct slice slice, const char *text)
{
    u32 length = string_length(text);
    if (slice.length != length)
        return 0;
    for (u32 index = 0; index < length; index++)
        if (slice.text[index] != text[index])
            return 0;
    return 1;
}

/* --- writing: text that grows at the end of a buffer --- */

struct writer {
    char *text;
    u32 length;
    u32 capacity;
};

static void write_char(struct writer *writer, char character)
{
    if (writer->length + 1 < writer->capacity)
        writer->text[writer->length++] = character;
}

__attribute__((noinline)) static void write_text(struct writer *writer, const char *text)
{
    while (*text != 0)
        write_char(writer, *text++);
}

__attribute__((noinline)) static void write_slice(struct writer *writer, struct slice slice)
{
    for (u32 index = 0; index < slice.length; index++)
        write_char(writer, slice.text[index]);
}

static const char *write_end(struct writer *writer)
{
    writer->text[writer->length] = 0;
    return writer->text;
}

static int new_writer(struct writer *writer, u32 capacity)
{
    writer->text = alloc(capacity);
    writer->length = 0;
    writer->capacity = capacity;
    return writer->text != 0;
}

/* --- reading JSON: enough to find a string in an object, and no more --- */

/* Returns the end of the string that begins at text[0] == '"': the place of its closing quote. */
static const char *json_string_end(const char *text, const char *end)
{
    for (text++; text < end && *text != '"'; text++)
        if (*text == '\\')
            text++;
    return text;
}

static const char *skip_spaces(const char *text, const char *end)
{
    while (text < end && (*text == ' ' || *text == '\t' || *text == '\n' || *text == '\r'))
        text++;
    return text;
}

/* Finds "key": "text" directly in the object json; the answer is still escaped, as it stands there. */
__attribute__((noinline)) static struct slice json_find_string(struct slice json, const char *key)
{
    struct slice nothing = {0, 0};
    const char *text = json.text;
    const char *end = json.text + json.length;
    int depth = 0;
    for (; text < end; text++) {
        if (*text == '{' || *text == '[')
            depth++;
        if (*text == '}' || *text == ']')
            depth--;
        if (*text != '"')
            continue;
        const char *close = json_string_end(text, end);
        struct slice name = {text + 1, (u32)(close - text - 1)};
        const char *after = skip_spaces(close + 1, end);
        if (depth == 1 && after < end && *after == ':' && slice_equals(name, key)) {
            const char *value = skip_spaces(after + 1, end);
            if (value >= end || *value != '"')
                return nothing;
            struct slice found = {value + 1, (u32)(json_string_end(value, end) - value - 1)};
            return found;
        }
        text = close;
    }
    return nothing;
}

/* Finds "key": { ... } directly in the object json. */
__attribute__((noinline)) static struct slice json_find_object(struct slice json, const char *key)
{
    struct slice nothing = {0, 0};
    const char *end = json.text + json.length;
    int depth = 0;
    for (const char *text = json.text; text < end; text++) {
        if (*text == '{' || *text == '[')
            depth++;
        if (*text == '}' || *text == ']')
            depth--;
        if (*text != '"')
            continue;
        const char *close = json_string_end(text, end);
        struct slice name = {text + 1, (u32)(close - text - 1)};
        const char *after = skip_spaces(close + 1, end);
        if (depth == 1 && after < end && *after == ':' && slice_equals(name, key)) {
            const char *value = skip_spaces(after + 1, end);
            struct slice rest = {value, (u32)(end - value)};
            return value < end && *value == '{' ? rest : nothing;
        }
        text = close;
    }
    return nothing;
}

/* --- the slots --- */

__attribute__((noinline)) static void log_info(const char *prefix, struct slice message)
{
    struct writer line;
    if (!new_writer(&line, string_length(prefix) + message.length + 1))
        return;
    write_text(&line, prefix);
    write_slice(&line, message);
    host_log("info", 4, line.text, line.length);
}

/* The greeting itself: the word before the name, which a script may set in $greeting. */
__attribute__((noinline)) static struct slice greeting_word(void)
{
    struct slice word = {"Hello", 5};
    const char *reply = host_scope_get("greeting", 8);
    if (reply == 0)
        return word;
    struct slice json = {reply, string_length(reply)};
    struct slice found = json_find_string(json_find_object(json, "data"), "value");
    return found.length != 0 ? found : word;
}

__attribute__((noinline)) static const char *greet(struct slice parameters)
{
    struct slice name = json_find_string(parameters, "name");
    if (name.text == 0) {
        name.text = "World";
        name.length = 5;
    }
    struct slice word = greeting_word();
    struct writer message;
    if (!new_writer(&message, word.length + name.length + 4))
        return 0;
    write_slice(&message, word);
    write_text(&message, ", ");
    write_slice(&message, name);
    write_text(&message, "!");
    struct slice greeting = {message.text, message.length};
    log_info("Greeting: ", greeting);

    struct writer response;
    if (!new_writer(&response, greeting.length + 64))
        return 0;
    write_text(&response, "{\"success\":true,\"data\":{\"message\":\"");
    write_slice(&response, greeting);
    write_text(&response, "\"}}");
    return write_end(&response);
}

__attribute__((noinline)) static const char *log_message(struct slice parameters)
{
    struct slice message = json_find_string(parameters, "message");
    if (message.text == 0)
        return "{\"success\":false,\"error\":\"hello.log needs a message\"}";
    log_info("[Plugin] ", message);
    return "{\"success\":true,\"data\":{\"logged\":true}}";
}

/* --- the five exports --- */

EXPORT(plugin_init) const char *plugin_init(void)
{
    return "{\"name\":\"hello\",\"version\":\"1.0.0\",\"author\":\"zenowasm\","
           "\"description\":\"Greets from WebAssembly\",\"license\":\"Apache-2.0\"}";
}

EXPORT(plugin_register_slots) const char *plugin_register_slots(void)
{
    return "[{\"name\":\"hello.greet\",\"description\":\"Greet someone\","
           "\"example\":\"hello.greet { name: \\\"World\\\" }\","
           "\"inputs\":{\"name\":{\"type\":\"string\",\"required\":false,\"description\":\"Who is greeted\"}},"
           "\"outputs\":{\"message\":{\"type\":\"string\"}}},"
           "{\"name\":\"hello.log\",\"description\":\"Log a message\","
           "\"example\":\"hello.log { message: \\\"Test\\\" }\","
           "\"inputs\":{\"message\":{\"type\":\"string\",\"required\":true}},"
           "\"outputs\":{\"logged\":{\"type\":\"bool\"}}}]";
}

EXPORT(plugin_execute) const char *plugin_execute(const char *slot, u32 slot_length, const char *request,
                                                  u32 request_length)
{
    struct slice name = {slot, slot_length};
    struct slice json = {request, request_length};
    struct slice parameters = json_find_object(json, "parameters");
    const char *answer = "{\"success\":false,\"error\":\"unknown slot\"}";
    if (slice_equals(name, "hello.greet"))
        answer = greet(parameters);
    else if (slice_equals(name, "hello.log"))
        answer = log_message(parameters);
    /* The host has read the answer before it calls again, and nothing else is kept: the arena starts anew. */
    arena = &__heap_base;
    return answer != 0 ? answer : "{\"success\":false,\"error\":\"out of memory\"}";
}

EXPORT(plugin_cleanup) void plugin_cleanup(void)
{
    arena = 0;
}
