"""telegram (AssemblyScript) against a local server that answers as Telegram's API does."""

from __future__ import annotations

import json

import pytest

TOKEN = "123:abc"


class BotAPI:
    """The two methods that the bot uses."""

    def __init__(self, web):
        self.web = web
        self.updates = []
        web.answers[f"/bot{TOKEN}/sendMessage"] = self.send
        web.answers[f"/bot{TOKEN}/getUpdates"] = self.get

    def request(self):
        return json.loads(self.web.seen[-1].body or b"{}")

    def send(self, handler) -> None:
        if self.request()["chat_id"] == 404:
            return self.answer(handler, 400, {"ok": False, "description": "Bad Request: chat not found"})
        return self.answer(handler, 200, {"ok": True, "result": {"message_id": 7}})

    def get(self, handler) -> None:
        offset = self.request().get("offset", 0)
        self.answer(handler, 200, {"ok": True, "result": [u for u in self.updates if u["update_id"] >= offset]})

    def answer(self, handler, status, value) -> None:
        handler.respond(status, json.dumps(value).encode(), Content_Type="application/json")

    def sent(self):
        return [json.loads(seen.body) for seen in self.web.seen if seen.target.endswith("sendMessage")]


@pytest.fixture
def api(web):
    return BotAPI(web)


@pytest.fixture
def bot(host, web, api):
    return host("telegram", web.url()[:-1], TELEGRAM_URL=web.url()[:-1], TELEGRAM_TOKEN=TOKEN, TELEGRAM_NAME="my_bot",
                TELEGRAM_WEBHOOK_SECRET="hook")  # fmt: skip


def update(number: int, text: str, chat: int = 42):
    message = {"chat": {"id": chat}, "from": {"username": "ann"}, "text": text}
    return {"update_id": number, "message": message}


def test_a_message(bot, api) -> None:
    text = 'Wörld "\\ \U0001f600'
    assert bot.data("telegram.send", {"chat": -1001234567890, "text": text}) == {"message_id": 7}
    assert api.sent()[0] == {"chat_id": -1001234567890, "text": text}
    bot.data("telegram.send", {"chat": 1, "text": "*a*", "markdown": True})
    assert api.sent()[-1] == {"chat_id": 1, "text": "*a*", "parse_mode": "MarkdownV2"}
    assert bot.error("telegram.send", {"chat": 404, "text": "a"}) == "the API answered 400: Bad Request: chat not found"
    assert "from 1 to 4096" in bot.error("telegram.send", {"chat": 1, "text": "a" * 4097})


def test_commands_are_answered_and_messages_come_back(bot, api) -> None:
    api.updates = [
        update(10, "/start"), update(11, "/echo@my_bot  one two"), update(12, "/echo@other x"), update(13, "hello"),
        update(14, "/unknown"), {"update_id": 15, "edited_message": {}},
    ]  # fmt: skip
    replies = {"start": "Welcome!", "echo": "You said: {arguments}"}
    polled = bot.data("telegram.poll", {"offset": 10, "replies": replies})
    assert polled["next"] == 16
    assert [(m["command"], m["arguments"]) for m in polled["messages"]] == [
        ("start", ""), ("echo", "one two"), ("", ""), ("", ""), ("unknown", ""),
    ]  # fmt: skip
    assert polled["messages"][3] == {"chat": 42, "text": "hello", "from": "ann", "command": "", "arguments": ""}
    engines = len(bot.managers)
    assert [m["text"] for m in api.sent()] == ["Welcome!", "You said: one two"] * engines
    assert bot.data("telegram.poll", {"offset": 16}) == {"messages": [], "next": 16}


def test_a_webhook_needs_its_secret(bot, api) -> None:
    payload = json.dumps(update(1, "/start now"))
    given = {"payload": payload, "replies": {"start": "Hi {arguments}"}}
    assert bot.data("telegram.webhook", {**given, "secret": "hook"})["message"]["arguments"] == "now"
    assert api.sent()[-1] == {"chat_id": 42, "text": "Hi now"}
    count = len(api.sent())
    for wrong in ("", "hoo", "hook2", "HOOK"):
        assert bot.error("telegram.webhook", {**given, "secret": wrong}) == "the secret of the webhook is wrong"
    for malformed in ("", "{", "[1]", '{"a":1}', "[" * 100):
        error = bot.error("telegram.webhook", {"payload": malformed, "secret": "hook"})
        assert error == "the payload is not an update"
    assert len(api.sent()) == count


def test_the_token_is_in_no_error(host, web, api) -> None:
    bot = host("telegram", "https://elsewhere.example", TELEGRAM_URL=web.url()[:-1], TELEGRAM_TOKEN=TOKEN)
    error = bot.error("telegram.send", {"chat": 1, "text": "a"})
    assert "does not have permission to access network" in error
    assert TOKEN not in error


def test_every_special_character_of_markdown_v2(bot) -> None:
    special = "_*[]()~`>#+-=|{}.!\\"  # "Formatting options" in Telegram's manual, and the backslash itself
    text = f"a{special}ö"
    assert bot.data("telegram.escape", {"text": text}) == {"text": "a" + "".join("\\" + c for c in special) + "ö"}
