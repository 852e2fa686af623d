"""Calls of plugins that are processes, and what those ask of the host."""

from __future__ import annotations

import os
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
from support.pools import lent

from zenowasm.plugin import HostEnvironment, PluginLimits, SlotFailedError
from zenowasm.plugin.configuration.settings import parse_settings
from zenowasm.plugin.errors import (
    HostCallLimitError,
    InputError,
    LoadError,
    NotAdmittedError,
    OutputLimitError,
    PoolTimeoutError,
    RequestError,
    RequestLimitError,
    UnsupportedLimitError,
)

ECHO = "def echo(request): answer(request, request)"
ASK = """
def ask(request):
    answer(request, {"reply": host(request["parameters"]["function"], **request["parameters"]["with"])})
"""


def ask(host, function, **parameters):
    return host.call("tool.ask", {"function": function, "with": parameters})["reply"]


def test_the_request_is_what_the_original_sends(sidecars):
    host = sidecars.open(ECHO, "echo")
    assert host.call("tool.echo", text="ü\n", number=10.0, list=[1, {"a": None}]) == {
        "type": "guest_call",
        "id": "3",
        "slot_name": "tool.echo",
        "parameters": {"text": "ü\n", "number": 10, "list": [1, {"a": None}]},
    }
    assert host.plugins["tool"].metadata.version == "1.0.0"


def test_configuration_travels_in_the_context(sidecars):
    host = sidecars.open(
        ECHO, "echo", more="config: {key: {env: KEY}}\n", environment=HostEnvironment({"KEY": "verysecretvalue"})
    )
    assert host.call("tool.echo")["context"] == {"config": {"key": "verysecretvalue"}}


def test_a_script_calls_a_process(sidecars):
    host = sidecars.open("def double(request): answer(request, {'twice': 2 * request['parameters']['n']})", "double")
    assert host.run_script("tool.double { n: 21 }")["twice"] == 42


def test_an_unsuccessful_answer_and_inputs(sidecars):
    host = sidecars.open(
        "def fail(request): answer(request, {'code': 7}, 'no such patient')\n"
        "SLOTS[0]['inputs'] = {'id': {'type': 'int', 'required': True}}",
        "fail",
    )
    with pytest.raises(SlotFailedError, match=r"^no such patient$") as caught:
        host.call("tool.fail", id=1)
    assert caught.value.data == {"code": 7}
    with pytest.raises(InputError):
        host.call("tool.fail")


def test_the_short_answers_of_the_original_while_loading(sidecars):
    """php-native answers the two phases with neither type nor id, and slots as a list are allowed too."""
    sidecars.open(
        """
def start(request):
    if request["slot_name"] == "plugin_init":
        send(success=True, data={"name": "tool", "version": "2.0.0"})
    elif request["slot_name"] == "plugin_register_slots":
        send(success=True, data=[{"name": "tool.echo"}])
    else:
        return False
    return True
def echo(request): answer(request)
"""
    ).call("tool.echo")


def test_what_the_process_gets_of_the_environment(sidecars, monkeypatch):
    monkeypatch.setenv("HOST_SECRET", "hidden")
    host = sidecars.open(
        "def show(request): answer(request, {'all': dict(os.environ), 'cwd': os.getcwd(), 'pid': os.getpid(),"
        " 'group': os.getpgrp(), 'open': sorted(map(int, os.listdir('/proc/self/fd')))})",
        "show",
        more="permissions: {env: [ALLOWED, UNSET]}\n",
        environment=HostEnvironment({"ALLOWED": "yes", "SECRET": "no", "PATH": "/nowhere"}),
    )
    with (sidecars.folder / "open.txt").open("w") as file:
        os.set_inheritable(file.fileno(), True)
        shown = host.call("tool.show")
        again = host.call("tool.show")
    assert set(shown["all"]) - {"PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ"} == {
        "ALLOWED",
        "ZENO_PLUGIN_NAME",
        "ZENO_SIDECAR",
    }
    assert (shown["all"]["ZENO_PLUGIN_NAME"], shown["all"]["ZENO_SIDECAR"]) == ("tool", "true")
    assert shown["cwd"] == str((sidecars.folder / "tool").resolve())
    assert shown["group"] == shown["pid"] == again["pid"]
    assert set(shown["open"]) <= {0, 1, 2, 3}  # 3 is the listing's own


