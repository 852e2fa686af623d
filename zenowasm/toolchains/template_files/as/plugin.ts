// The plugin {{name}}: a slot that greets, to start from.

import { Call, Json, log, scopeGet, setup } from "./zeno";
export { alloc, plugin_cleanup, plugin_execute, plugin_init, plugin_register_slots } from "./zeno";

setup(
  '{"name":"{{name}}","version":"0.1.0","description":"Greets"}',
  `[{
    "name": "{{name}}.greet",
    "description": "Greet someone",
    "inputs": {"name": {"type": "string", "required": true}},
    "outputs": {"message": {"type": "string"}}
  }]`,
  run,
);

function run(call: Call, data: Json): string {
  if (call.slot == "{{name}}.greet") return greet(call, data);
  return "unknown slot";
}

function greet(call: Call, data: Json): string {
  // Needs the permission to read the scope; without it, or without the variable, the word stays.
  const greeting = scopeGet("greeting").data.get("value").string();
  const word = greeting.length ? greeting : "Hello";
  const message = word + ", " + call.parameters.get("name").string() + "!";
  log("info", message);
  data.with("message", Json.of(message));
  return "";
}
