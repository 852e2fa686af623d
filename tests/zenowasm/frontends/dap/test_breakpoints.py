"""Breakpoints that a client sets: at lines, functions and instructions, before and during a run."""

from __future__ import annotations

import base64

import pytest
from support.dap import Refused
from support.debugged import RECORDS, c_at

from zenowasm.frontends.dap.breakpoints import FileLine


def line_of(text: str) -> int:
    return next(number for number, it in enumerate(RECORDS.read_text().splitlines(), 1) if text in it)


LOOP = line_of("counter += i")
AREA = line_of("int w =")


def run() -> dict:
    return {"program": str(c_at("-O0")), "export": "run", "args": [5]}


def begin(client, lines=(), functions=()) -> list:
    """Launch with breakpoints, and return what the adapter says of those at lines."""
    client("initialize", adapterID="zenowasm")
    client("launch", **run())
    found = client("setBreakpoints", source={"path": str(RECORDS)}, breakpoints=list(lines))["breakpoints"]
    client("setFunctionBreakpoints", breakpoints=list(functions))
    client("configurationDone")
    return found


def value(client, expression: str) -> str:
    return client("evaluate", expression=expression)["result"]


def test_a_breakpoint_waits_for_its_module(client) -> None:
    (set_,) = begin(client, [{"line": LOOP}])
    assert (set_["verified"], set_["line"]) == (False, LOOP)
    assert set_["message"] == f"waits: no module seen so far has {RECORDS}:{LOOP}"
    changed = client.event("breakpoint")
    assert changed["reason"] == "changed"
    assert changed["breakpoint"] == {"id": set_["id"], "verified": True, "line": LOOP}
    assert client.event("stopped")["hitBreakpointIds"] == [set_["id"]]


def test_conditions(client) -> None:
    begin(client, [{"line": LOOP, "condition": "i == 3"}])
    assert client.where() == f"breakpoint run:{LOOP}"
    assert value(client, "i") == "3"
    client("continue", threadId=1)
    assert client.event("exited") == {"exitCode": 0}


@pytest.mark.parametrize(("condition", "first"), [("3", "2"), (">= 3", "2"), (">3", "3"), ("0", "0"), (" ", "0")])
def test_hit_conditions(client, condition, first) -> None:
    begin(client, [{"line": LOOP, "hitCondition": condition}])
    client.where()
    assert value(client, "i") == first


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({"condition": "i =="}, "cannot read the expression 'i ==' at its end"),
        (
            {"hitCondition": "often"},
            "expected the number of the hit that stops first, such as 5 or >= 5, found 'often'",
        ),
        ({"hitCondition": "99999999999"}, "expected the number of the hit"),
    ],
)
def test_what_cannot_be_set_says_why(client, wish, message) -> None:
    begin(client, functions=[{"name": "area"}])
    client.where()
    (set_,) = client("setFunctionBreakpoints", breakpoints=[{"name": "run", **wish}])["breakpoints"]
    assert not set_["verified"]
    assert message in set_["message"]


def test_a_condition_that_fails_stops_and_says_why(client) -> None:
    begin(client, [{"line": LOOP, "condition": "lsit"}])
    client.where()
    problems = [it["body"]["breakpoint"] for it in client.messages if it.get("event") == "breakpoint"]
    assert "the condition lsit: there is no variable lsit" in problems[-1]["message"]


def test_a_breakpoint_without_a_place_says_so_at_the_end(client) -> None:
    begin(client, functions=[{"name": "aera"}])
    client.event("terminated")
    assert client.output("console") == "breakpoint 1 waits: no module seen so far has aera; did you mean area?\n"


def test_a_breakpoint_that_is_set_again_keeps_its_number_and_its_hits(client) -> None:
    wish = {"line": LOOP, "hitCondition": "3"}
    (first,) = begin(client, [wish])
    client.where()
    again = client("setBreakpoints", source={"path": str(RECORDS)}, breakpoints=[{"line": AREA}, wish])["breakpoints"]
    assert again[1]["id"] == first["id"] != again[0]["id"]
    assert client.goes("continue") == f"breakpoint run:{LOOP}"
    assert value(client, "i") == "3"