def test_processes_are_denied_unless_allowed(sidecars):
    sidecars.write(ECHO, "echo")
    (problem,) = sidecars.host(allow=None).problems
    assert isinstance(problem.error, NotAdmittedError)
    assert "to allow it, set wasm.security.allow_sidecar in config/plugins.yaml" in str(problem.error)
    settings = parse_settings("wasm: {security: {allow_sidecar: true}}", sidecars.folder / "plugins.yaml")
    assert sidecars.host(allow=None, config=settings).call("tool.echo")
    (problem,) = sidecars.host(allow=False, config=settings).problems
    assert isinstance(problem.error, NotAdmittedError)


def test_the_log_needs_no_permission(sidecars):
    host = sidecars.open(ASK, "ask")
    assert ask(host, "log", level="warn", message="careful") == {
        "type": "host_response",
        "id": "h0",
        "success": True,
        "data": None,
    }
    assert ("tool", "warn", "careful") in [(it.plugin, it.level, it.message) for it in sidecars.log]


@pytest.mark.parametrize(
    ("function", "parameters", "error"),
    [
        ("db_query", {"connection": "default", "sql": "SELECT 1"}, "permission to access database: default"),
        ("http_request", {"url": "http://example.com/"}, "permission to access network: http://example.com/"),
        ("scope_get", {"key": "x"}, "scope access not available"),
        ("scope_set", {"key": "x", "value": 1}, "scope access not available"),
        ("file_read", {"path": "a.txt"}, "permission to read file: a.txt"),
        ("file_write", {"path": "a.txt", "content": ""}, "permission to write file: a.txt"),
        ("env_get", {"key": "HOME"}, "permission to read the environment variable: HOME"),
        ("launch", {}, "unknown host function: launch"),
        ("env_get", {"key": 7}, "invalid request JSON: key is not a string"),
    ],
)
def test_what_is_not_permitted_is_denied(sidecars, function, parameters, error):
    reply = ask(sidecars.open(ASK, "ask"), function, **parameters)
    assert reply["success"] is False
    assert error in reply["error"]


def test_what_is_denied_in_a_call_is_denied_while_loading(sidecars):
    sidecars.open(
        """
def start(request):
    if request["slot_name"] not in ("plugin_init", "plugin_register_slots"):
        return False
    sys.stderr.write(host("env_get", key="HOME")["error"] + "\\n")
    sys.stderr.flush()
    answer(request, INIT if request["slot_name"] == "plugin_init" else SLOTS)
    return True
"""
    )
    sidecars.wait_for_log("does not have permission to read the environment variable: HOME")


def test_data_has_the_shapes_of_the_original(sidecars, tmp_path, make_scope):
    files = tmp_path / "files"
    files.mkdir()
    (files / "a.txt").write_text("hello")
    settings = parse_settings(
        f"wasm: {{files: {{root: {files}}}, databases: {{default: {{url: 'sqlite:///{tmp_path}/a.db'}}}}}}",
        tmp_path / "plugins.yaml",
    )
    host = sidecars.open(
        ASK,
        "ask",
        more="permissions: {database: [default], filesystem: ['*'], env: [GREETING], scope: [read, write]}\n",
        config=settings,
        environment=HostEnvironment({"GREETING": "good day"}),
    )
    query = {"connection": "default", "sql": "SELECT ? AS n", "params": [7]}
    assert ask(host, "db_query", **query)["data"] == [{"n": 7}]
    assert ask(host, "file_read", path="a.txt")["data"] == "hello"
    assert ask(host, "file_write", path="b.txt", content="there")["success"] is True
    assert (files / "b.txt").read_text() == "there"
    assert ask(host, "env_get", key="GREETING")["data"] == "good day"
    scope = make_scope({"x": [1, 2]})
    script = "tool.ask { function: 'scope_get' with: $with }"
    scope = host.run_script(script, {"x": [1, 2], "with": {"key": "x"}})
    assert scope["reply"]["data"] == [1, 2]


