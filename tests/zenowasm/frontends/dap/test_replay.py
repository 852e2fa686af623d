"""Replays: recorded on wasmtime, debugged forwards and backwards."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.dap import DapClient, Refused
from support.debugged import RECORDS, c_at, divide
from support.recorded import recorded

from zenowasm.interp.binary.raw_sections import without_customs

STOP = "int total = 0"
OVERWRITES = "one->name[4] ="


def line_of(text: str) -> int:
    return next(number for number, line in enumerate(RECORDS.read_text().splitlines(), 1) if text in line)


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """A recording of ``run(3)`` of the C program."""
    return recorded(c_at("-O0"), "run", 3, folder=tmp_path)


@pytest.fixture
def replay(client, recording) -> DapClient:
    """A client that is stopped after the loop of the C program."""
    client.start({"replay": str(recording)}, lines=(RECORDS, [line_of(STOP) + 1]))
    assert client.where() == f"breakpoint run:{line_of(STOP) + 1}"
    return client


def no_breakpoints(client: DapClient) -> None:
    client("setBreakpoints", source={"path": str(RECORDS)}, breakpoints=[])


def stops(client: DapClient, command: str) -> tuple[str, str]:
    """Go on, and return the reason and the description of the stop."""
    client(command, threadId=1)
    stop = client.event("stopped")
    return stop["reason"], stop["description"]


def test_reverse_execution_finds_who_overwrote_a_byte(replay) -> None:
    frame = replay.frames()[0]["id"]
    assert replay("evaluate", expression="list->name", frameId=frame)["result"] == '"node2"'
    info = replay("dataBreakpointInfo", name="list->name[4]", frameId=frame)
    replay("setDataBreakpoints", breakpoints=[{"dataId": info["dataId"]}])
    no_breakpoints(replay)
    assert replay.goes("reverseContinue") == f"data breakpoint run:{line_of(OVERWRITES)}"
    assert replay("evaluate", expression="one->name")["result"] == '"node"'
    assert replay("evaluate", expression="i")["result"] == "2"
    replay("setDataBreakpoints", breakpoints=[])
    assert replay.goes("stepBack") == f"step run:{line_of(OVERWRITES)}"
    assert replay.goes("stepBack") == f"step run:{line_of(OVERWRITES) - 1}"  # over strcpy
    assert replay("evaluate", expression="one->name")["result"] == '""'
    assert replay.goes("next") == f"step run:{line_of(OVERWRITES)}"
    replay("continue", threadId=1)
    replay.event("stopped")
    replay("continue", threadId=1)
    assert replay.event("exited") == {"exitCode": 0}
    replay.event("terminated")


def test_going_back_by_instructions(replay) -> None:
    def at() -> str:
        return replay.frames(levels=1)[0]["instructionPointerReference"]

    here = at()
    replay.goes("next", granularity="instruction")
    assert at() != here
    assert replay.goes("stepBack", granularity="instruction") == f"step run:{line_of(STOP) + 1}"
    assert at() == here


def test_the_end_is_a_stop_without_a_frame_from_which_one_goes_back(replay) -> None:
    assert stops(replay, "continue") == ("pause", "the replay ends here")
    assert replay("stackTrace", threadId=1) == {"stackFrames": [], "totalFrames": 0}
    for command, arguments in (
        ("evaluate", {"expression": "n"}),
        ("next", {"threadId": 1}),
        ("stepOut", {"threadId": 1}),
        ("dataBreakpointInfo", {"name": "n"}),
    ):
        with pytest.raises(Refused, match="the replay is at its end"):
            replay(command, **arguments)
    assert replay.goes("stepBack") == f"step run:{line_of('return total')}"
    assert stops(replay, "continue") == ("pause", "the replay ends here")
    assert replay.goes("reverseContinue") == f"breakpoint run:{line_of(STOP) + 1}"
    assert stops(replay, "continue") == ("pause", "the replay ends here")
    replay("evaluate", expression="reverse-continue", context="repl")
    assert replay.where() == f"breakpoint run:{line_of(STOP) + 1}"


def test_the_beginning_is_a_stop(replay) -> None:
    assert stops(replay, "reverseContinue") == ("entry", "the replay begins here")
    assert len(replay.frames()) == 1
    assert replay.goes("continue") == f"breakpoint run:{line_of(STOP) + 1}"


def test_a_change_begins_a_branch_that_one_can_leave(replay) -> None:
    replay("setExpression", expression="n", value="1", frameId=replay.frames()[0]["id"])
    replay.goes("next")
    replay.goes("stepBack")
    assert replay("evaluate", expression="n")["result"] == "1"
    replay("evaluate", expression="branch 0", context="repl")
    assert replay.where() == f"goto run:{line_of(STOP) + 1}"
    assert replay("evaluate", expression="n")["result"] == "3"


def test_a_client_learns_at_the_launch_whether_it_can_go_back(client, recording) -> None:
    capabilities = client.start({"program": str(c_at("-O0")), "export": "run", "args": [3]}, functions=["area"])
    assert "supportsStepBack" not in capabilities
    client.where()
    for command in ("stepBack", "reverseContinue"):
        with pytest.raises(Refused, match="only a replay can go back: record a run by --record FILE"):
            client(command, threadId=1)
    assert not [it for it in client.messages if it.get("event") == "capabilities"]
    client.response(client.send_unchecked("restart", {"arguments": {"replay": str(recording)}}))
    assert client.event("capabilities") == {"capabilities": {"supportsStepBack": True}}
    client.where()
    client.response(client.send_unchecked("restart", {"arguments": {"program": str(divide()), "export": "run"}}))
    assert client.event("capabilities") == {"capabilities": {"supportsStepBack": False}}


def test_another_build_of_the_module_is_used_instead(client, tmp_path) -> None:
    stripped = tmp_path / "stripped.wasm"
    stripped.write_bytes(without_customs(c_at("-O0").read_bytes(), lambda name: True))
    path = recorded(stripped, "run", 3, folder=tmp_path)
    client.start({"replay": str(path), "program": str(c_at("-O0"))}, lines=(RECORDS, [line_of(STOP)]))
    assert client.where() == f"breakpoint run:{line_of(STOP)}"
    assert stops(client, "continue") == ("pause", "the replay ends here")
    client("continue", threadId=1)
    client.event("terminated")
    assert client.output() == "replayed 1 call and 0 host calls in 1 store\n"


def test_a_recording_that_is_cut_short_ends_where_it_is_cut(client, recording) -> None:
    recording.write_bytes(recording.read_bytes()[:-30])
    client.start({"replay": str(recording)}, functions=["nowhere"])
    assert client.event("stopped")["description"] == "the replay ends here"
    client("continue", threadId=1)
    client.event("terminated")


def test_a_recording_of_another_module(client, recording) -> None:
    client.start({"replay": str(recording), "program": str(divide())})
    assert client.event("exited") == {"exitCode": 1}
    assert client.output("stderr").startswith("error: the module is another one than in ")


@pytest.mark.parametrize(
    ("launch", "message"),
    [
        ({"stopOnEntry": True}, "expected program, a script or module, or replay, a recording"),
        ({"replay": "/nowhere.zr"}, "cannot read /nowhere.zr: No such file or directory"),
        ({"replay": str(RECORDS)}, "records.c is not a recording of zenowasm"),
        ({"replay": "{recording}", "export": "run"}, "replay takes only a module as program"),
    ],
)
def test_what_cannot_be_replayed(client, recording, launch, message) -> None:
    given = {**launch, "replay": str(recording)} if launch.get("replay") == "{recording}" else launch
    with pytest.raises(Refused, match=message):
        client.start(given)


@pytest.mark.parametrize("end", ["terminate", "disconnect", "close"])
def test_the_end_of_a_session_at_the_end_of_a_replay(connected, recording, end) -> None:
    client = connected.client
    client.start({"replay": str(recording)})
    client.event("stopped")
    if end == "close":
        connected.close()
        return
    client(end)
    client.event("terminated")
