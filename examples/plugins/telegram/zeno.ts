// What a plugin in AssemblyScript needs of ZenoEngine: memory, the eight host functions, JSON.
//
// The plugin exports what is at the end of this file, and defines its metadata, its slots and what runs them in
// `setup`.

@external("env", "host_log")
declare function host_log(level: usize, levelLength: i32, message: usize, messageLength: i32): void;
@external("env", "host_db_query")
declare function host_db_query(request: usize, length: i32): usize;
@external("env", "host_http_request")
declare function host_http_request(request: usize, length: i32): usize;
@external("env", "host_scope_get")
declare function host_scope_get(name: usize, length: i32): usize;
@external("env", "host_scope_set")
declare function host_scope_set(request: usize, length: i32): i32;
@external("env", "host_file_read")
declare function host_file_read(path: usize, length: i32): usize;
@external("env", "host_file_write")
declare function host_file_write(request: usize, length: i32): i32;
@external("env", "host_env_get")
declare function host_env_get(name: usize, length: i32): usize;

export const enum Kind {
  Null,
  Bool,
  Number,
  Text,
  List,
  Object,
}

/** A JSON value. A number keeps the digits that it came with in `text`. */
export class Json {
  constructor(
    public kind: Kind = Kind.Null,
    public text: string = "",
    public keys: string[] = [],
    public items: Json[] = [],
  ) {}

  static of(text: string): Json {
    return new Json(Kind.Text, text);
  }

  static integer(value: i64): Json {
    return new Json(Kind.Number, value.toString());
  }

  static boolean(value: bool): Json {
    return new Json(Kind.Bool, value ? "true" : "false");
  }

  static object(): Json {
    return new Json(Kind.Object);
  }

  static list(): Json {
    return new Json(Kind.List);
  }

  /** Reads JSON; what is malformed is null. Nesting is bounded. */
  static parse(text: string): Json {
    const parser = new Parser(text);
    const value = parser.value();
    return parser.failed ? new Json() : value;
  }

  /** Adds a member to an object, and returns the object. */
  with(key: string, value: Json): Json {
    this.keys.push(key);
    this.items.push(value);
    return this;
  }

  /** Returns a member of an object, null if there is no such one. */
  get(key: string): Json {
    const index = this.keys.indexOf(key);
    return index < 0 ? new Json() : this.items[index];
  }

  has(key: string): bool {
    return this.keys.includes(key);
  }

  /** Returns the text, "" if the value is not text. */
  string(): string {
    return this.kind == Kind.Text ? this.text : "";
  }

  /** Returns the whole number, 0 if the value is none. */
  toInteger(): i64 {
    return this.kind == Kind.Number ? I64.parseInt(this.text) : 0;
  }

  isTrue(): bool {
    return this.kind == Kind.Bool && this.text == "true";
  }

  toString(): string {
    if (this.kind == Kind.Null) return "null";
    if (this.kind == Kind.Text) return quoted(this.text);
    if (this.kind == Kind.Bool || this.kind == Kind.Number) return this.text;
    const parts = new Array<string>();
    for (let index = 0; index < this.items.length; index++) {
      const value = this.items[index].toString();
      parts.push(this.kind == Kind.List ? value : quoted(this.keys[index]) + ":" + value);
    }
    return this.kind == Kind.List ? "[" + parts.join(",") + "]" : "{" + parts.join(",") + "}";
  }
}

function quoted(text: string): string {
  let out = '"';
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code == 0x22 || code == 0x5c) out += "\\" + text.charAt(index);
    else if (code < 0x20) out += "\\u00" + (code < 16 ? "0" : "1") + (code & 15).toString(16);
    else out += text.charAt(index);
  }
  return out + '"';
}

const DEEPEST = 64;

class Parser {
  at: i32 = 0;
  depth: i32 = 0;
  failed: bool = false;

  constructor(public text: string) {}