def test_a_slot_that_fails_rolls_its_transaction_back(sidecars, tmp_path):
    sqlite3.connect(tmp_path / "a.db").execute("CREATE TABLE t (n UNIQUE)").connection.close()
    settings = parse_settings(
        f"wasm: {{databases: {{default: {{url: 'sqlite:///{tmp_path}/a.db'}}}}}}", tmp_path / "plugins.yaml"
    )
    host = sidecars.open(
        """
def add(request):
    wanted = request["parameters"]
    host("db_query", connection="default", sql="INSERT INTO t VALUES (?)", params=[wanted["n"]])
    if wanted["end"] == "crash":
        os._exit(3)
    answer(request, {}, None if wanted["end"] == "well" else "no")
""",
        "add",
        more="permissions: {database: [default]}\n",
        config=settings,
    )
    host.call("tool.add", n=1, end="well")
    for end in ("badly", "crash"):
        with pytest.raises(Exception, match=r"no|exited with code 3"):
            host.call("tool.add", n=2, end=end)
    with sqlite3.connect(tmp_path / "a.db") as rows:
        assert rows.execute("SELECT n FROM t").fetchall() == [(1,)]
    rows.close()


def test_several_host_calls_may_wait_for_their_answers(sidecars):
    host = sidecars.open(
        """
def many(request):
    for n in range(100):
        send(type="host_call", id=n, function="env_get", parameters={"key": f"K{n}"})
    replies = [receive() for _ in range(100)]
    answer(request, {"data": [[reply["id"], reply["data"]] for reply in replies]})
""",
        "many",
        more="permissions: {env: [" + ", ".join(f"K{n}" for n in range(100)) + "]}\n",
        environment=HostEnvironment({f"K{n}": str(n * n) for n in range(100)}),
    )
    assert host.call("tool.many")["data"] == [[n, str(n * n)] for n in range(100)]


CONCURRENT = """
def main():
    waiting = []
    while True:
        request = receive()
        if request["type"] == "host_response":
            call = request["id"].partition("-")[0]
            answer({"id": call}, {"value": request["data"], "error": request.get("error")})
        elif not start(request):
            waiting.append(request)
            if len(waiting) == 3:  # all of them are under way
                for it in reversed(waiting):
                    named = {"call_id": it["id"]} if it["parameters"]["named"] else {}
                    send(type="host_call", id=it["id"] + "-x", function="scope_get", parameters={"key": "me"}, **named)
                waiting = []
"""


@pytest.mark.parametrize("named", [True, False])
def test_each_of_several_calls_at_once_has_its_own_scope(sidecars, named):
    """Only a call that is named gets an answer: whose scope it would be otherwise is a guess."""
    host = sidecars.open(
        CONCURRENT, "get", sidecar="keep_alive: true, concurrency: 3", more="permissions: {scope: [read]}\n"
    )
    script = f"tool.get {{ named: {str(named).lower()} }}"
    with ThreadPoolExecutor(3) as threads:
        scopes = list(threads.map(lambda n: host.run_script(script, {"me": n}), range(3)))
    if named:
        assert [scope["value"] for scope in scopes] == [0, 1, 2]
    else:
        assert {scope["error"] for scope in scopes} == {"several calls are under way: name one in call_id"}


def test_without_concurrency_calls_wait_for_each_other(sidecars):
    host = sidecars.open(ECHO, "echo")
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda n: host.call("tool.echo", n=n), range(40)))
    assert [it["parameters"]["n"] for it in answers] == list(range(40))
    assert host.plugins["tool"].instances == 1


