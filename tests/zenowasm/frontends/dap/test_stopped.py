"""What a client sees at a stop, in plugins and modules with and without debugging information."""

from __future__ import annotations

import base64

import pytest
from support.dap import Refused
from support.debugged import RECORDS, SOURCES, c_at, divide, rust_at, stripped_c

ITEMS = SOURCES / "items.rs"


def line_of(path, text: str) -> int:
    return next(number for number, it in enumerate(path.read_text().splitlines(), 1) if text in it)


@pytest.fixture
def records(client):
    """A C program stopped at the line after its loop."""
    line = line_of(RECORDS, "int total = 0") + 1
    client.start({"program": str(c_at("-O0")), "export": "run", "args": [3]}, lines=(RECORDS, [line]))
    assert client.where() == f"breakpoint run:{line}"
    return client


def test_a_frame_has_its_source(records) -> None:
    (frame,) = records.frames()
    assert frame["source"] == {"name": "records.c", "path": str(RECORDS)}
    assert frame["column"] >= 1


def test_structures_are_taken_apart_level_by_level(records) -> None:
    variables = records.variables(records.scope("Variables"))
    assert (variables["n"]["value"], variables["n"]["type"]) == ("3", "int")
    pointer = variables["list"]
    assert (pointer["type"], pointer["namedVariables"]) == ("node_t *", 8)
    members = records.variables(pointer["variablesReference"])
    assert list(members) == ["name", "at", "next", "colour", "flag", "neg", "bits", "weights"]
    assert (members["name"]["value"], members["colour"]["value"], members["neg"]["value"]) == ('"node2"', "GREEN", "-2")
    assert members["at"]["evaluateName"] == "list->at"
    point = records.variables(members["at"]["variablesReference"])
    assert {name: (it["value"], it["evaluateName"]) for name, it in point.items()} == {
        "x": ("2", "list->at.x"),
        "y": ("-2", "list->at.y"),
    }
    weights = members["weights"]
    assert (weights["indexedVariables"], weights["type"]) == (2, "double[2][3]")
    (row,) = records.variables(weights["variablesReference"], filter="indexed", start=1, count=1).values()
    assert row["evaluateName"] == "list->weights[1]"
    numbers = records.variables(row["variablesReference"], start=2, count=5)
    assert [(it["name"], it["value"]) for it in numbers.values()] == [("[2]", "1.0")]
    assert records.variables(weights["variablesReference"], filter="named") == {}


def test_the_expression_of_each_part_has_its_value(records) -> None:
    frame = records.frames()[0]["id"]

    def walk(reference: int, depth: int) -> None:
        for it in records.variables(reference).values():
            if "evaluateName" in it and not it["evaluateName"].startswith("$"):
                assert records("evaluate", expression=it["evaluateName"], frameId=frame)["result"] == it["value"]
            if it["variablesReference"] and depth:
                walk(it["variablesReference"], depth - 1)

    walk(records.scope("Variables"), 3)
    target = records("evaluate", expression="*list", frameId=frame)["variablesReference"]
    assert records.variables(target)["at"]["evaluateName"] == "(*list).at"
    walk(target, 2)


def test_the_parts_of_rust_values(client) -> None:
    line = line_of(ITEMS, "total as i32")
    client.start({"program": str(rust_at(0)), "export": "run", "args": [2]}, lines=(ITEMS, [line]))
    client.where()
    variables = client.variables(client.scope("Variables"))
    assert variables["numbers"]["value"] == "{0, 1}"
    assert variables["numbers"]["indexedVariables"] == 2
    shapes = client.variables(variables["shapes"]["variablesReference"])
    assert shapes["[2]"]["value"] == "Rect{w = 3, h = 4}"
    (variant,) = client.variables(shapes["[2]"]["variablesReference"]).values()
    fields = client.variables(variant["variablesReference"])
    assert {name: it["value"] for name, it in fields.items()} == {"w": "3", "h": "4"}
    assert client.variables(variables["outer"]["variablesReference"])["name"]["value"] == '"outer"'


def test_webassemblys_own_variables(client, write) -> None:
    client.start({"program": str(write_module(write)), "export": "outer", "args": [0]}, functions=["divide"])
    assert client.where() == "breakpoint divide:1"
    scopes = client("scopes", frameId=client.frames()[0]["id"])["scopes"]
    assert [it["name"] for it in scopes] == ["WebAssembly locals", "Operand stack", "Globals"]
    own = client.variables(client.scope("WebAssembly locals"))
    assert {name: (it["type"], it["value"]) for name, it in own.items()} == {
        "$a": ("i32", "8"),
        "$b": ("i32", "0"),
        "$c": ("f32", "0.0"),
    }
    assert client.variables(client.scope("Globals"))["[0]"]["value"] == "5"
    client.goes("next")
    client.goes("next")
    client.goes("next")
    stack = client.variables(client.scope("Operand stack"))
    assert [(it["type"], it["value"]) for it in stack.values()] == [("i32", "7")]
    assert client.variables(client.scope("WebAssembly locals"))["$c"]["value"] == "1.5"