  peek(): i32 {
    while (this.at < this.text.length) {
      const code = this.text.charCodeAt(this.at);
      if (code != 32 && code != 9 && code != 10 && code != 13) return code;
      this.at++;
    }
    return -1;
  }

  take(code: i32): bool {
    if (this.peek() != code) return false;
    this.at++;
    return true;
  }

  fail(): Json {
    this.failed = true;
    this.at = this.text.length;
    return new Json();
  }

  word(word: string, kind: Kind): Json {
    if (!this.text.startsWith(word, this.at)) return this.fail();
    this.at += word.length;
    return new Json(kind, word);
  }

  value(): Json {
    switch (this.peek()) {
      case 0x6e: return this.word("null", Kind.Null);
      case 0x74: return this.word("true", Kind.Bool);
      case 0x66: return this.word("false", Kind.Bool);
      case 0x22: return Json.of(this.string());
      case 0x5b: return this.sequence(Json.list(), 0x5d);
      case 0x7b: return this.sequence(Json.object(), 0x7d);
    }
    const start = this.at;
    while (this.at < this.text.length && "+-.eE0123456789".includes(this.text.charAt(this.at))) this.at++;
    return start == this.at ? this.fail() : new Json(Kind.Number, this.text.substring(start, this.at));
  }

  sequence(into: Json, close: i32): Json {
    this.at++;
    if (this.take(close)) return into;
    if (this.depth == DEEPEST) return this.fail();
    this.depth++;
    do {
      if (into.kind == Kind.Object) {
        if (this.peek() != 0x22) return this.fail();
        into.keys.push(this.string());
        if (!this.take(0x3a)) return this.fail();
      }
      into.items.push(this.value());
    } while (this.take(0x2c));
    this.depth--;
    return this.take(close) ? into : this.fail();
  }

  string(): string {
    let out = "";
    let start = ++this.at;
    for (; this.at < this.text.length; this.at++) {
      const code = this.text.charCodeAt(this.at);
      if (code == 0x22) {
        out += this.text.substring(start, this.at++);
        return out;
      }
      if (code != 0x5c) continue;
      out += this.text.substring(start, this.at++);
      out += this.escaped();
      start = this.at + 1;
    }
    this.fail();
    return out;
  }

  /** Reads what follows a backslash, and stops at its last character. */
  escaped(): string {
    const code = this.text.charCodeAt(this.at);
    switch (code) {
      case 0x62: return "\b";
      case 0x66: return "\f";
      case 0x6e: return "\n";
      case 0x72: return "\r";
      case 0x74: return "\t";
      case 0x75: {
        this.at += 4;
        return String.fromCharCode(<i32>I32.parseInt(this.text.substring(this.at - 3, this.at + 1), 16));
      }
    }
    return String.fromCharCode(code);
  }
}

/** What a host function answered: `error` is "" when all went well. */
export class Reply {
  constructor(public data: Json, public error: string) {}
}

/** Writes to the host's log; level is debug, info, warn or error. */
export function log(level: string, message: string): void {
  const first = String.UTF8.encode(level);
  const second = String.UTF8.encode(message);
  host_log(changetype<usize>(first), first.byteLength, changetype<usize>(second), second.byteLength);
}

/** Runs SQL with a list of bound parameters; the data has `rows`. */
export function query(connection: string, sql: string, parameters: Json): Reply {
  const request = Json.object().with("connection", Json.of(connection)).with("sql", Json.of(sql));
  const text = String.UTF8.encode(request.with("params", parameters).toString());
  return answer(host_db_query(changetype<usize>(text), text.byteLength));
}

/** Makes an HTTP request; the data has status, headers and body. A body that is not text goes out as JSON. */
export function request(method: string, url: string, headers: Json, body: Json): Reply {
  const parts = Json.object().with("method", Json.of(method)).with("url", Json.of(url)).with("headers", headers);
  if (body.kind != Kind.Null) parts.with("body", body);
  const text = String.UTF8.encode(parts.toString());
  return answer(host_http_request(changetype<usize>(text), text.byteLength));
}

