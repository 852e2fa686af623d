/* The plugin {{name}}: a slot that greets, to start from. */

#include "zeno.h"

const char *zeno_metadata(void)
{
    return "{\"name\":\"{{name}}\",\"version\":\"0.1.0\",\"description\":\"Greets\"}";
}

const char *zeno_slots(void)
{
    return "[{\"name\":\"{{name}}.greet\",\"description\":\"Greet someone\","
           "\"example\":\"{{name}}.greet { name: \\\"World\\\" }\","
           "\"inputs\":{\"name\":{\"type\":\"string\",\"required\":true}},"
           "\"outputs\":{\"message\":{\"type\":\"string\"}}}]";
}

const char *zeno_run(struct zeno_text slot, struct zeno_text parameters, struct zeno_output *data)
{
    struct zeno_output message = zeno_output();
    struct zeno_text word;
    if (!zeno_equals(slot, "{{name}}.greet"))
        return "unknown slot";
    word = zeno_string(zeno_scope_get("greeting")); /* needs the permission to read the scope */
    zeno_put_slice(&message, zeno_or(word, "Hello"));
    zeno_put_text(&message, ", ");
    zeno_put_slice(&message, zeno_string(zeno_member(parameters, "name")));
    zeno_put(&message, '!');
    zeno_log("info", zeno_written(&message));
    zeno_put_text(data, "{\"message\":");
    zeno_put_string(data, zeno_written(&message));
    zeno_put(data, '}');
    return 0;
}
