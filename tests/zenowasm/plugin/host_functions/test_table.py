"""The eight host functions through real guests, on every engine: each success, each failure, each phase."""

from __future__ import annotations

import json

import pytest

from zenowasm.plugin.configuration.limits import PluginLimits
from zenowasm.plugin.errors import FuelLimitError, ReplyError
from zenowasm.zenolang.scope import Scope

READ = {"scope": ["read"]}
WRITE = {"scope": ["write"]}
COUNT_AND_ASK = "(global.set $count (i32.const 1)) (drop (call $host (i32.const 0) (i32.const 0))) (i32.const 65536)"
LOG = '(import "env" "host_log" (func $log (param i32 i32 i32 i32)))'


@pytest.mark.parametrize("value", [None, True, 10, 10.0, 0.5, "text ä", [1, {"a": []}], {"k": None}, 2**70])
def test_scope_get(bench, ask, value):
    manager = bench.load(ask("host_scope_get", "key ä"), permissions=READ)
    response = manager.call("guest.run", scope=Scope({"key ä": value}))
    assert response.success
    assert response.data == {"value": value}


def test_scope_get_sees_the_callers_of_the_scope(bench, ask):
    manager = bench.load(ask("host_scope_get", "k"), permissions=READ)
    assert manager.call("guest.run", scope=Scope({"k": 1}).child()).data == {"value": 1}


@pytest.mark.parametrize(
    ("permissions", "scope", "length", "error"),
    [
        (READ, None, None, "scope access not available"),
        ({}, None, None, "scope access not available"),
        ({}, {"key": 1}, None, "plugin guest does not have scope read permission"),
        (WRITE, {"key": 1}, None, "plugin guest does not have scope read permission"),
        (READ, {"other": 1}, None, "variable $key not found"),
        (READ, {"key": 1}, -1, "failed to read key"),
        (READ, {"key": 1}, 262_144, "failed to read key"),
        ({}, None, -1, "failed to read key"),
        (READ, {"key": 1}, 70_000, "failed to read key: longer than the limit of 65536 bytes"),
        (READ, {"key": object()}, None, "data.value has no JSON form: object"),
        (READ, {"key": float("nan")}, None, "data.value has no JSON form: nan"),
    ],
)
def test_scope_get_failures(bench, ask, permissions, scope, length, error):
    manager = bench.load(ask("host_scope_get", "key", length=length), permissions=permissions)
    response = manager.call("guest.run", scope=None if scope is None else Scope(scope))
    assert not response.success
    assert response.error == error


def test_a_reply_larger_than_the_limit_is_an_error(bench, ask):
    manager = bench.load(ask("host_scope_get", "key"), permissions=READ, limits=PluginLimits(request_bytes=100))
    assert manager.call("guest.run", scope=Scope({"key": "x" * 60})).success
    assert manager.call("guest.run", scope=Scope({"key": "x" * 100})).error == (
        "the reply is longer than the limit of 100 bytes"
    )


def answering(guest, function, text, length=None):
    """A guest that answers ``data.ok`` from a host function's 1 or 0."""
    return guest(
        imports=f'(import "env" "{function}" (func $host (param i32 i32) (result i32)))',
        text=text,
        response='{"success":true,"data":{"ok":0}}',
        execute=f"(i32.store8 (i32.const 65565) (i32.add (i32.const 48) (call $host (i32.const 4096)"
        f" (i32.const {len(text.encode()) if length is None else length})))) (i32.const 65536)",
    )


def test_scope_set(bench, guest):
    request = json.dumps({"key": "out", "value": {"a": [1.0, 0.5, None, "ä"]}})
    manager = bench.load(answering(guest, "host_scope_set", request), permissions=WRITE)
    scope = Scope()
    assert manager.call("guest.run", scope=scope).data == {"ok": 1}
    assert scope.get("out") == {"a": [1, 0.5, None, "ä"]}


@pytest.mark.parametrize(
    ("permissions", "scope", "text", "length"),
    [
        (READ, True, '{"key":"out","value":1}', None),
        ({}, True, '{"key":"out","value":1}', None),
        (WRITE, False, '{"key":"out","value":1}', None),
        (WRITE, True, '{"key":"out"', None),
        (WRITE, True, "[]", None),
        (WRITE, True, "null", None),
        (WRITE, True, '{"value":1}', None),
        (WRITE, True, '{"key":"","value":1}', None),
        (WRITE, True, '{"key":1,"value":1}', None),
        (WRITE, True, '{"key":"out","value":' + "[" * 200, None),
        (WRITE, True, '{"key":"out","value":1}', -1),
        (WRITE, True, "", None),
    ],
)
def test_scope_set_failures(bench, guest, permissions, scope, text, length):
    manager = bench.load(answering(guest, "host_scope_set", text, length), permissions=permissions)
    variables = Scope()
    assert manager.call("guest.run", scope=variables if scope else None).data == {"ok": 0}
    assert variables.variables() == {}


