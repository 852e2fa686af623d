"""The life of a session: its beginning, its end, and clients that behave otherwise than they should."""

from __future__ import annotations

import pytest
from support.dap import Refused
from support.debugged import RECORDS, c_at, divide


def test_a_script_from_start_to_end(client, examples) -> None:
    capabilities = client.start(
        {"program": str(examples / "hello.zl"), "pluginDir": str(examples / "plugins")}, functions=["greet"]
    )
    assert capabilities["supportsConfigurationDoneRequest"]
    assert client("threads") == {"threads": [{"id": 1, "name": "guest"}]}
    assert client.where() == "breakpoint greet:1"
    assert client("continue", threadId=1) == {"allThreadsContinued": True}
    assert client.event("exited") == {"exitCode": 0}
    client.event("terminated")
    assert client.output("stdout") == "[INFO]: Hello, World!\n"
    assert client.output("stderr") == "[hello] info: Greeting: Hello, World!\n"
    client("disconnect")
    assert client.rest()[-1]["command"] == "disconnect"


def test_a_run_without_debugging(client) -> None:
    client.start({"program": str(c_at("-O0")), "export": "run", "args": [3], "noDebug": True}, functions=["area"])
    client.event("terminated")
    assert not [it for it in client.messages if it.get("event") == "stopped"]
    assert client.output("stdout") == "107\n"


@pytest.mark.parametrize(
    ("launch", "message"),
    [
        ({"program": "/nowhere.zl"}, "cannot read /nowhere.zl: No such file or directory"),
        ({"program": "nul\0"}, "cannot read nul"),
        ({"program": str(RECORDS), "export": "run"}, "export, args, dirs and env are for modules"),
        ({"program": "{module}", "pluginDir": "x"}, "pluginDir and config are for scripts"),
    ],
)
def test_what_cannot_be_launched(client, launch, message) -> None:
    given = {key: it.replace("{module}", str(c_at("-O0"))) for key, it in launch.items()}
    with pytest.raises(Refused) as caught:
        client.start(given)
    assert message in str(caught.value)
    client("launch", program=str(c_at("-O0")), export="run", args=[3])


@pytest.mark.parametrize(
    ("launch", "message"),
    [
        ({"export": "walk"}, "exports no function 'walk'"),
        ({"export": "run", "args": []}, "expected 1 arguments"),
        ({"export": "run", "args": ["x"]}, "argument 1: "),
        ({"export": "run", "args": [1], "dirs": ["/nowhere"]}, "cannot open the folder /nowhere"),
    ],
)
def test_a_run_that_fails_says_why(client, launch, message) -> None:
    client.start({"program": str(c_at("-O0")), **launch})
    assert client.event("exited") == {"exitCode": 1}
    client.event("terminated")
    assert message in client.output("stderr") and client.output("stderr").startswith("error: ")


def test_the_environment_and_the_arguments_of_a_program(client, write) -> None:
    text = write("echo.wat", ECHO)
    client.start({"program": str(text), "args": ["one"], "env": {"A": "b"}})
    client.event("terminated")
    assert client.output("stdout") == "echo.wat\0one\0A=b\0\n"


ECHO = """
(module
  (import "wasi_snapshot_preview1" "args_get" (func $args (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_get" (func $environ (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 32) "\\00\\01\\00\\00\\12\\00\\00\\00")
  (func (export "_start")
    (drop (call $args (i32.const 0) (i32.const 256)))
    (drop (call $environ (i32.const 16) (i32.const 269)))
    (i32.store8 (i32.const 273) (i32.const 10))
    (drop (call $write (i32.const 1) (i32.const 32) (i32.const 1) (i32.const 48)))))
"""


def test_it_stops_on_entry(client, examples) -> None:
    client.start({"program": str(examples / "hello.zl"), "pluginDir": str(examples / "plugins"), "stopOnEntry": True})
    assert client.where() == "entry plugin_init:1"
    assert client.goes("stepIn").startswith("step plugin_init")


def test_requests_that_are_not_supported(client) -> None:
    for command in ("stepInTargets", "gotoTargets", "nonsense", "", "x" * 1000):
        with pytest.raises(Refused, match=f"does not support the request '{command[:60]}'"):
            client.response(client.send_unchecked(command, {}))


def test_a_client_that_counts_from_0_is_refused(client) -> None:
    with pytest.raises(Refused, match="counts lines and columns from 1"):
        client("initialize", adapterID="x", linesStartAt1=False)


def test_requests_about_a_stop_while_there_is_none(client) -> None:
    with pytest.raises(Refused, match="the guest is running: pause it first"):
        client("stackTrace", threadId=1)


def test_malformed_messages_are_ignored_with_a_word(client) -> None:
    client("initialize", adapterID="x")
    for number, data in enumerate((b"Content-Length: x\r\n\r\n", b"Content-Length: 2\r\n\r\n[]"), 1):
        client.send_bytes(data)
        client.event("output")
        assert client.output("console").count("zenowasm ignores a message: ") == number
    client.send_bytes(b'Content-Length: 33\r\n\r\n{"type":"request","command":null}')
    client.event("output")
    client.send_bytes(b'Content-Length: 27\r\n\r\n{"type":"response","seq":1}')
    client.event("output")
    assert client.output("console").endswith("expected a request with `seq` and `command`\n")
    assert client("threads")


