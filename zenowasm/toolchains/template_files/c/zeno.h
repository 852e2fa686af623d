/* What a plugin in C or C++ needs of ZenoEngine: the five exports, the eight host functions, memory, JSON.
 *
 * The plugin defines zeno_metadata, zeno_slots and zeno_run (below), includes this file once, and is done. No libc is
 * needed. Text is passed as a start and a length; where start is 0 there is none.
 */
#ifndef ZENO_H
#define ZENO_H

#ifdef __cplusplus
extern "C" { /* functions have the same names in both languages */
#endif

/* The memory that one call may use, in bytes; define it before the #include where a plugin needs more. */
#ifndef ZENO_ARENA_BYTES
#define ZENO_ARENA_BYTES (4 * 1024 * 1024)
#endif

struct zeno_text {
    const char *start;
    int length;
};

/* Text that grows; failed is set when memory was not enough. */
struct zeno_output {
    char *start;
    int length;
    int capacity;
    int failed;
};

/* What a host function answered: data and error are JSON values, or none. */
struct zeno_reply {
    int success;
    struct zeno_text data;
    struct zeno_text error;
};

#ifdef __clang__
#define ZENO_IMPORT(name) __attribute__((import_module("env"), import_name(#name)))
#define ZENO_EXPORT(name) __attribute__((export_name(#name)))
#define ZENO_APART __attribute__((noinline))
#else
#define ZENO_IMPORT(name)
#define ZENO_EXPORT(name)
#define ZENO_APART
#endif

/* --- what the plugin defines --- */

/* The JSON objects of plugin_init and plugin_register_slots. */
const char *zeno_metadata(void);
const char *zeno_slots(void);
/* Runs a slot: reads the JSON object parameters, writes the JSON object data. Returns 0, or what went wrong.
 * A function of its own in the binary, so that a debugger can stop there. */
ZENO_APART const char *zeno_run(struct zeno_text slot, struct zeno_text parameters, struct zeno_output *data);

/* --- the host, module "env" --- */

ZENO_IMPORT(host_log) void host_log(const char *level, int level_length, const char *message, int message_length);
ZENO_IMPORT(host_db_query) const char *host_db_query(const char *request, int length);
ZENO_IMPORT(host_http_request) const char *host_http_request(const char *request, int length);
ZENO_IMPORT(host_scope_get) const char *host_scope_get(const char *key, int length);
ZENO_IMPORT(host_scope_set) int host_scope_set(const char *request, int length);
ZENO_IMPORT(host_file_read) const char *host_file_read(const char *path, int length);
ZENO_IMPORT(host_file_write) int host_file_write(const char *request, int length);
ZENO_IMPORT(host_env_get) const char *host_env_get(const char *key, int length);

/* --- memory: one arena for all that a call needs, and the next call uses it again --- */

static char zeno_arena[ZENO_ARENA_BYTES];
static int zeno_used;

/* Returns size bytes, or 0 when the arena is full. */
ZENO_EXPORT(alloc) void *alloc(int size)
{
    int start = (zeno_used + 7) & -8;
    if (size < 0 || size > ZENO_ARENA_BYTES - start)
        return 0;
    zeno_used = start + size;
    return zeno_arena + start;
}

static inline int zeno_length(const char *text)
{
    int length = 0;
    while (text[length])
        length++;
    return length;
}

static inline struct zeno_text zeno_text(const char *text)
{
    struct zeno_text found;
    found.start = text;
    found.length = text ? zeno_length(text) : 0;
    return found;
}

/* Returns text, or other where text is empty or there is none. */
static inline struct zeno_text zeno_or(struct zeno_text text, const char *other)
{
    if (text.length == 0)
        text = zeno_text(other);
    return text;
}

static inline int zeno_equals(struct zeno_text text, const char *other)
{
    int index;
    for (index = 0; index < text.length; index++)
        if (!other[index] || other[index] != text.start[index])
            return 0;
    return text.start && !other[index];
}

/* --- writing --- */

static inline struct zeno_output zeno_output(void)
{
    struct zeno_output out;
    out.start = 0;
    out.length = 0;
    out.capacity = 0;
    out.failed = 0;
    return out;
}

static inline void zeno_put(struct zeno_output *out, char character)
{
    if (out->length == out->capacity) {
        int capacity = out->capacity ? 2 * out->capacity : 128;
        char *larger = (char *)alloc(capacity);
        int index;
        if (!larger) {
            out->failed = 1;
            return;
        }
        for (index = 0; index < out->length; index++)
            larger[index] = out->start[index];
        out->start = larger;
        out->capacity = capacity;
    }
    out->start[out->length++] = character;
}

static inline void zeno_put_slice(struct zeno_output *out, struct zeno_text text)
{
    int index;
    for (index = 0; index < text.length; index++)
        zeno_put(out, text.start[index]);
}

static inline void zeno_put_text(struct zeno_output *out, const char *text)
{
    zeno_put_slice(out, zeno_text(text));
}

static inline void zeno_put_integer(struct zeno_output *out, int value)
{
    char digits[12];
    int count = 0;
    if (value < 0)
        zeno_put(out, '-');
    do {
        int digit = value % 10;
        digits[count++] = (char)('0' + (digit < 0 ? -digit : digit));
        value /= 10;
    } while (value);
    while (count)
        zeno_put(out, digits[--count]);
}

/* Writes text as a JSON string, in quotes and escaped. */
static inline void zeno_put_string(struct zeno_output *out, struct zeno_text text)
{
    const char *hex = "0123456789abcdef";
    int index;
    zeno_put(out, '"');
    for (index = 0; index < text.length; index++) {
        int character = text.start[index] & 255;
        if (character == '"' || character == '\\') {
            zeno_put(out, '\\');
            zeno_put(out, (char)character);
        } else if (character == '\n') {
            zeno_put_text(out, "\\n");
        } else if (character < 32) {
            zeno_put_text(out, "\\u00");
            zeno_put(out, hex[character >> 4]);
            zeno_put(out, hex[character & 15]);
        } else {
            zeno_put(out, (char)character);
        }
    }
    zeno_put(out, '"');
}

static inline struct zeno_text zeno_written(struct zeno_output *out)
{
    struct zeno_text text;
    text.start = out->start;
    text.length = out->length;
    return text;
}

/* Ends the text with a NUL and returns it, 0 when memory was not enough. */
static inline const char *zeno_end(struct zeno_output *out)
{
    zeno_put(out, 0);
    return out->failed ? 0 : out->start;
}

/* Returns a copy of text that ends with a NUL, as zeno_run returns an error; a constant when memory was not enough. */
static inline const char *zeno_c_string(struct zeno_text text)
{
    struct zeno_output out = zeno_output();
    const char *copy;
    zeno_put_slice(&out, text);
    copy = zeno_end(&out);
    return copy ? copy : "out of memory";
}

/* --- reading JSON. The host's JSON is well-formed, so this finds values and checks nothing --- */

static inline int zeno_space(struct zeno_text json, int at)
{
    while (at < json.length && (json.start[at] == ' ' || json.start[at] == '\n' || json.start[at] == '\t' ||
                                json.start[at] == '\r'))
        at++;
    return at;
}

/* Returns where the value that begins at `at` ends. */
static inline int zeno_value_end(struct zeno_text json, int at)
{
    int depth = 0;
    while (at < json.length) {
        char character = json.start[at];
        if (character == '"') {
            at++;
            while (at < json.length && json.start[at] != '"')
                at += json.start[at] == '\\' ? 2 : 1;
        } else if (character == '{' || character == '[') {
            depth++;
        } else if (character == '}' || character == ']') {
            if (depth == 0)
                return at;
            depth--;
        } else if (depth == 0 && (character == ',' || character == ':')) {
            return at;
        }
        at++;
        if (depth == 0 && (character == '"' || character == '}' || character == ']'))
            return at < json.length ? at : json.length;
    }
    return json.length;
}

static inline struct zeno_text zeno_part(struct zeno_text json, int from, int to)
{
    struct zeno_text part;
    while (to > from && (json.start[to - 1] == ' ' || json.start[to - 1] == '\n' || json.start[to - 1] == '\t' ||
                         json.start[to - 1] == '\r'))
        to--;
    part.start = json.start + from;
    part.length = to - from;
    return part;
}

/* Returns the member `key` of an object (key != 0), or the element `index` of a list; none if there is no such one. */
static inline struct zeno_text zeno_find(struct zeno_text json, const char *key, int index)
{
    int at = zeno_space(json, 0);
    if (!json.start || at >= json.length || json.start[at] != (key ? '{' : '['))
        return zeno_text(0);
    at = zeno_space(json, at + 1);
    while (at < json.length && json.start[at] != '}' && json.start[at] != ']') {
        int end = zeno_value_end(json, at);
        int found = !key && index-- == 0;
        if (key) {
            struct zeno_text name = zeno_part(json, at + 1, end - 1);
            found = zeno_equals(name, key);
            at = zeno_space(json, zeno_space(json, end) + 1);
            end = zeno_value_end(json, at);
        }
        if (found)
            return zeno_part(json, at, end);
        at = zeno_space(json, end);
        if (at < json.length && json.start[at] == ',')
            at = zeno_space(json, at + 1);
    }
    return zeno_text(0);
}

static inline struct zeno_text zeno_member(struct zeno_text object, const char *key)
{
    return zeno_find(object, key, 0);
}

static inline struct zeno_text zeno_element(struct zeno_text list, int index)
{
    return zeno_find(list, 0, index);
}

static inline int zeno_hex(struct zeno_text text, int at)
{
    int value = 0;
    int index;
    for (index = at; index < at + 4 && index < text.length; index++) {
        int digit = text.start[index];
        value = value * 16 + (digit <= '9' ? digit - '0' : (digit | 32) - 'a' + 10);
    }
    return value;
}

static inline void zeno_put_codepoint(struct zeno_output *out, int point)
{
    if (point < 0x80) {
        zeno_put(out, (char)point);
        return;
    }
    if (point < 0x800) {
        zeno_put(out, (char)(0xc0 | point >> 6));
    } else {
        if (point < 0x10000) {
            zeno_put(out, (char)(0xe0 | point >> 12));
        } else {
            zeno_put(out, (char)(0xf0 | point >> 18));
            zeno_put(out, (char)(0x80 | (point >> 12 & 63)));
        }
        zeno_put(out, (char)(0x80 | (point >> 6 & 63)));
    }
    zeno_put(out, (char)(0x80 | (point & 63)));
}

/* Returns the text of a JSON string, without quotes and escapes; none if the value is not a string. */
static inline struct zeno_text zeno_string(struct zeno_text value)
{
    struct zeno_output out = zeno_output();
    const char *escapes = "b\bf\fn\nr\rt\t";
    int at;
    if (value.length < 2 || value.start[0] != '"')
        return zeno_text(0);
    for (at = 1; at < value.length - 1; at++) {
        char character = value.start[at];
        int index;
        if (character != '\\') {
            zeno_put(&out, character);
            continue;
        }
        character = value.start[++at];
        if (character == 'u') {
            int point = zeno_hex(value, at + 1);
            at += 4;
            if (point >> 10 == 0x36 && value.start[at + 1] == '\\') {
                point = 0x10000 + ((point & 0x3ff) << 10) + (zeno_hex(value, at + 3) & 0x3ff);
                at += 6;
            }
            zeno_put_codepoint(&out, point);
            continue;
        }
        for (index = 0; escapes[index]; index += 2)
            if (escapes[index] == character)
                character = escapes[index + 1];
        zeno_put(&out, character);
    }
    return zeno_or(zeno_written(&out), "");
}

/* Returns a JSON number's whole part, or `otherwise` if the value is not a number. */
static inline int zeno_integer(struct zeno_text value, int otherwise)
{
    int negative = value.length && value.start[0] == '-';
    int at = negative;
    int number = 0;
    if (at >= value.length || value.start[at] < '0' || value.start[at] > '9')
        return otherwise;
    for (; at < value.length && value.start[at] >= '0' && value.start[at] <= '9'; at++)
        number = number * 10 + (value.start[at] - '0');
    return negative ? -number : number;
}

static inline int zeno_is_true(struct zeno_text value)
{
    return zeno_equals(value, "true");
}

/* --- the host functions, easier --- */

static inline void zeno_log(const char *level, struct zeno_text message)
{
    host_log(level, zeno_length(level), message.start, message.length);
}

/* Takes apart what host_db_query, host_http_request, host_scope_get and host_file_read answer. */
static inline struct zeno_reply zeno_reply(const char *answer)
{
    struct zeno_reply reply;
    struct zeno_text json = zeno_text(answer);
    reply.success = zeno_is_true(zeno_member(json, "success"));
    reply.data = zeno_member(json, "data");
    reply.error = zeno_string(zeno_member(json, "error"));
    return reply;
}

/* Returns the script's variable as JSON; none if there is no such one, or it may not be read. */
static inline struct zeno_text zeno_scope_get(const char *key)
{
    struct zeno_reply reply = zeno_reply(host_scope_get(key, zeno_length(key)));
    return zeno_member(reply.data, "value");
}

/* Sets the script's variable to a JSON value; returns 1, or 0 when it may not be set. */
static inline int zeno_scope_set(const char *key, struct zeno_text value)
{
    struct zeno_output request = zeno_output();
    zeno_put_text(&request, "{\"key\":");
    zeno_put_string(&request, zeno_text(key));
    zeno_put_text(&request, ",\"value\":");
    zeno_put_slice(&request, zeno_or(value, "null"));
    zeno_put(&request, '}');
    return !request.failed && host_scope_set(request.start, request.length);
}

static inline struct zeno_reply zeno_refused(const char *error)
{
    struct zeno_reply reply;
    reply.success = 0;
    reply.data = zeno_text(0);
    reply.error = zeno_text(error);
    return reply;
}

/* Runs one SQL statement; params is a JSON list for ? or a JSON object for :name, or none. The data has rows, a list of
 * objects, and affected where the statement tells. */
static inline struct zeno_reply zeno_query(const char *connection, const char *sql, struct zeno_text params)
{
    struct zeno_output request = zeno_output();
    zeno_put_text(&request, "{\"connection\":");
    zeno_put_string(&request, zeno_text(connection));
    zeno_put_text(&request, ",\"sql\":");
    zeno_put_string(&request, zeno_text(sql));
    zeno_put_text(&request, ",\"params\":");
    zeno_put_slice(&request, zeno_or(params, "[]"));
    zeno_put(&request, '}');
    if (request.failed)
        return zeno_refused("out of memory");
    return zeno_reply(host_db_query(request.start, request.length));
}

/* Sends an HTTP request; headers is a JSON object and body a JSON value, or none. The data has status, headers, body. */
static inline struct zeno_reply zeno_request(const char *method, struct zeno_text url, struct zeno_text headers,
                                             struct zeno_text body)
{
    struct zeno_output request = zeno_output();
    zeno_put_text(&request, "{\"method\":");
    zeno_put_string(&request, zeno_text(method));
    zeno_put_text(&request, ",\"url\":");
    zeno_put_string(&request, url);
    zeno_put_text(&request, ",\"headers\":");
    zeno_put_slice(&request, zeno_or(headers, "{}"));
    if (body.length) {
        zeno_put_text(&request, ",\"body\":");
        zeno_put_slice(&request, body);
    }
    zeno_put(&request, '}');
    if (request.failed)
        return zeno_refused("out of memory");
    return zeno_reply(host_http_request(request.start, request.length));
}

/* Reads a text file. The data has content, a JSON string. */
static inline struct zeno_reply zeno_file_read(struct zeno_text path)
{
    return zeno_reply(host_file_read(path.start, path.length));
}

/* Replaces a text file; returns 1, or 0 when it was not written. */
static inline int zeno_file_write(struct zeno_text path, struct zeno_text content)
{
    struct zeno_output request = zeno_output();
    zeno_put_text(&request, "{\"path\":");
    zeno_put_string(&request, path);
    zeno_put_text(&request, ",\"content\":");
    zeno_put_string(&request, content);
    zeno_put(&request, '}');
    return !request.failed && host_file_write(request.start, request.length);
}

/* Returns an environment variable, empty when it is not set or may not be read. */
static inline struct zeno_text zeno_env(const char *name)
{
    return zeno_text(host_env_get(name, zeno_length(name)));
}

/* --- the five exports --- */

ZENO_EXPORT(plugin_init) const char *plugin_init(void)
{
    return zeno_metadata();
}

ZENO_EXPORT(plugin_register_slots) const char *plugin_register_slots(void)
{
    return zeno_slots();
}

ZENO_EXPORT(plugin_execute) const char *plugin_execute(const char *slot, int slot_length, const char *request,
                                                       int request_length)
{
    struct zeno_text name;
    struct zeno_text json;
    struct zeno_output data = zeno_output();
    struct zeno_output response = zeno_output();
    const char *error;
    const char *answer;
    name.start = slot;
    name.length = slot_length;
    json.start = request;
    json.length = request_length;
    error = zeno_run(name, zeno_member(json, "parameters"), &data);
    if (!error && data.failed)
        error = "out of memory";
    if (error) {
        zeno_put_text(&response, "{\"success\":false,\"error\":");
        zeno_put_string(&response, zeno_text(error));
    } else {
        zeno_put_text(&response, "{\"success\":true,\"data\":");
        zeno_put_slice(&response, zeno_or(zeno_written(&data), "{}"));
    }
    zeno_put(&response, '}');
    answer = zeno_end(&response);
    /* The host has read the answer before it calls again, and nothing else is kept: the arena starts anew. */
    zeno_used = 0;
    return answer ? answer : "{\"success\":false,\"error\":\"out of memory\"}";
}

ZENO_EXPORT(plugin_cleanup) void plugin_cleanup(void)
{
    zeno_used = 0;
}

#ifdef __cplusplus
}
#endif

#endif
