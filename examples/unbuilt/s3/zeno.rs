//! What a plugin in Rust needs of ZenoEngine: the five exports, the eight host functions, JSON. No crates.
//!
//! The plugin names its parts with `zeno::exports!(METADATA, SLOTS, run)` and includes this file as `mod zeno`.

#![allow(dead_code)]

use std::fmt::Write;

/// A JSON value. Whole numbers are exact; the members of an object keep their order.
#[derive(Clone, Debug, PartialEq)]
pub enum Json {
    Null,
    Bool(bool),
    Integer(i64),
    Number(f64),
    Text(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

static NULL: Json = Json::Null;

impl Json {
    /// Makes an object.
    pub fn object(members: Vec<(&str, Json)>) -> Json {
        Json::Object(members.into_iter().map(|(key, value)| (key.to_string(), value)).collect())
    }

    /// Returns a member of an object, null if there is no such one.
    pub fn get(&self, key: &str) -> &Json {
        match self {
            Json::Object(members) => members.iter().find(|(name, _)| name == key).map_or(&NULL, |(_, value)| value),
            _ => &NULL,
        }
    }

    /// Returns the text, "" if the value is not text.
    pub fn text(&self) -> &str {
        match self {
            Json::Text(text) => text,
            _ => "",
        }
    }

    /// Returns the whole number, if the value is one.
    pub fn integer(&self) -> Option<i64> {
        match self {
            Json::Integer(number) => Some(*number),
            _ => None,
        }
    }

    /// Reads JSON; what is malformed is null. Nesting is bounded.
    pub fn parse(text: &str) -> Json {
        Parser { bytes: text.as_bytes(), at: 0, depth: 0 }.value().unwrap_or(Json::Null)
    }

    fn write(&self, out: &mut String) {
        match self {
            Json::Null => out.push_str("null"),
            Json::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Json::Integer(number) => write!(out, "{}", number).unwrap(),
            Json::Number(number) if number.is_finite() => write!(out, "{}", number).unwrap(),
            Json::Number(_) => out.push_str("null"),
            Json::Text(text) => write_text(out, text),
            Json::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    out.push(if index == 0 { '[' } else { ',' });
                    item.write(out);
                }
                out.push_str(if items.is_empty() { "[]" } else { "]" });
            }
            Json::Object(members) => {
                for (index, (key, value)) in members.iter().enumerate() {
                    out.push(if index == 0 { '{' } else { ',' });
                    write_text(out, key);
                    out.push(':');
                    value.write(out);
                }
                out.push_str(if members.is_empty() { "{}" } else { "}" });
            }
        }
    }
}

impl From<&str> for Json {
    fn from(text: &str) -> Json {
        Json::Text(text.to_string())
    }
}

impl From<String> for Json {
    fn from(text: String) -> Json {
        Json::Text(text)
    }
}

impl std::fmt::Display for Json {
    fn fmt(&self, formatter: &mut std::fmt::Formatter) -> std::fmt::Result {
        let mut out = String::new();
        self.write(&mut out);
        formatter.write_str(&out)
    }
}

fn write_text(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            character if (character as u32) < 0x20 => write!(out, "\\u{:04x}", character as u32).unwrap(),
            character => out.push(character),
        }
    }
    out.push('"');
}

struct Parser<'a> {
    bytes: &'a [u8],
    at: usize,
    depth: usize,
}

const DEEPEST: usize = 64;

impl<'a> Parser<'a> {
    fn peek(&mut self) -> Option<u8> {
        while self.at < self.bytes.len() && b" \t\r\n".contains(&self.bytes[self.at]) {
            self.at += 1;
        }
        self.bytes.get(self.at).copied()
    }

    fn take(&mut self, wanted: u8) -> Option<()> {
        if self.peek()? == wanted {
            self.at += 1;
            return Some(());
        }
        None
    }

    fn word(&mut self, word: &str, value: Json) -> Option<Json> {
        if self.bytes[self.at..].starts_with(word.as_bytes()) {
            self.at += word.len();
            return Some(value);
        }
        None
    }

    fn value(&mut self) -> Option<Json> {
        match self.peek()? {
            b'n' => self.word("null", Json::Null),
            b't' => self.word("true", Json::Bool(true)),
            b'f' => self.word("false", Json::Bool(false)),
            b'"' => self.text().map(Json::Text),
            b'[' | b'{' if self.depth == DEEPEST => None,
            b'[' => {
                let mut items = Vec::new();
                self.sequence(b'[', b']', |parser| Some(items.push(parser.value()?)))?;
                Some(Json::List(items))
            }
            b'{' => {
                let mut members = Vec::new();
                self.sequence(b'{', b'}', |parser| {
                    parser.peek()?;
                    let key = parser.text()?;
                    parser.take(b':')?;
                    Some(members.push((key, parser.value()?)))
                })?;
                Some(Json::Object(members))
            }
            _ => self.number(),
        }
    }

