//! The plugin {{name}}: a slot that greets, to start from.

mod zeno;

use zeno::{Call, Json};

const METADATA: &str = r#"{"name":"{{name}}","version":"0.1.0","description":"Greets"}"#;
const SLOTS: &str = r#"[{
    "name": "{{name}}.greet",
    "description": "Greet someone",
    "example": "{{name}}.greet { name: \"World\" }",
    "inputs": {"name": {"type": "string", "required": true}},
    "outputs": {"message": {"type": "string"}}
}]"#;

zeno::exports!(METADATA, SLOTS, run);

fn run(call: &Call) -> Result<Json, String> {
    match call.slot.as_str() {
        "{{name}}.greet" => greet(call),
        _ => Err("unknown slot".to_string()),
    }
}

fn greet(call: &Call) -> Result<Json, String> {
    // Needs the permission to read the scope; without it, or without the variable, the word stays.
    let greeting = zeno::scope_get("greeting").unwrap_or(Json::Null);
    let word = match greeting.text() {
        "" => "Hello",
        text => text,
    };
    let message = format!("{}, {}!", word, call.parameters.get("name").text());
    zeno::log("info", &message);
    Ok(Json::object(vec![("message", message.into())]))
}
