"""What a client changes and watches: variables, memory, data breakpoints."""

from __future__ import annotations

import base64

import pytest
from support.dap import Refused
from support.debugged import RECORDS, c_at

AREA = next(number for number, it in enumerate(RECORDS.read_text().splitlines(), 1) if "int w =" in it)


def in_area(client) -> None:
    """Stop a C program at the first call of ``area``, with its parameter ``p`` = {2, -2}."""
    client.start({"program": str(c_at("-O0")), "export": "run", "args": [3]}, lines=(RECORDS, [AREA]))
    client.where()
    client("setBreakpoints", source={"path": str(RECORDS)}, breakpoints=[])


def finished(client) -> str:
    client("continue", threadId=1)
    client.event("exited")
    return client.output()


def result(first: int) -> str:
    return f"{first + (1 + 1) * (-1 + 2) + (0 + 1) * (0 + 2) + 1 - 2 + ord('h')}\n"


def test_a_variable_and_a_member_are_changed(client) -> None:
    in_area(client)
    scope = client.scope("Variables")
    point = client.variables(scope)["p"]["variablesReference"]
    changed = client("setVariable", variablesReference=point, name="x", value="9")
    assert (changed["value"], changed["type"]) == ("9", "int")
    assert client.variables(point)["x"]["value"] == "9"
    assert client.variables(scope)["p"]["value"] == "{x = 9, y = -2}"
    assert finished(client) == result((9 + 1) * (-2 + 2))


def test_an_expression_is_changed(client) -> None:
    in_area(client)
    frame = client.frames()[0]["id"]
    assert client("setExpression", expression="p.y", value="p.x + 1", frameId=frame)["value"] == "3"
    assert finished(client) == result((2 + 1) * (3 + 2))


def test_a_local_and_a_global_are_changed(client) -> None:
    in_area(client)
    own = client.scope("WebAssembly locals")
    assert client("setVariable", variablesReference=own, name="$0", value="0x10")["value"].startswith("16")
    assert client.variables(own)["$0"]["value"].startswith("16")
    globals_ = client.scope("Globals")
    before = client.variables(globals_)["[0]"]["value"]
    assert client("setVariable", variablesReference=globals_, name="[0]", value="$globals[0]")["value"] == before


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("q", "1", "there is no variable q that can be changed"),
        ("p", "1", "p stays as it is"),
        ("w", "nowhere", "there is no variable nowhere"),
        ("w", "1 +", "cannot read the expression"),
        ("w", "99999999999", "w stays as it is: 99999999999 does not fit"),
    ],
)
def test_what_cannot_be_changed_says_why(client, name, value, message) -> None:
    in_area(client)
    with pytest.raises(Refused, match=message.replace("+", r"\+")):
        client("setVariable", variablesReference=client.scope("Variables"), name=name, value=value)
    assert finished(client) == result((2 + 1) * (-2 + 2))


def test_memory_is_written(client) -> None:
    in_area(client)
    address = client.variables(client.scope("Variables"))["p"]["memoryReference"]
    data = base64.b64encode((9).to_bytes(4, "little")).decode()
    assert client("writeMemory", memoryReference=address, data=data) == {"bytesWritten": 4}
    assert client("evaluate", expression="p.x")["result"] == "9"
    assert client("evaluate", expression=f"$u8[{int(address, 0)}]")["result"] == "9"
    with pytest.raises(Refused, match="the data are not in base64"):
        client("writeMemory", memoryReference=address, data="=")


def test_memory_is_written_up_to_its_end(client, write) -> None:
    text = '(module (memory 1) (func (export "run") nop))'
    client.start({"program": str(write("m.wat", text)), "export": "run", "stopOnEntry": True})
    client.where()
    data, size = base64.b64encode(b"abcd").decode(), 1 << 16
    with pytest.raises(Refused, match="not inside the memory"):
        client("writeMemory", memoryReference=hex(size - 2), data=data)
    assert client("writeMemory", memoryReference=hex(size - 2), data=data, allowPartial=True) == {"bytesWritten": 2}
    assert base64.b64decode(client("readMemory", memoryReference=hex(size - 3), count=9)["data"]) == b"\0ab"


def test_a_data_breakpoint_stops_at_a_change(client) -> None:
    in_area(client)
    reference = client.scope("Variables")
    info = client("dataBreakpointInfo", variablesReference=reference, name="w")
    assert (info["description"], info["accessTypes"]) == ("w", ["write"])
    (set_,) = client("setDataBreakpoints", breakpoints=[{"dataId": info["dataId"]}])["breakpoints"]
    assert set_["verified"]
    client("continue", threadId=1)
    stop = client.event("stopped")
    assert (stop["reason"], stop["hitBreakpointIds"]) == ("data breakpoint", [set_["id"]])
    assert stop["text"].startswith("w: ") and stop["text"].endswith(" → 3")
    assert client.variables(client.scope("Variables"))["w"]["value"] == "3"
    client("continue", threadId=1)
    assert client.event("stopped")["text"] == "w: 3 → out of scope"
    changed = [it["body"]["breakpoint"] for it in client.messages if it.get("event") == "breakpoint"][-1]
    assert changed == {
        "id": set_["id"],
        "verified": False,
        "message": "deleted, or ended with the call to which the data belong",
    }
    assert client("setDataBreakpoints", breakpoints=[]) == {"breakpoints": []}
    assert finished(client) == result((2 + 1) * (-2 + 2))


def test_data_breakpoints_by_expression_and_by_address(client) -> None:
    in_area(client)
    info = client("dataBreakpointInfo", name="counter + 1")
    (set_,) = client("setDataBreakpoints", breakpoints=[{"dataId": info["dataId"]}])["breakpoints"]
    assert not set_["verified"] and "only a place can be watched" in set_["message"]
    address = client.variables(client.scope("Variables"))["w"]["memoryReference"]
    info = client.response(
        client.send_unchecked("dataBreakpointInfo", {"name": address, "asAddress": True, "bytes": 4})
    )
    assert info["description"] == f"$u32[{int(address, 0)}]"
    client("setDataBreakpoints", breakpoints=[{"dataId": info["dataId"]}])
    assert client.goes("continue").startswith("data breakpoint area:")
    info = client.response(
        client.send_unchecked("dataBreakpointInfo", {"name": address, "asAddress": True, "bytes": 3})
    )
    assert info["dataId"] is None


def test_what_a_data_breakpoint_does_not_take(client) -> None:
    in_area(client)
    for more in ({"condition": "1"}, {"accessType": "read"}, {"hitCondition": "2"}):
        (set_,) = client("setDataBreakpoints", breakpoints=[{"dataId": "0 w", **more}])["breakpoints"]
        assert set_["message"] == "a data breakpoint stops at every change, and at nothing else"
    for data_id in ("", "99999999999 w", "99 w", "0 nowhere"):
        (set_,) = client("setDataBreakpoints", breakpoints=[{"dataId": data_id}])["breakpoints"]
        assert not set_["verified"] and set_["message"]


def test_the_client_hears_that_variables_changed(client) -> None:
    client("initialize", adapterID="x", supportsInvalidatedEvent=True)
    client("launch", program=str(c_at("-O0")), export="run", args=[3])
    client("setFunctionBreakpoints", breakpoints=[{"name": "area"}])
    client("configurationDone")
    client.where()
    client("setExpression", expression="p.x", value="1")
    assert client.event("invalidated") == {"areas": ["variables"]}