    fn sequence(&mut self, open: u8, close: u8, mut item: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.take(open)?;
        self.depth += 1;
        if self.take(close).is_none() {
            loop {
                item(self)?;
                if self.take(b',').is_none() {
                    self.take(close)?;
                    break;
                }
            }
        }
        self.depth -= 1;
        Some(())
    }

    fn number(&mut self) -> Option<Json> {
        let start = self.at;
        while self.at < self.bytes.len() && b"+-.eE0123456789".contains(&self.bytes[self.at]) {
            self.at += 1;
        }
        let text = std::str::from_utf8(&self.bytes[start..self.at]).ok()?;
        text.parse().map(Json::Integer).or_else(|_| text.parse().map(Json::Number)).ok()
    }

    fn text(&mut self) -> Option<String> {
        self.take(b'"')?;
        let mut out = Vec::new();
        loop {
            let byte = *self.bytes.get(self.at)?;
            self.at += 1;
            match byte {
                b'"' => return String::from_utf8(out).ok(),
                b'\\' => {
                    let escape = *self.bytes.get(self.at)?;
                    self.at += 1;
                    let character = match escape {
                        b'b' => '\u{8}',
                        b'f' => '\u{c}',
                        b'n' => '\n',
                        b'r' => '\r',
                        b't' => '\t',
                        b'u' => self.escaped()?,
                        other => other as char,
                    };
                    out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                }
                byte => out.push(byte),
            }
        }
    }

    /// Reads what follows `\u`: a character, or the two halves of one.
    fn escaped(&mut self) -> Option<char> {
        let mut unit = self.hex()?;
        if unit >> 10 == 0x36 && self.bytes[self.at..].starts_with(b"\\u") {
            self.at += 2;
            unit = 0x10000 + ((unit & 0x3ff) << 10) + (self.hex()? & 0x3ff);
        }
        Some(char::from_u32(unit).unwrap_or('\u{fffd}'))
    }

    fn hex(&mut self) -> Option<u32> {
        let digits = std::str::from_utf8(self.bytes.get(self.at..self.at + 4)?).ok()?;
        self.at += 4;
        u32::from_str_radix(digits, 16).ok()
    }
}

mod host {
    #[link(wasm_import_module = "env")]
    extern "C" {
        pub fn host_log(level: *const u8, level_length: usize, message: *const u8, message_length: usize);
        pub fn host_db_query(request: *const u8, length: usize) -> *const u8;
        pub fn host_http_request(request: *const u8, length: usize) -> *const u8;
        pub fn host_scope_get(key: *const u8, length: usize) -> *const u8;
        pub fn host_scope_set(request: *const u8, length: usize) -> u32;
        pub fn host_file_read(path: *const u8, length: usize) -> *const u8;
        pub fn host_file_write(request: *const u8, length: usize) -> u32;
        pub fn host_env_get(key: *const u8, length: usize) -> *const u8;
    }
}

type Asking = unsafe extern "C" fn(*const u8, usize) -> *const u8;

/// Writes to the host's log; level is debug, info, warn or error.
pub fn log(level: &str, message: &str) {
    unsafe { host::host_log(level.as_ptr(), level.len(), message.as_ptr(), message.len()) }
}

/// Runs SQL with bound parameters and returns the rows.
pub fn query(connection: &str, sql: &str, parameters: Vec<Json>) -> Result<Json, String> {
    let request = vec![("connection", connection.into()), ("sql", sql.into()), ("params", Json::List(parameters))];
    Ok(ask(host::host_db_query, &Json::object(request).to_string())?.get("rows").clone())
}

/// Makes an HTTP request and returns the object of status, headers and body. A body that is not text goes as JSON.
pub fn request(method: &str, url: &str, headers: Vec<(&str, Json)>, body: Json) -> Result<Json, String> {
    let mut members = vec![("method", method.into()), ("url", url.into()), ("headers", Json::object(headers))];
    if body != Json::Null {
        members.push(("body", body));
    }
    ask(host::host_http_request, &Json::object(members).to_string())
}