MODULE = """
(module
  (memory (export "memory") 1)
  (global $g (mut i32) (i32.const 5))
  (func $divide (export "divide") (param $a i32) (param $b i32) (result i32) (local $c f32)
    (local.set $c (f32.const 1.5))
    (i32.add (i32.const 7) (i32.div_s (local.get $a) (local.get $b))))
  (func $outer (export "outer") (param $x i32) (result i32)
    (i32.add (call $divide (i32.const 8) (local.get $x)) (i32.const 100)))
  (data (i32.const 65530) "Hello"))
"""


def write_module(write):
    return write("module.wat", MODULE)


def test_without_source_a_frame_has_a_disassembly(client, write) -> None:
    client.start({"program": str(write_module(write)), "export": "outer", "args": [2]}, functions=["divide"])
    client.where()
    inner, outer = client.frames()
    text = client("source", sourceReference=inner["source"]["sourceReference"])["content"].splitlines()
    assert text[inner["line"] - 1].strip().startswith("f32.const")
    source = client("source", source=outer["source"], sourceReference=0)["content"].splitlines()
    assert source[outer["line"] - 1].strip() == "call $divide"
    reference = inner["source"]
    line = next(number for number, it in enumerate(text, 1) if "i32.div_s" in it)
    (set_,) = client("setBreakpoints", source=reference, breakpoints=[{"line": line}])["breakpoints"]
    assert set_["verified"]
    assert client.goes("continue") == f"breakpoint divide:{line}"
    with pytest.raises(Refused, match="there is no source with the reference 99"):
        client("source", sourceReference=99)


def test_a_module_without_names(client) -> None:
    client.start({"program": str(stripped_c()), "export": "run", "args": [1], "stopOnEntry": True})
    assert client.where().startswith("entry ")
    assert "sourceReference" in client.frames()[0]["source"]


def test_frames_come_in_pages_and_the_hosts_are_between_them(client, examples) -> None:
    launch = {"program": str(examples / "hello.zl"), "pluginDir": str(examples / "plugins")}
    client.start(launch, functions=["greeting_word", "alloc"])
    while client.where() != "breakpoint alloc:1" or len(client.frames()) < 5:
        client("continue", threadId=1)
    trace = client("stackTrace", threadId=1)
    names = [it["name"] for it in trace["stackFrames"]]
    assert names == ["alloc", "[host] env.host_scope_get", "greeting_word", "greet", "plugin_execute"]
    assert trace["totalFrames"] == 5
    page = client("stackTrace", threadId=1, startFrame=1, levels=2)
    assert page["stackFrames"] == trace["stackFrames"][1:3] and page["totalFrames"] == 5
    assert client.frames(startFrame=5) == []
    with pytest.raises(Refused, match="this frame is the host's"):
        client("scopes", frameId=trace["stackFrames"][1]["id"])
    outer = client("evaluate", expression="$2", frameId=trace["stackFrames"][4]["id"], context="watch")
    assert client.variables(client.scope("WebAssembly locals", 4))["$2"]["value"].startswith(outer["result"])


def test_expressions(records) -> None:
    frame = records.frames()[0]["id"]

    def value(expression: str, context: str = "watch") -> str:
        return records("evaluate", expression=expression, frameId=frame, context=context)["result"]

    assert value("nodes[1].at.x + counter", "hover") == str(1 + 7 + 0 + 1 + 2)
    assert value("list->next->name") == '"node1"'
    assert records("evaluate", expression="list", frameId=frame)["namedVariables"] == 8
    for context in ("watch", "hover", "repl"):
        with pytest.raises(Refused, match=r"(no variable lsit|unknown command `lsit`)"):
            value("lsit", context)


def test_expressions_in_an_outer_frame(client) -> None:
    client.start({"program": str(c_at("-O0")), "export": "run", "args": [3]}, functions=["area"])
    client.where()
    inner, outer = (it["id"] for it in client.frames())
    assert client("evaluate", expression="n", frameId=outer)["result"] == "3"
    assert "n" in client.variables(client.scope("Variables", 1))
    assert client("evaluate", expression="p.x", frameId=inner)["result"] == "2"
    for frame, hidden in ((inner, "n"), (outer, "p.x")):
        with pytest.raises(Refused, match="there is no variable"):
            client("evaluate", expression=hidden, frameId=frame)


def test_the_debug_console_takes_the_terminals_commands(records) -> None:
    def command(line: str) -> str:
        return records("evaluate", expression=line, context="repl")["result"]

    assert "=>" in command("disassemble 1")
    assert command("backtrace").startswith("* #0  run+")
    assert command("n") == "3"  # a variable comes before the command
    assert command("break area") == "breakpoint 2 at area"
    assert command("continue") == ""
    assert records.where().startswith("breakpoint area:")