def test_env_get_is_a_raw_string(bench, ask):
    value = '{"success":true,"data":{"got":"ä"}}'
    manager = bench.load(ask("host_env_get", "KEY"), permissions={"env": ["KEY"]}, environment={"KEY": value})
    assert manager.call("guest.run").data == {"got": "ä"}


@pytest.mark.parametrize(
    ("permissions", "environment", "length"),
    [
        ({}, {"KEY": "{}"}, None),
        ({"env": ["KEY2", "KE", "key", "*"]}, {"KEY": "{}"}, None),
        ({"env": ["KEY"]}, {}, None),
        ({"env": ["KEY"]}, {"KEY": "{}"}, -1),
    ],
)
def test_env_get_is_empty_when_denied_unset_or_misused(bench, ask, permissions, environment, length):
    manager = bench.load(ask("host_env_get", "KEY", length=length), permissions=permissions, environment=environment)
    with pytest.raises(ReplyError, match="unexpected end of JSON input"):
        manager.call("guest.run")


def test_bytes_of_the_environment_that_are_not_text_arrive_as_they_are(bench, ask):
    value = b'{"success":true,"error":"\xff"}'.decode("utf-8", "surrogateescape")
    manager = bench.load(ask("host_env_get", "KEY"), permissions={"env": ["KEY"]}, environment={"KEY": value})
    with pytest.raises(ReplyError, match="invalid UTF-8 at byte 25"):
        manager.call("guest.run")


ALL = {"network": ["*"], "filesystem": ["*"], "database": ["default"]}


@pytest.mark.parametrize("permissions", [{}, ALL])
@pytest.mark.parametrize(
    ("function", "text", "length", "error"),
    [
        ("host_db_query", '{"connection":"default","sql":"x"}', None, "database access not available"),
        ("host_http_request", '{"url":"https://a.com/"}', None, "HTTP access not available"),
        ("host_file_read", "data/x", None, "file access not available"),
        (
            "host_db_query",
            "{",
            None,
            "invalid request JSON: Expecting property name enclosed in double quotes at byte 1",
        ),
        ("host_http_request", "7", None, "invalid request JSON: expected an object"),
        ("host_http_request", "", None, "invalid request JSON: unexpected end of JSON input"),
        ("host_db_query", "{}", -1, "failed to read request"),
        ("host_http_request", "{}", -1, "failed to read request"),
        ("host_file_read", "x", -1, "failed to read path"),
    ],
)
def test_what_is_not_available_says_so_with_and_without_permission(
    bench, ask, permissions, function, text, length, error
):
    response = bench.load(ask(function, text, length=length), permissions=permissions).call("guest.run")
    assert not response.success
    assert response.error == error


@pytest.mark.parametrize("text", ['{"path":"x","content":"y"}', "{"])
def test_file_write_answers_0(bench, guest, text):
    manager = bench.load(answering(guest, "host_file_write", text), permissions=ALL)
    assert manager.call("guest.run").data == {"ok": 0}


def test_log_levels_and_bad_pointers(bench, guest):
    calls = [(4096, 4, 4100, 3), (4103, 5, 4100, 3), (4096, 0, 4100, 3), (-1, 4, 4100, 3), (4096, 4, 4100, -1),
             (4096, 262_145, 4100, 3), (4108, 5, 4100, 3)]  # fmt: skip
    body = " ".join(f"(call $log {' '.join(f'(i32.const {n})' for n in call)})" for call in calls)
    manager = bench.load(guest(imports=LOG, text="warn\xe4!errorfatal", execute=f"{body} (i32.const 65536)"))
    manager.call("guest.run")
    assert bench.lines == [
        ("warn", "ä!"),
        ("error", "ä!"),
        ("info", "ä!"),
        ("error", "Failed to read log level from WASM memory"),
        ("error", "Failed to read log message from WASM memory"),
        ("error", "Failed to read log level from WASM memory"),
        ("info", "ä!"),
    ]
    assert {record.plugin for record in bench.log} == {"guest"}


def test_log_output_is_bounded(bench, guest):
    body = """(local.set $i (i32.const 1000))
        (loop $l (call $log (i32.const 0) (i32.const 0) (i32.const 4096) (i32.const 90))
          (br_if $l (local.tee $i (i32.sub (local.get $i) (i32.const 1))))) (i32.const 65536)"""
    limits = PluginLimits(log_bytes=1000, log_message_bytes=50)
    manager = bench.load(guest(imports=LOG, text="x" * 90, execute=body), limits=limits)
    for _ in range(2):
        bench.log.clear()
        manager.call("guest.run")
        assert bench.lines[0] == ("info", "x" * 50 + "… (40 bytes cut)")
        remedy = "to raise it, set wasm.limits.max_log in config/plugins.yaml"
        assert bench.lines[-1] == ("warn", f"log output of this call exceeds 1000 bytes, the rest is dropped; {remedy}")
        assert len(bench.lines) < 25


