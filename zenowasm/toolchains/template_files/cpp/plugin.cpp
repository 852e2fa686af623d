// The plugin {{name}}: a slot that greets, to start from.

#include <string>

#include "zeno.h"

const char *zeno_metadata()
{
    return R"({"name":"{{name}}","version":"0.1.0","description":"Greets"})";
}

const char *zeno_slots()
{
    return R"([{"name":"{{name}}.greet","description":"Greet someone",
                "example":"{{name}}.greet { name: \"World\" }",
                "inputs":{"name":{"type":"string","required":true}},
                "outputs":{"message":{"type":"string"}}}])";
}

static std::string string_of(struct zeno_text text)
{
    return std::string(text.start, text.length);
}

const char *zeno_run(struct zeno_text slot, struct zeno_text parameters, struct zeno_output *data)
{
    if (!zeno_equals(slot, "{{name}}.greet"))
        return "unknown slot";
    struct zeno_text word = zeno_string(zeno_scope_get("greeting")); // needs the permission to read the scope
    std::string message = string_of(zeno_or(word, "Hello")) + ", ";
    message += string_of(zeno_string(zeno_member(parameters, "name"))) + "!";
    struct zeno_text text = {message.data(), int(message.size())};
    zeno_log("info", text);
    zeno_put_text(data, "{\"message\":");
    zeno_put_string(data, text);
    zeno_put(data, '}');
    return nullptr;
}