def test_sizes_are_bounded(sidecars):
    host = sidecars.open(
        "def big(request): answer(request, {'text': 'x' * request['parameters']['size']})\n" + ASK,
        "big",
        "ask",
        limits=PluginLimits(request_bytes=3000, host_request_bytes=2 << 20, key_bytes=1000),
    )
    with pytest.raises(OutputLimitError, match=r"more than the limit of 1048576 bytes; to raise it, set .*max_output"):
        host.call("tool.big", size=1 << 20)
    assert len(host.call("tool.big", size=1000)["text"]) == 1000  # in the same process: the stream is in order
    with pytest.raises(RequestLimitError, match="longer than the limit of 3000 bytes"):
        host.call("tool.big", size="x" * 3000)
    with pytest.raises(RequestError, match="has no JSON form"):
        host.call("tool.big", size=object())
    assert "failed to read key: more than the limit of 1000 bytes" in ask(host, "env_get", key="x" * 1001)["error"]
    with pytest.raises(OutputLimitError, match="longer than the limit of 2097152 bytes"):
        host.call("tool.big", size=3 << 20)


def test_host_calls_are_counted(sidecars):
    host = sidecars.open(
        "def loop(request):\n    while True: host('log', level='info', message='again')",
        "loop",
        limits=PluginLimits(host_calls=50),
    )
    with pytest.raises(HostCallLimitError, match="the limit of 50 calls of host functions is reached"):
        host.call("tool.loop")
    assert len([it for it in sidecars.log if it.message == "again"]) == 50


def test_a_bound_on_fuel_is_refused(sidecars):
    host = sidecars.open(ECHO, "echo")
    with pytest.raises(UnsupportedLimitError, match="tool is a process, which counts no fuel: give the call a timeout"):
        host.call("tool.echo", fuel=100)
    assert host.call("tool.echo", timeout=10.0)["slot_name"] == "tool.echo"


def test_logs_have_an_allowance(sidecars):
    host = sidecars.open(
        "def shout(request):\n    sys.stderr.write(('x' * 99 + '\\n') * 1000); sys.stderr.flush()\n    answer(request)",
        "shout",
        limits=PluginLimits(log_bytes=1000),
    )
    host.call("tool.shout")
    sidecars.wait_for_log("log output of this call exceeds 1000 bytes")
    host.close()
    assert len(sidecars.log) == 10


def test_secrets_are_redacted(sidecars):
    host = sidecars.open(
        "def tell(request):\n    answer(request, None, 'failed with ' + os.environ['API_KEY'])",
        "tell",
        more="permissions: {env: [API_KEY]}\n",
        environment=HostEnvironment({"API_KEY": "abcdef123456"}),
    )
    with pytest.raises(SlotFailedError, match=r"^failed with <redacted:API_KEY>$"):
        host.call("tool.tell")


def test_a_process_without_slots_or_success_does_not_load(sidecars):
    for code, error in (
        ("INIT = 7", "failed to parse metadata JSON: expected an object"),
        ("SLOTS = [{'name': ''}]", "failed to get plugin slots: failed to parse slots JSON"),
        (
            "def start(request): answer(request, None, 'not today'); return True",
            "failed to get plugin metadata: not today",
        ),
    ):
        sidecars.write(code)
        (problem,) = sidecars.host().problems
        assert isinstance(problem.error, LoadError)
        assert error in str(problem.error)


def test_an_unknown_protocol_is_refused(sidecars):
    sidecars.write(ECHO, "echo", sidecar="protocol: grpc")
    (problem,) = sidecars.host().problems
    assert "sidecar.protocol: expected json-rpc, found 'grpc'" in str(problem.error)


@pytest.mark.parametrize(
    ("concurrency", "words"),
    [(1, "change sidecar.concurrency in manifest.yaml"), (8, "set wasm.limits.max_instances in config/plugins.yaml")],
)
def test_too_many_calls_at_once_are_told_which_key_raises_their_number(sidecars, concurrency, words):
    sidecar = f"keep_alive: true, concurrency: {concurrency}"
    host = sidecars.open(ECHO, "echo", sidecar=sidecar, limits=PluginLimits(instances=2 if concurrency == 1 else 1))
    with ExitStack() as stack, ThreadPoolExecutor(1) as threads:
        threads.submit(lambda: stack.enter_context(lent(host.plugins["tool"]._pool))).result(20)
        with pytest.raises(PoolTimeoutError, match=f"instances is reached; to raise it, {words}, or give the call"):
            host.call("tool.echo", timeout=0.05)
