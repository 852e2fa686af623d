/* The plugin sdk_user: a slot for each function of zeno.h that reaches out; it compiles as C and as C++. */

#include "zeno.h"

const char *zeno_metadata(void)
{
    return "{\"name\":\"sdk_user\",\"version\":\"0.1.0\"}";
}

const char *zeno_slots(void)
{
    return "[{\"name\":\"sdk_user.insert\"},{\"name\":\"sdk_user.names\"},{\"name\":\"sdk_user.send\"},"
           "{\"name\":\"sdk_user.read\"},{\"name\":\"sdk_user.write\"},{\"name\":\"sdk_user.env\"},"
           "{\"name\":\"sdk_user.set\"}]";
}

/* Writes {"key": value}, value being JSON, and "none" where there is none. */
static void answer(struct zeno_output *data, const char *key, struct zeno_text value)
{
    zeno_put(data, '{');
    zeno_put_string(data, zeno_text(key));
    zeno_put(data, ':');
    zeno_put_slice(data, zeno_or(value, "\"none\""));
    zeno_put(data, '}');
}

static void answer_flag(struct zeno_output *data, int flag)
{
    answer(data, "done", zeno_text(flag ? "true" : "false"));
}

static const char *answer_member(struct zeno_output *data, struct zeno_reply reply, const char *key)
{
    if (!reply.success)
        return zeno_c_string(reply.error);
    answer(data, key, zeno_member(reply.data, key));
    return 0;
}

const char *zeno_run(struct zeno_text slot, struct zeno_text parameters, struct zeno_output *data)
{
    if (zeno_equals(slot, "sdk_user.insert")) {
        struct zeno_output params = zeno_output();
        zeno_put_text(&params, "{\"name\":");
        zeno_put_slice(&params, zeno_member(parameters, "name"));
        zeno_put(&params, '}');
        return answer_member(
            data, zeno_query("main", "INSERT INTO birds VALUES (:name)", zeno_written(&params)), "affected");
    }
    if (zeno_equals(slot, "sdk_user.names"))
        return answer_member(data, zeno_query("main", "SELECT name FROM birds", zeno_text(0)), "rows");
    if (zeno_equals(slot, "sdk_user.send")) {
        struct zeno_text url = zeno_string(zeno_member(parameters, "url"));
        struct zeno_text headers = zeno_member(parameters, "headers");
        struct zeno_text body = zeno_member(parameters, "body");
        return answer_member(data, zeno_request(body.length ? "POST" : "GET", url, headers, body), "body");
    }
    if (zeno_equals(slot, "sdk_user.read"))
        return answer_member(data, zeno_file_read(zeno_string(zeno_member(parameters, "path"))), "content");
    if (zeno_equals(slot, "sdk_user.write")) {
        struct zeno_text path = zeno_string(zeno_member(parameters, "path"));
        answer_flag(data, zeno_file_write(path, zeno_string(zeno_member(parameters, "content"))));
        return 0;
    }
    if (zeno_equals(slot, "sdk_user.set")) {
        answer_flag(data, zeno_scope_set("bird", zeno_member(parameters, "value")));
        return 0;
    }
    zeno_put_text(data, "{\"value\":");
    zeno_put_string(data, zeno_env("SDK_WORD"));
    zeno_put(data, '}');
    return 0;
}
