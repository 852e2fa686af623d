// The plugin telegram: a bot in the style of Telegram's API. It sends, polls, takes webhooks and routes commands.

import { command, escape, MESSAGE_LIMIT } from "./message";
import { Call, env, Json, Kind, request, setup } from "./zeno";
export { alloc, plugin_cleanup, plugin_execute, plugin_init, plugin_register_slots } from "./zeno";

setup(
  '{"name":"telegram","version":"1.0.0","license":"Apache-2.0","description":"A bot in the style of Telegram\'s API"}',
  `[
    {"name": "telegram.send", "description": "Send a message",
     "inputs": {"chat": {"type": "int", "required": true}, "text": {"type": "string", "required": true},
                "markdown": {"type": "bool", "description": "The text is MarkdownV2; see telegram.escape"}},
     "outputs": {"message_id": {"type": "int"}}},
    {"name": "telegram.poll", "description": "Fetch what was sent to the bot, and answer its commands",
     "inputs": {"offset": {"type": "int", "description": "The \`next\` of the poll before"},
                "replies": {"type": "object"}},
     "outputs": {"messages": {"type": "list"}, "next": {"type": "int"}}},
    {"name": "telegram.webhook", "description": "Take an update that was sent to a webhook, and answer its command",
     "inputs": {"payload": {"type": "string", "required": true},
                "secret": {"type": "string", "description": "The header X-Telegram-Bot-Api-Secret-Token"},
                "replies": {"type": "object", "description": "Commands, such as start, and what answers them"}},
     "outputs": {"message": {"type": "object"}}},
    {"name": "telegram.escape", "description": "Escape text for use in MarkdownV2",
     "inputs": {"text": {"type": "string", "required": true}}, "outputs": {"text": {"type": "string"}}}
  ]`,
  run,
);

function run(call: Call, data: Json): string {
  if (call.slot == "telegram.send") return send(call, data);
  if (call.slot == "telegram.poll") return poll(call, data);
  if (call.slot == "telegram.webhook") return webhook(call, data);
  if (call.slot == "telegram.escape") {
    data.with("text", Json.of(escape(call.parameters.get("text").string())));
    return "";
  }
  return "unknown slot";
}

/** What a method of the API answered: `error` is "" when all went well. */
class Answer {
  constructor(public result: Json, public error: string) {}
}

function ask(call: Call, method: string, parameters: Json): Answer {
  const token = env("TELEGRAM_TOKEN");
  if (token.length == 0) return new Answer(new Json(), "the environment has no TELEGRAM_TOKEN");
  const url = call.config.get("url").string() + "/bot" + token + "/" + method;
  const reply = request("POST", url, Json.object(), parameters);
  // The URL holds the token, so an error that quotes it must not reach a script or a log.
  if (reply.error.length) return new Answer(new Json(), reply.error.replaceAll(token, "..."));
  const body = reply.data.get("body");
  if (body.get("ok").isTrue()) return new Answer(body.get("result"), "");
  const status = reply.data.get("status").toInteger().toString();
  return new Answer(new Json(), "the API answered " + status + ": " + body.get("description").string());
}

function say(call: Call, chat: i64, text: string, markdown: bool): Answer {
  if (text.length == 0 || text.length > MESSAGE_LIMIT) {
    return new Answer(new Json(), "a message must have from 1 to " + MESSAGE_LIMIT.toString() + " characters");
  }
  const parameters = Json.object().with("chat_id", Json.integer(chat)).with("text", Json.of(text));
  if (markdown) parameters.with("parse_mode", Json.of("MarkdownV2"));
  return ask(call, "sendMessage", parameters);
}

function send(call: Call, data: Json): string {
  const given = call.parameters;
  const answer = say(call, given.get("chat").toInteger(), given.get("text").string(), given.get("markdown").isTrue());
  data.with("message_id", Json.integer(answer.result.get("message_id").toInteger()));
  return answer.error;
}

function poll(call: Call, data: Json): string {
  const parameters = Json.object();
  if (call.parameters.has("offset")) parameters.with("offset", call.parameters.get("offset"));
  const answer = ask(call, "getUpdates", parameters);
  if (answer.error.length) return answer.error;
  const messages = Json.list();
  let next = call.parameters.get("offset").toInteger();
  for (let index = 0; index < answer.result.items.length; index++) {
    const update = answer.result.items[index];
    const message = Json.object();
    const error = take(call, update, message);
    if (error.length) return error;
    if (message.items.length) messages.items.push(message);
    next = max(next, update.get("update_id").toInteger() + 1);
  }
  data.with("messages", messages).with("next", Json.integer(next));
  return "";
}

function webhook(call: Call, data: Json): string {
  const secret = env("TELEGRAM_WEBHOOK_SECRET");
  if (secret.length && !same(secret, call.parameters.get("secret").string())) return "the secret of the webhook is wrong";
  const update = Json.parse(call.parameters.get("payload").string());
  if (update.kind != Kind.Object || !update.has("update_id")) return "the payload is not an update";
  const message = Json.object();
  const error = take(call, update, message);
  data.with("message", message);
  return error;
}

/** Describes an update's message, and answers its command if there is a reply to it. */
function take(call: Call, update: Json, message: Json): string {
  const found = update.get("message");
  if (found.kind != Kind.Object) return "";
  const chat = found.get("chat").get("id").toInteger();
  const text = found.get("text").string();
  const parts = command(text, call.config.get("name").string());
  message.with("chat", Json.integer(chat)).with("text", Json.of(text));
  message.with("from", Json.of(found.get("from").get("username").string()));
  message.with("command", Json.of(parts[0])).with("arguments", Json.of(parts[1]));
  const reply = call.parameters.get("replies").get(parts[0]).string();
  if (parts[0].length == 0 || reply.length == 0) return "";
  return say(call, chat, reply.replaceAll("{arguments}", parts[1]), false).error;
}

/** Compares in a time that does not depend on where the first difference is. */
function same(left: string, right: string): bool {
  let difference = left.length ^ right.length;
  for (let index = 0; index < left.length; index++) {
    difference |= left.charCodeAt(index) ^ (index < right.length ? right.charCodeAt(index) : 0);
  }
  return difference == 0;
}
