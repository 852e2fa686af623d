"""``zenowasm size``, ``zenowasm diff``, ``zenowasm callgraph`` and ``zenowasm grep``."""

from __future__ import annotations

import os
import re

import pytest
from support.wasm import wat

OTHER = '(module (func $added nop) (func $div (export "div") (param i32 i32) (result i32) i32.const 7))'


@pytest.fixture
def other(write):
    return write("other.wat", OTHER)


def test_size(zenowasm, module) -> None:
    lines = zenowasm("size", module).out.splitlines()
    assert lines[-1].split() == [str(module.stat().st_size), "100.0%", "total"]
    assert sum(int(line.split()[0]) for line in lines[:-1]) == module.stat().st_size
    top = zenowasm("size", "--by", "function", "--top", "2", module).out.splitlines()
    assert len(top) == 4
    assert re.fullmatch(r" +\d+ +[\d.]+%  \d+ more", top[2])


def test_size_as_json_and_of_stdin(zenowasm) -> None:
    document = zenowasm("size", "--by", "package", "--json", "-", given="(module (func $core::f nop))").json
    assert document["by"] == "package"
    assert {"name": "core", "size": 4} in document["items"]
    assert sum(it["size"] for it in document["items"]) == document["size"]


def test_a_page_of_sizes(zenowasm, module, tmp_path) -> None:
    assert zenowasm("size", "--html", "size.html", module).out == ""
    page = (tmp_path / "size.html").read_text()
    assert "demo.wasm" in page
    assert "<svg" in page


def test_diff(zenowasm, module, other) -> None:
    result = zenowasm("diff", module, other)
    assert (result.code, result.err) == (1, "")
    lines = result.out.splitlines()
    assert "- import wasi_snapshot_preview1.proc_exit (func (param i32))" in lines
    assert "- export memory (memory 1)" in lines
    assert "+ function added: 3 bytes" in lines
    assert "~ function div: 7 to 4 bytes" in lines
    document = zenowasm("diff", "--json", module, other).json
    assert {"change": "changed", "name": "div", "before": 7, "after": 4} in document["functions"]


def test_diff_of_equal_modules(zenowasm, write, other) -> None:
    result = zenowasm("diff", other, write("same.wasm", wat(OTHER)))
    assert (result.code, result.out, result.err) == (0, "", "")


def test_diff_of_one_function(zenowasm, module, other) -> None:
    result = zenowasm("diff", module, other, "--function", "div")
    assert result.code == 1
    assert "-i32.div_s" in result.out.splitlines()
    assert "+i32.const 7" in result.out.splitlines()
    wrong = zenowasm("diff", module, other, "--function", "dvi")
    assert wrong.code == 1
    assert wrong.error == "no function 'dvi': did you mean div?"


def test_callgraph(zenowasm, module, tmp_path) -> None:
    out = zenowasm("callgraph", module, "--from", "hello").out
    assert out.startswith("digraph calls {\n")
    assert re.search(r'  f\d+ \[label="write", shape=box', out)
    assert "deep" not in out
    assert zenowasm("callgraph", module, "--from", "hello", "-o", "graph.dot").out == ""
    assert (tmp_path / "graph.dot").read_text() == out
    document = zenowasm("callgraph", module, "--to", "write", "--json").json
    assert {it["name"] for it in document["nodes"]} == {"write", "hello"}
    (edge,) = document["edges"]
    assert (edge["way"], edge["count"]) == ("call", 1)


def test_callgraph_drawn_by_graphviz(zenowasm, module, write, tmp_path) -> None:
    dot = write("bin/dot", '#!/bin/sh\n[ "$1" = -Tsvg ] && { echo "<svg>"; cat; }\n')
    dot.chmod(0o755)
    path = f"{dot.parent}{os.pathsep}{os.environ['PATH']}"
    assert zenowasm("callgraph", module, "--svg", "-o", "graph.svg", variables={"PATH": path}).code == 0
    assert (tmp_path / "graph.svg").read_text() == f"<svg>\n{zenowasm('callgraph', module).out.rstrip()}"
    dot.write_text("#!/bin/sh\ncat >/dev/null; echo broken >&2; exit 3\n")
    result = zenowasm("callgraph", module, "--svg", variables={"PATH": path})
    assert (result.code, result.error) == (1, "Graphviz could not draw the graph")
    absent = zenowasm("callgraph", module, "--svg", variables={"PATH": str(tmp_path)})
    assert absent.code == 1
    assert absent.error.startswith("--svg needs Graphviz")


def test_grep(zenowasm, module, other) -> None:
    result = zenowasm("grep", r"^i32\.div", module)
    assert result.code == 0
    assert re.fullmatch(r"[0-9a-f]{6} div\+2: i32\.div_s\n", result.out)
    both = zenowasm("grep", "-c", "const", module, other).out.splitlines()
    assert f"{other}:      1  div" in both
    found = zenowasm("grep", "--json", "call ", module).json
    assert {it["text"] for it in found} == {"call $write", "call $exit", "call $deep"}
    assert module.read_bytes()[found[0]["offset"]] == 0x10
    nothing = zenowasm("grep", "f64.sqrt", module)
    assert (nothing.code, nothing.out, nothing.err) == (1, "", "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["grep", "(", "M"], "expected a regular expression"),
        (["callgraph", "M", "--svg", "--json"], "cannot be combined"),
        (["callgraph", "M", "--depth", "2"], "--depth needs"),
        (["size", "M", "--by", "nothing"], "'nothing' is not one of"),
    ],
)
def test_wrong_usage(zenowasm, module, arguments, message) -> None:
    result = zenowasm(*(module if it == "M" else it for it in arguments))
    assert result.code == 2
    assert message in result.error


@pytest.mark.parametrize("length", [0, 5, 60, 200])
@pytest.mark.parametrize("command", [["size", "M"], ["diff", "M", "M"], ["callgraph", "M"], ["grep", "x", "M"]])
def test_modules_cut_short(zenowasm, module, write, command, length) -> None:
    cut = write("cut.wasm", module.read_bytes()[:length])
    result = zenowasm(*(cut if it == "M" else it for it in command))
    assert result.code == 1
    assert "is not a WebAssembly module in the binary format" in result.error


@pytest.mark.parametrize("command", [["size", "--by", "function"], ["grep", "nop"], ["callgraph"]])
def test_names_cannot_drive_the_terminal(zenowasm, write, command) -> None:
    path = write("odd.wasm", wat('(module (func (@name "a\\1b[2J\\0aforged") nop))'))
    result = zenowasm(*command, path)
    assert result.code == 0
    assert "\x1b" not in result.out
    assert "\nforged" not in result.out
