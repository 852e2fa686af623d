"""Who calls whom; direct calls are counted in what wasm-tools prints."""

from __future__ import annotations

import re
import subprocess

import pytest
from docs.blocks import ROOT
from support.json_reader import converter
from support.wasm import wat

from zenowasm.interp.binary import decode
from zenowasm.tools.callgraph import Graph, Way, call_graph, reachable, to_dot

MODULE = wat(
    """(module
      (type $t (func)) (type $other (func (param i32)))
      (import "env" "log" (func $log))
      (table 2 funcref) (elem (i32.const 0) $leaf $log $wide)
      (func $main (export "main") call $middle call $middle (call_indirect (type $t) (i32.const 0)))
      (func $middle call $leaf)
      (func $leaf call $log)
      (func $lonely return_call $lonely)
      (func $taker (drop (ref.func $leaf)))
      (func $wide (type $other)))"""
)


def edges(graph: Graph) -> set[tuple[str, str, Way, int]]:
    names = {index: node.name for index, node in graph.nodes.items()}
    return {(names[it.caller], names[it.callee], it.way, it.count) for it in graph.edges}


def test_calls_references_and_calls_by_type() -> None:
    assert edges(call_graph(decode(MODULE))) == {
        ("main", "middle", Way.CALL, 2),
        ("middle", "leaf", Way.CALL, 1),
        ("leaf", "log", Way.CALL, 1),
        ("lonely", "lonely", Way.CALL, 1),
        ("taker", "leaf", Way.REFERENCE, 1),
        ("main", "(func)", Way.INDIRECT, 1),
        ("(func)", "leaf", Way.INDIRECT, 1),
        ("(func)", "log", Way.INDIRECT, 1),
    }


def test_nodes() -> None:
    nodes = {it.name: it for it in call_graph(decode(MODULE)).nodes.values()}
    assert (nodes["log"].imported, nodes["log"].size) == (True, 0)
    assert (nodes["main"].exported, nodes["main"].size) == (True, 11)
    assert nodes["(func)"].index < 0


def test_without_indirect_calls() -> None:
    graph = call_graph(decode(MODULE), indirect=False)
    assert {it.way for it in graph.edges} == {Way.CALL, Way.REFERENCE}
    assert all(index >= 0 for index in graph.nodes)


@pytest.mark.parametrize(
    ("start", "backwards", "depth", "found"),
    [
        ("middle", False, None, {"middle", "leaf", "log"}),
        ("middle", False, 1, {"middle", "leaf"}),
        ("middle", False, 0, {"middle"}),
        ("leaf", True, None, {"leaf", "middle", "main", "taker", "(func)"}),
        ("leaf", True, 1, {"leaf", "middle", "taker", "(func)"}),
        ("lonely", False, None, {"lonely"}),
    ],
)
def test_what_can_be_reached(start: str, backwards: bool, depth: int | None, found: set[str]) -> None:
    graph = call_graph(decode(MODULE))
    index = next(it.index for it in graph.nodes.values() if it.name == start)
    part = reachable(graph, [index], backwards=backwards, depth=depth)
    assert {it.name for it in part.nodes.values()} == found
    assert all(it.caller in part.nodes and it.callee in part.nodes for it in part.edges)


@pytest.mark.parametrize("name", ["hello/hello", "markdown/markdown", "telegram/telegram"])
def test_as_many_calls_as_wasm_tools_prints(name: str) -> None:
    binary = (ROOT / f"examples/plugins/{name}.wasm").read_bytes()
    text = subprocess.run([str(converter()), "print"], input=binary, stdout=subprocess.PIPE, check=True).stdout.decode()
    graph = call_graph(decode(binary))
    assert sum(it.count for it in graph.edges if it.way is Way.CALL) == len(re.findall(r"^ +call ", text, re.MULTILINE))


def test_hostile_names_in_graphviz() -> None:
    binary = wat('(module (func (@name "a\\22];b\\5c\\0a\\1b[2J") call 0))')
    lines = list(to_dot(call_graph(decode(binary))))
    assert '  f0 [label="a\\"];b\\\\\\\\n\\\\x1b[2J"];' in lines
    assert "  f0 -> f0;" in lines
    assert all(line.isprintable() for line in lines)


def test_indexes_that_an_invalid_module_does_not_have() -> None:
    bodies = "(func call 77) (func (call_indirect (type 9) (i32.const 0)))"
    binary = wat(f"(module {bodies} (table 1 funcref) (elem (i32.const 0) 55))")
    graph = call_graph(decode(binary))
    assert edges(graph) == {("func[1]", "type 9", Way.INDIRECT, 1)}