def test_breakpoints_that_are_no_longer_set_are_gone(client) -> None:
    begin(client, [{"line": LOOP}], [{"name": "area"}])
    client.where()
    client("setBreakpoints", source={"path": str(RECORDS)}, breakpoints=[])
    assert client.goes("continue") == f"breakpoint area:{AREA}"


def test_instruction_breakpoints(client) -> None:
    begin(client, functions=[{"name": "area"}])
    client.where()
    here = client.frames()[0]["instructionPointerReference"]
    listed = client("disassemble", memoryReference=here, instructionCount=4)["instructions"]
    wanted = listed[3]["address"]
    offset = int(wanted, 0) - int(here, 0)
    (set_,) = client("setInstructionBreakpoints", breakpoints=[{"instructionReference": here, "offset": offset}])[
        "breakpoints"
    ]
    assert set_["verified"]
    client.goes("continue")
    assert client.frames()[0]["instructionPointerReference"] == wanted
    for reference, offset in ((here, 1), ("nowhere", 0), ("0x5", 0), (here, -(1 << 40)), (here, 1 << 20)):
        with pytest.raises(Refused, match=r"no instruction|not a memory reference|not an address of code"):
            client("setInstructionBreakpoints", breakpoints=[{"instructionReference": reference, "offset": offset}])


def test_a_source_without_a_path(client) -> None:
    with pytest.raises(Refused, match="expected a source with `path` or `sourceReference`"):
        client("setBreakpoints", source={"name": "x"}, breakpoints=[])


def test_too_many_breakpoints(client) -> None:
    with pytest.raises(Refused, match="expected at most 1000 breakpoints, found 1001"):
        client("setFunctionBreakpoints", breakpoints=[{"name": "x"}] * 1001)


def test_a_source_map_leads_back_to_the_folder_of_the_compiler(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    line = FileLine(str(tmp_path / "src" / "a" / "b.c"), 3)
    assert line.location({"/build": "src"}) == "/build/a/b.c:3"
    assert line.location({"/build/": str(tmp_path / "src" / "a")}) == "/build/b.c:3"
    assert line.location({"/build": "other"}) == f"{line.path}:3"


def test_sources_that_were_moved(client, tmp_path) -> None:
    moved = tmp_path / "moved"
    moved.mkdir()
    (moved / RECORDS.name).write_text(RECORDS.read_text())
    launch = {**run(), "sourceMap": {str(RECORDS.parent): str(moved)}}
    client.start(launch, lines=(moved / RECORDS.name, [AREA]))
    assert client.where() == f"breakpoint area:{AREA}"
    assert client.frames()[0]["source"]["path"] == str(moved / RECORDS.name)


def test_logpoints(client) -> None:
    begin(client, [{"line": LOOP, "logMessage": "i is {i}, twice {i * 2}"}])
    client.event("terminated")
    assert client.output("console") == "".join(f"i is {i}, twice {2 * i}\n" for i in range(5))


def test_calls_of_host_functions(client, examples) -> None:
    launch = {"program": str(examples / "hello.zl"), "pluginDir": str(examples / "plugins")}
    client.start(launch, functions=["host:env.host_log"])
    stop = client.event("stopped")
    assert (stop["reason"], stop["text"]) == ("breakpoint", "call of env.host_log")
    arguments = client.variables(client.scope("Host call"))
    assert [it["type"] for it in arguments.values()] == ["i32"] * 4
    level = client("readMemory", memoryReference=arguments["[0]"]["value"].split()[0], count=4)
    assert base64.b64decode(level["data"]) == b"info"


def test_what_a_function_returned(client) -> None:
    begin(client, functions=[{"name": "area"}])
    client.where()
    client.goes("stepOut")
    (returned,) = client.variables(client.scope("Returned")).values()
    assert returned["value"].split()[0] == str((4 + 1) * (-4 + 2))
    assert returned["evaluateName"] == "$results[0]"