/** Returns a variable of the script's as the data's `value`. */
export function scopeGet(name: string): Reply {
  const text = String.UTF8.encode(name);
  return answer(host_scope_get(changetype<usize>(text), text.byteLength));
}

/** Sets a variable of the script's; returns whether it could. */
export function scopeSet(name: string, value: Json): bool {
  const text = String.UTF8.encode(Json.object().with("key", Json.of(name)).with("value", value).toString());
  return host_scope_set(changetype<usize>(text), text.byteLength) != 0;
}

/** Returns a file's contents as the data's `content`. */
export function fileRead(path: string): Reply {
  const text = String.UTF8.encode(path);
  return answer(host_file_read(changetype<usize>(text), text.byteLength));
}

/** Writes a file; returns whether it could. */
export function fileWrite(path: string, content: string): bool {
  const text = String.UTF8.encode(
    Json.object().with("path", Json.of(path)).with("content", Json.of(content)).toString(),
  );
  return host_file_write(changetype<usize>(text), text.byteLength) != 0;
}

/** Returns a variable of the environment, "" if it is not set or not permitted. */
export function env(name: string): string {
  const text = String.UTF8.encode(name);
  return terminated(host_env_get(changetype<usize>(text), text.byteLength));
}

function answer(pointer: usize): Reply {
  const reply = Json.parse(terminated(pointer));
  if (reply.get("success").isTrue()) return new Reply(reply.get("data"), "");
  const error = reply.get("error").string();
  return new Reply(new Json(), error.length ? error : "the host gave no answer");
}

function terminated(pointer: usize): string {
  if (!pointer) return "";
  let end = pointer;
  while (load<u8>(end)) end++;
  return String.UTF8.decodeUnsafe(pointer, end - pointer);
}

/** One call of a slot. `config` is the plugin's configuration, as the manifest declares it. */
export class Call {
  constructor(public slot: string, public parameters: Json, public config: Json) {}
}

let metadata = "";
let slots = "";
let run: (call: Call, data: Json) => string = (call: Call, data: Json) => "no slots";

/** Names the plugin's parts: two JSON texts, and what fills `data` and returns "", or what went wrong. */
export function setup(about: string, offers: string, runs: (call: Call, data: Json) => string): void {
  metadata = about;
  slots = offers;
  run = runs;
}

// What the host was given room for, and the last answer. These places are not the garbage collector's.
let kept = new Array<usize>();
let reply: usize = 0;

function respond(text: string): usize {
  if (reply) heap.free(reply);
  const size = String.UTF8.byteLength(text, true);
  reply = heap.alloc(size);
  String.UTF8.encodeUnsafe(changetype<usize>(text), text.length, reply, true);
  return reply;
}

function release(): void {
  for (let index = 0; index < kept.length; index++) heap.free(kept[index]);
  kept = new Array<usize>();
}

export function alloc(size: i32): usize {
  const pointer = heap.alloc(max(size, 1));
  kept.push(pointer);
  return pointer;
}

export function plugin_init(): usize {
  return respond(metadata);
}

export function plugin_register_slots(): usize {
  return respond(slots);
}

export function plugin_execute(slot: usize, slotLength: i32, request: usize, requestLength: i32): usize {
  const text = Json.parse(String.UTF8.decodeUnsafe(request, requestLength));
  const call = new Call(text.get("slot_name").string(), text.get("parameters"), text.get("context").get("config"));
  const data = Json.object();
  const error = run(call, data);
  release();
  const response = Json.object().with("success", Json.boolean(error.length == 0));
  return respond((error.length ? response.with("error", Json.of(error)) : response.with("data", data)).toString());
}

export function plugin_cleanup(): void {
  release();
}

/** What a failed assertion, an index out of range or a lack of memory calls: a trap, with a line in the log. */
export function abort(message: string | null, file: string | null, line: u32, column: u32): void {
  log("error", (message ? message : "aborted") + " at line " + line.toString());
  unreachable();
}
