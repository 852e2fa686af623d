"""Values out of the environment are not in logs, errors, answers' error texts or records of the host."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zenowasm.plugin.errors import PluginError
from zenowasm.plugin.observing.redaction import Redactor

SECRET = "sk_live_4242"
LOG = '(import "env" "host_log" (func $log (param i32 i32 i32 i32)))'
ENV = '(import "env" "host_env_get" (func $env (param i32 i32) (result i32)))'
FD_WRITE = '(import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))'
GET = "(call $env (i32.const 4096) (i32.const 7)) (local.set $i)"
LENGTH = f"(i32.const {len(SECRET)})"


def test_a_value_is_replaced_by_its_name():
    redactor = Redactor({"API_KEY": SECRET, "URL": f"https://x/{SECRET}/"})
    assert redactor.text(f"a {SECRET}, {SECRET}!") == "a <redacted:API_KEY>, <redacted:API_KEY>!"
    assert redactor.text(f"at https://x/{SECRET}/") == "at <redacted:URL>"
    assert SECRET not in repr(redactor)


def test_other_forms_of_a_value():
    redactor = Redactor({"KEY": 'a"b\nc\\dü', "PEM": "-----BEGIN-----\nMIIBOgIBAAJB\n-----END-----\n"})
    assert redactor.text('{"x":"a\\"b\\nc\\\\dü"}') == '{"x":"<redacted:KEY>"}'
    assert redactor.text('{"x":"a\\"b\\nc\\\\d\\u00fc"}') == '{"x":"<redacted:KEY>"}'
    assert redactor.text("line 2: MIIBOgIBAAJB") == "line 2: <redacted:PEM>"


@pytest.mark.parametrize(
    ("name", "value", "redacted"),
    [("MODE", "true", False), ("MODE", "1", False), ("MODE", "staging", False), ("MODE", "longer-than", True),
     ("API_KEY", "123456", True), ("DB_PASSWORD", "passwd", True), ("TOKEN", "value", False), ("TOKEN", "", False)],
)  # fmt: skip
def test_short_values_do_not_tear_holes(name, value, redacted):
    text = f"MODE is true, 1 of 1234: {value}"
    assert (Redactor({name: value}).text(text) != text) is redacted


@given(st.text(min_size=6, max_size=20), st.text(max_size=20), st.text(max_size=20))
def test_no_value_is_left(value, before, after):
    name = "THE_SECRET"
    mark = f"<redacted:{name}>"
    shown = Redactor({name: value}).text(before + value + after)
    assert mark in shown
    assert value in mark + before + after + "<>" or value not in shown.replace(mark, "")


def test_errors_and_what_is_behind_them():
    try:
        try:
            raise ValueError(f"bad {SECRET}")
        except ValueError as error:
            raise PluginError(f"call: {error}") from error
    except PluginError as error:
        Redactor({"API_KEY": SECRET}).error(error)
        assert str(error) == "call: bad <redacted:API_KEY>"
        assert str(error.__cause__) == "bad <redacted:API_KEY>"


@pytest.fixture
def load(bench, guest):
    def load(environment, more="", **changes):
        imports = LOG + ENV + changes.pop("imports", "")
        text = guest(imports=imports, text="API_KEY", **changes)
        return bench.load(text, permissions={"env": ["API_KEY"]}, environment=environment, more=more)

    return load


def test_what_a_guest_logs(bench, load):
    body = f"{GET} (call $log (i32.const 0) (i32.const 0) (local.get $i) {LENGTH}) (i32.const 65536)"
    manager = load({"API_KEY": SECRET}, execute=body)
    assert manager.call("guest.run").success
    assert bench.lines == [("info", "<redacted:API_KEY>")]


def test_what_a_guest_prints(bench, load):
    body = f"""{GET} (i32.store (i32.const 3000) (local.get $i)) (i32.store (i32.const 3004) {LENGTH})
        (drop (call $write (i32.const 2) (i32.const 3000) (i32.const 1) (i32.const 3008))) (i32.const 65536)"""
    load({"API_KEY": SECRET}, execute=body, imports=FD_WRITE).call("guest.run")
    assert bench.lines == [("warn", "<redacted:API_KEY>")]


def test_what_a_guest_answers_as_its_error(load):
    answer = '{"success":false,"error":"' + "." * len(SECRET) + ' is no key"}'
    at = 65536 + answer.index("...")
    body = f"{GET} (memory.copy (i32.const {at}) (local.get $i) {LENGTH}) (i32.const 65536)"
    assert load({"API_KEY": SECRET}, response=answer, execute=body).call("guest.run").error == (
        "<redacted:API_KEY> is no key"
    )


def test_what_an_error_of_a_call_quotes(bench, guest):
    def fail(record):
        raise PluginError(f"no room for {SECRET}")

    text = guest(imports=LOG, execute="(call $log (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 1)) i32.const 0")
    permissions = {"env": ["API_KEY"]}
    manager = bench.load(text, permissions=permissions, environment={"API_KEY": SECRET}, log=fail)
    with pytest.raises(PluginError, match=r"^no room for <redacted:API_KEY>$"):
        manager.call("guest.run")


def test_configuration_from_the_environment_is_secret_and_a_default_is_not(bench, load):
    body = "(call $log (i32.const 0) (i32.const 0) (local.get 2) (local.get 3)) (i32.const 65536)"
    more = "config: {key: {env: SHOP_KEY}, url: {env: SHOP_URL, default: https://shop.example}}\n"
    load({"SHOP_KEY": SECRET, "SHOP_URL": "https://shop.example"}, more, execute=body).call("guest.run")
    assert '"key":"<redacted:SHOP_KEY>","url":"https://shop.example"' in bench.lines[0][1]


def test_a_variable_that_is_not_permitted_is_unknown_here(bench, load):
    body = "(call $log (i32.const 0) (i32.const 0) (i32.const 4096) (i32.const 7)) (i32.const 65536)"
    load({"OTHER_KEY": "API_KEY"}, execute=body).call("guest.run")
    assert bench.lines == [("info", "API_KEY")]