def test_references_end_with_their_stop(records) -> None:
    frame, scope = records.frames()[0]["id"], records.scope("Variables")
    records.goes("next")
    for request, message in (
        (("scopes", {"frameId": frame}), f"there is no frame {frame} at this stop"),
        (("variables", {"variablesReference": scope}), f"there is no variable {scope} at this stop"),
        (("evaluate", {"expression": "1", "frameId": frame}), f"there is no frame {frame} at this stop"),
        (("variables", {"variablesReference": -1}), "there is no variable -1 at this stop"),
    ):
        with pytest.raises(Refused, match=message):
            records(request[0], **request[1])


def test_steps_over_out_of_and_into_lines(records) -> None:
    call = line_of(RECORDS, "total += area")
    while records.goes("next") != f"step run:{call}":
        pass
    assert records.goes("next") == f"step run:{call + 1}"
    assert records.goes("next", granularity="line") == f"step run:{call - 1}"
    assert records.goes("next") == f"step run:{call}"
    assert records.goes("stepIn") == f"step area:{line_of(RECORDS, 'int w =')}"
    assert records.variables(records.scope("Variables"))["p"]["value"] == "{x = 1, y = -1}"
    assert records.goes("stepOut") == f"step run:{call}"


def test_steps_by_instruction(records) -> None:
    def address() -> int:
        return int(records.frames()[0]["instructionPointerReference"], 0)

    before = address()
    listed = records("disassemble", memoryReference=hex(before), instructionCount=2)["instructions"]
    records.goes("next", granularity="instruction")
    assert address() == int(listed[1]["address"], 0) > before


def test_memory_is_read_as_far_as_it_goes(client, write) -> None:
    client.start({"program": str(write_module(write)), "export": "outer", "args": [2]}, functions=["divide"])
    client.where()
    read = client("readMemory", memoryReference="0", offset=65530, count=16)
    assert (base64.b64decode(read["data"]), read["unreadableBytes"]) == (b"Hello\0", 10)
    assert int(read["address"], 0) == 65530
    beyond = client("readMemory", memoryReference="65536", count=4)
    assert "data" not in beyond and beyond["unreadableBytes"] == 4
    for reference, count, message in (
        ("0", 1 << 30, "expected from 0 to 1048576 bytes"),
        ("0", -1, "expected from 0 to 1048576 bytes"),
        ("nowhere", 1, "is not a memory reference"),
        ("0x700000000", 1, "is not an address in a memory"),
        ("-5", 1, "is not an address in a memory"),
        (client.frames()[0]["instructionPointerReference"], 1, "is not an address in a memory"),
    ):
        with pytest.raises(Refused, match=message):
            client("readMemory", memoryReference=reference, count=count)


def test_a_pointer_leads_to_its_memory(records) -> None:
    pointer = records.variables(records.scope("Variables"))["list"]
    read = records("readMemory", memoryReference=pointer["memoryReference"], count=8)
    assert base64.b64decode(read["data"]) == b"node2\0\0\0"


def test_a_trap_is_an_exception(client) -> None:
    line = line_of(SOURCES / "divide.c", "/")
    client.start({"program": str(divide()), "export": "run", "args": [0]})
    stop = client.event("stopped")
    assert stop["reason"] == "exception" and stop["text"].startswith("integer divide by zero (in divide")
    assert client.frames()[0]["line"] == line
    info = client("exceptionInfo", threadId=1)
    assert (info["exceptionId"], info["breakMode"]) == ("integer divide by zero", "always")
    assert info["details"]["stackTrace"].splitlines()[0] == f"{client.frames()[0]['name']} at divide.c:{line}"
    client("continue", threadId=1)
    assert client.event("exited") == {"exitCode": 1}
    assert "integer divide by zero" in client.output("stderr")


def test_no_exception_at_another_stop(records) -> None:
    with pytest.raises(Refused, match="the guest has stopped neither at a trap nor at an exception"):
        records("exceptionInfo", threadId=1)


def test_the_names_of_rust_functions_are_readable(client) -> None:
    client.start({"program": str(rust_at(0)), "export": "run", "args": [2]}, functions=["area"])
    assert client.where() == f"breakpoint items::area:{line_of(ITEMS, 'match shape')}"


def test_completions(records) -> None:
    def complete(text: str) -> list[str]:
        return [it["label"] for it in records("completions", text=text, column=len(text) + 1)["targets"]]

    assert complete("1 + to") == ["total"]
    assert complete("li") == ["list", "list"]  # the variable and the command
    assert complete("$1") == [f"${it}" for it in range(100) if str(it).startswith("1") and f"${it}" in complete("$")]
    assert records("completions", text="1 + to", column=7)["targets"][0] == {"label": "total", "start": 4, "length": 2}
    assert complete("1 + brea") == [] != complete("brea")


def test_loaded_sources(records) -> None:
    sources = records("loadedSources")["sources"]
    assert {"name": "records.c", "path": str(RECORDS)} in sources
