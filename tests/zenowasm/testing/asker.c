/* The plugin asker: its slot passes a request on to the host function that it names, and answers the reply. */

#include "zeno.h"

const char *zeno_metadata(void)
{
    return "{\"name\":\"asker\",\"version\":\"0.1.0\"}";
}

const char *zeno_slots(void)
{
    return "[{\"name\":\"asker.ask\"}]";
}

const char *zeno_run(struct zeno_text slot, struct zeno_text parameters, struct zeno_output *data)
{
    struct zeno_text function = zeno_string(zeno_member(parameters, "function"));
    struct zeno_text request = zeno_string(zeno_member(parameters, "request"));
    const char *answer = 0;
    (void)slot;
    if (zeno_equals(function, "db_query"))
        answer = host_db_query(request.start, request.length);
    if (zeno_equals(function, "http_request"))
        answer = host_http_request(request.start, request.length);
    if (zeno_equals(function, "file_read"))
        answer = host_file_read(request.start, request.length);
    if (zeno_equals(function, "file_write")) {
        zeno_put_text(data, host_file_write(request.start, request.length) ? "{\"done\":true}" : "{\"done\":false}");
        return 0;
    }
    if (zeno_equals(function, "env_get")) {
        zeno_put_text(data, "{\"text\":");
        zeno_put_string(data, zeno_text(host_env_get(request.start, request.length)));
        zeno_put(data, '}');
        return 0;
    }
    zeno_put_text(data, "{\"reply\":");
    zeno_put_text(data, answer);
    zeno_put(data, '}');
    return 0;
}