/// Returns a variable of the script's.
pub fn scope_get(name: &str) -> Result<Json, String> {
    Ok(ask(host::host_scope_get, name)?.get("value").clone())
}

/// Sets a variable of the script's; returns whether it could.
pub fn scope_set(name: &str, value: Json) -> bool {
    let request = Json::object(vec![("key", name.into()), ("value", value)]).to_string();
    unsafe { host::host_scope_set(request.as_ptr(), request.len()) != 0 }
}

/// Returns a file's contents.
pub fn file_read(path: &str) -> Result<String, String> {
    Ok(ask(host::host_file_read, path)?.get("content").text().to_string())
}

/// Writes a file; returns whether it could.
pub fn file_write(path: &str, content: &str) -> bool {
    let request = Json::object(vec![("path", path.into()), ("content", content.into())]).to_string();
    unsafe { host::host_file_write(request.as_ptr(), request.len()) != 0 }
}

/// Returns a variable of the environment, "" if it is not set or not permitted.
pub fn env(name: &str) -> String {
    terminated(unsafe { host::host_env_get(name.as_ptr(), name.len()) })
}

fn ask(function: Asking, request: &str) -> Result<Json, String> {
    let reply = Json::parse(&terminated(unsafe { function(request.as_ptr(), request.len()) }));
    if *reply.get("success") == Json::Bool(true) {
        return Ok(reply.get("data").clone());
    }
    match reply.get("error").text() {
        "" => Err("the host gave no answer".to_string()),
        error => Err(error.to_string()),
    }
}

/// Returns a copy of the text that the host wrote into memory of ours, up to its NUL.
fn terminated(pointer: *const u8) -> String {
    if pointer.is_null() {
        return String::new();
    }
    unsafe { std::ffi::CStr::from_ptr(pointer as *const std::os::raw::c_char) }.to_string_lossy().into_owned()
}

// One instance is used by one thread at a time, so what a call needs can be in statics.
static mut KEPT: Vec<Vec<u8>> = Vec::new();
static mut REPLY: Vec<u8> = Vec::new();

/// Gives the host room; it is freed when the call is over.
pub fn allocate(size: usize) -> *mut u8 {
    let mut buffer = vec![0; size.max(1)];
    let pointer = buffer.as_mut_ptr();
    unsafe { KEPT.push(buffer) };
    pointer
}

/// Frees what the host was given room for.
pub fn release() {
    unsafe { KEPT = Vec::new() };
}

/// Keeps an answer until the next one, and returns where it is.
pub fn respond(text: &str) -> *const u8 {
    let reply = [text.as_bytes(), b"\0"].concat();
    unsafe {
        REPLY = reply;
        REPLY.as_ptr()
    }
}

/// One call of a slot. `config` is the plugin's configuration, as the manifest declares it.
pub struct Call {
    pub slot: String,
    pub parameters: Json,
    pub config: Json,
}

/// Runs a slot and returns the answer's text.
pub fn execute(request: &[u8], run: fn(&Call) -> Result<Json, String>) -> String {
    let request = Json::parse(&String::from_utf8_lossy(request));
    let call = Call {
        slot: request.get("slot_name").text().to_string(),
        parameters: request.get("parameters").clone(),
        config: request.get("context").get("config").clone(),
    };
    let response = match run(&call) {
        Ok(data) => vec![("success", Json::Bool(true)), ("data", data)],
        Err(error) => vec![("success", Json::Bool(false)), ("error", error.into())],
    };
    Json::object(response).to_string()
}

/// Defines the five exports: `$metadata` and `$slots` are JSON text, `$run` runs a slot.
macro_rules! exports {
    ($metadata:expr, $slots:expr, $run:path) => {
        #[no_mangle]
        pub extern "C" fn alloc(size: usize) -> *mut u8 {
            zeno::allocate(size)
        }

        #[no_mangle]
        pub extern "C" fn plugin_init() -> *const u8 {
            zeno::respond($metadata)
        }

        #[no_mangle]
        pub extern "C" fn plugin_register_slots() -> *const u8 {
            zeno::respond($slots)
        }

        /// # Safety
        /// The host passes places that it got from `alloc`.
        #[no_mangle]
        pub unsafe extern "C" fn plugin_execute(_: *const u8, _: usize, request: *const u8, size: usize) -> *const u8 {
            let answer = zeno::execute(std::slice::from_raw_parts(request, size), $run);
            zeno::release();
            zeno::respond(&answer)
        }

        #[no_mangle]
        pub extern "C" fn plugin_cleanup() {
            zeno::release()
        }
    };
}
pub(crate) use exports;