def test_requests_with_malformed_arguments(client) -> None:
    client.start({"program": str(c_at("-O0")), "export": "run", "args": [3]}, functions=["area"])
    client.where()
    for command in (
        "setBreakpoints", "setFunctionBreakpoints", "setInstructionBreakpoints", "setExceptionBreakpoints", "variables",
        "scopes", "evaluate", "disassemble", "readMemory", "next", "stackTrace", "exceptionInfo",
    ):  # fmt: skip
        for arguments in (7, {}, {"source": [], "breakpoints": {}}):
            with pytest.raises(Refused, match=r"is required|expected"):
                client.response(client.send_unchecked(command, arguments))
    assert client.frames()


def test_a_client_that_leaves_in_the_middle_of_a_stop_ends_the_run(connected) -> None:
    client = connected.client
    client.start({"program": str(c_at("-O0")), "export": "run", "args": [3]}, functions=["area"])
    client.where()
    connected.close()


def test_disconnecting_in_the_middle_of_a_stop_ends_the_run(client) -> None:
    client.start({"program": str(c_at("-O0")), "export": "run", "args": [3]}, functions=["area"])
    client.where()
    client("disconnect")
    events = [it.get("event") for it in client.rest()]
    assert "terminated" in events and "exited" not in events


def test_terminating_in_the_middle_of_a_stop(client) -> None:
    client.start({"program": str(c_at("-O0")), "export": "run", "args": [3]}, functions=["area"])
    client.where()
    client("terminate")
    client.event("terminated")
    assert client.output("stdout") == ""


def test_a_restart_keeps_the_breakpoints(client) -> None:
    client.start({"program": str(c_at("-O0")), "export": "run", "args": [3]}, functions=["area"])
    client.where()
    client("setFunctionBreakpoints", breakpoints=[{"name": "area", "condition": "p.x == 0"}])
    client("restart")
    assert client.where().startswith("breakpoint area:")
    assert client("evaluate", expression="p.x")["result"] == "0"
    assert not [it for it in client.messages if it.get("event") in ("exited", "terminated")]
    changed = {"program": str(c_at("-O0")), "export": "run", "args": [1]}
    client.response(client.send_unchecked("restart", {"arguments": changed}))  # the schema has it fit two of "one of"
    client.where()
    assert client("evaluate", expression="p.x")["result"] == "0"
    client("continue", threadId=1)
    assert client.event("exited") == {"exitCode": 0}
    assert client.output("stdout").splitlines() == [str((0 + 1) * (0 + 2) - 2 + ord("h"))]
    client("restart")
    client.where()


def test_only_one_launch(client) -> None:
    client.start({"program": str(c_at("-O0")), "export": "run", "args": [3]}, functions=["area"])
    client.where()
    with pytest.raises(Refused, match="already launched"):
        client("launch", program=str(c_at("-O0")))


SPIN = '(module (func $spin (export "spin") (loop br 0)))'
THROW = """
(module
  (tag $t (param i32))
  (func $thrower (throw $t (i32.const 7)))
  (func (export "run") (result i32)
    (block $caught (result i32)
      (try_table (catch $t $caught) (call $thrower))
      (i32.const 0))))
"""


def test_a_running_guest_is_paused(client, write) -> None:
    client.start({"program": str(write("spin.wat", SPIN)), "export": "spin"})
    for command, arguments in (
        ("next", {"threadId": 1}),
        ("evaluate", {"expression": "1"}),
        ("scopes", {"frameId": 1}),
    ):
        with pytest.raises(Refused, match="the guest is running: pause it first"):
            client(command, **arguments)
    client("pause", threadId=1)
    assert client.where().startswith("pause spin:")
    assert client.goes("next").startswith("step spin:")


def test_a_guest_that_is_stopped_already_is_not_paused_again(client) -> None:
    client.start({"program": str(c_at("-O0")), "export": "run", "args": [3]}, functions=["area"])
    client.where()
    client("pause", threadId=1)
    assert client.goes("continue").startswith("breakpoint area:")


def test_breakpoints_are_set_while_the_guest_runs(client, write) -> None:
    client.start({"program": str(write("spin.wat", SPIN)), "export": "spin"})
    client("setFunctionBreakpoints", breakpoints=[{"name": "spin+1"}])
    assert client.where() == "breakpoint spin:2"
    client("setFunctionBreakpoints", breakpoints=[])
    client("continue", threadId=1)
    client("pause", threadId=1)
    assert client.where().startswith("pause spin:")


@pytest.mark.parametrize("end", ["terminate", "disconnect", "close"])
def test_a_running_guest_is_ended(connected, write, end) -> None:
    client = connected.client
    client.start({"program": str(write("spin.wat", SPIN)), "export": "spin"})
    if end == "close":
        connected.close()
        return
    client(end)
    client.event("terminated")


def test_traps_and_thrown_exceptions_stop_if_asked_to(client, write) -> None:
    client("initialize", adapterID="x")
    client("setExceptionBreakpoints", filters=["throw"])
    client("launch", program=str(write("throw.wat", THROW)), export="run")
    client("configurationDone")
    assert client.where() == "exception thrower:2"
    info = client("exceptionInfo", threadId=1)
    assert (info["exceptionId"], info["description"]) == ("exception", "an exception is thrown")
    client("restart")
    client.event("stopped")
    client("setExceptionBreakpoints", filters=[])
    client("restart")
    assert client.event("exited") == {"exitCode": 0}
    assert client.output() == "7\n"
    with pytest.raises(Refused, match="there is no filter 'all': expected trap or throw"):
        client("setExceptionBreakpoints", filters=["all"])


def test_a_trap_does_not_stop_if_asked_not_to(client) -> None:
    client("initialize", adapterID="x")
    client("launch", program=str(divide()), export="run", args=[0])
    client("setExceptionBreakpoints", filters=[])
    client("configurationDone")
    assert client.event("exited") == {"exitCode": 1}
    assert not [it for it in client.messages if it.get("event") == "stopped"]