@pytest.mark.parametrize("phase", ["init", "register", "cleanup", "extra"])
def test_everything_is_denied_in_every_phase(bench, guest, phase):
    """A phase without a script has no scope; the environment needs its permission there as well."""
    probe = """(call $show (call $scope (i32.const 4096) (i32.const 3)))
        (call $show (call $env (i32.const 4096) (i32.const 3)))
        (drop (call $set (i32.const 4099) (i32.const 23)))"""
    bodies = {
        "init": {"init": probe + "(i32.const 1024)"},
        "register": {"register": probe + "(i32.const 2048)"},
        "cleanup": {"cleanup": probe},
        "extra": {"extra": f"(func $start {probe}) (start $start)"},
    }
    show = """(func $show (param i32) (local $n i32)
        (loop $l (if (i32.load8_u (i32.add (local.get 0) (local.get $n)))
          (then (local.set $n (i32.add (local.get $n) (i32.const 1))) (br $l))))
        (call $log (i32.const 0) (i32.const 0) (local.get 0) (local.get $n)))"""
    imports = LOG + "".join(
        f'(import "env" "{name}" (func ${short} (param i32 i32) (result i32)))'
        for name, short in (("host_scope_get", "scope"), ("host_env_get", "env"), ("host_scope_set", "set"))
    )
    changes = bodies[phase]
    changes["extra"] = show + changes.get("extra", "")
    text = 'KEY{"key":"KEY","value":1}'
    bench.load(guest(imports=imports, text=text, **changes), environment={"KEY": "secret"}).close()
    unavailable = '{"success":false,"error":"scope access not available"}'
    assert bench.lines == [("info", unavailable), ("info", "")]
    bench.log.clear()
    (bench.folder / "other").mkdir()
    bench.folder = bench.folder / "other"
    permissions = {"scope": ["read", "write"], "env": ["KEY"]}
    bench.load(guest(imports=imports, text=text, **changes), permissions=permissions, environment={"KEY": "v"}).close()
    assert bench.lines == [("info", unavailable), ("info", "v")]


@pytest.mark.parametrize("alloc", ["i32.const 0", "i32.const -4"])
def test_a_guest_without_room_for_a_reply_gets_0(bench, guest, alloc):
    """alloc works for what the host passes and fails for the reply, which the guest turns into an answer."""
    manager = bench.load(
        guest(
            imports='(import "env" "host_scope_get" (func $host (param i32 i32) (result i32)))',
            alloc=f"(if (result i32) (global.get $count) (then {alloc}) (else (i32.const 8192)))",
            execute="(global.set $count (i32.const 1))"
            "(select (i32.const 2048) (i32.const 65536) (call $host (i32.const 0) (i32.const 0)))"
            "(global.set $count (i32.const 0))",
            response='{"success":true,"data":{"zero":true}}',
        )
    )
    for _ in range(2):
        assert manager.call("guest.run").data == {"zero": True}


def test_a_guest_that_traps_in_alloc_gets_0_and_is_replaced(bench, guest):
    manager = bench.load(
        guest(
            imports='(import "env" "host_scope_get" (func $host (param i32 i32) (result i32)))',
            alloc="(if (global.get $count) (then unreachable)) (i32.const 8192)",
            execute=COUNT_AND_ASK,
        )
    )
    for _ in range(3):  # with the old instance the second call would trap in alloc
        assert manager.call("guest.run").data == {"answer": 42}


def test_a_limit_that_is_reached_in_alloc_ends_the_call(bench, guest):
    manager = bench.load(
        guest(
            imports='(import "env" "host_scope_get" (func $host (param i32 i32) (result i32)))',
            alloc="(if (global.get $count) (then (loop $l (br $l)))) (i32.const 8192)",
            execute=COUNT_AND_ASK,
        ),
        limits=PluginLimits(fuel=100_000),
    )
    with pytest.raises(FuelLimitError, match=r"failed to call guest.plugin_execute: all fuel consumed"):
        manager.call("guest.run")


def test_replies_end_with_a_nul(bench, guest):
    """The guest fills memory with garbage before it allocates; only the host's NUL can end the reply."""
    manager = bench.load(
        guest(
            imports='(import "env" "host_scope_get" (func $host (param i32 i32) (result i32)))',
            alloc="(memory.fill (i32.const 8192) (i32.const 0x7e) (i32.const 4096)) (i32.const 8192)",
            execute="(call $host (i32.const 4096) (i32.const 1))",
            text="k",
        ),
        permissions=READ,
    )
    assert manager.call("guest.run", scope=Scope({"k": "v"})).data == {"value": "v"}
    instance = bench.instance(manager)
    assert instance._guest.memory.read_terminated(8192, 4096) == (b'{"success":true,"data":{"value":"v"}}', False)
