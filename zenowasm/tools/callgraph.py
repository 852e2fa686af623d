"""The call graph of a module: direct calls, function references, and indirect calls by type through a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from typing import Final

from attrs import frozen

from zenowasm.display import visible
from zenowasm.interp.binary import decode, decode_names
from zenowasm.interp.instructions import Immediate
from zenowasm.interp.instructions.table import Effect
from zenowasm.interp.progress import Progress
from zenowasm.interp.syntax.module import ExternKind, Module
from zenowasm.tools.naming import function_names, readable

_LONGEST_LABEL: Final = 80


class Way(Enum):
    """The way in which a function is reached."""

    CALL = "call"
    REFERENCE = "reference"
    INDIRECT = "indirect"


@frozen
class Node:
    """A function with ``size`` bytes of code or, if ``index`` is negative, all indirect calls by one type."""

    index: int
    name: str
    size: int
    imported: bool = False
    exported: bool = False


@frozen
class Edge:
    """``count`` places in ``caller`` that may call ``callee``; both are node indexes."""

    caller: int
    callee: int
    way: Way
    count: int


@frozen
class Graph:
    """A graph of functions and calls."""

    nodes: Mapping[int, Node]
    edges: Sequence[Edge]


def call_graph(module: Module, *, indirect: bool = True) -> Graph:
    """Return the graph of a module; an indirect call leads to its type, and the type to its functions in tables.

    Raises ``DecodeError`` or ``LimitError`` if a body is malformed.
    """
    names = function_names(module, decode_names(module))
    imported = len(module.imported(ExternKind.FUNC))
    exported = {it.index for it in module.exports if it.kind is ExternKind.FUNC}
    counts: Counter[tuple[int, int, Way]] = Counter()
    for caller, code in enumerate(module.codes, imported):
        for opcode, immediates in code.body().expression.instructions:
            calls = Effect.CALLS in opcode.effects
            for kind, value in zip(opcode.immediates, immediates, strict=True):
                if kind is Immediate.FUNCIDX:
                    counts[caller, value, Way.CALL if calls else Way.REFERENCE] += 1
                elif kind is Immediate.TYPEIDX and calls and indirect:
                    counts[caller, -1 - value, Way.INDIRECT] += 1
    by_type = {callee for _, callee, way in counts if way is Way.INDIRECT}
    types = module.function_types()
    for function in sorted(set(_in_tables(module))):
        if function < len(types) and -1 - types[function] in by_type:
            counts[-1 - types[function], function, Way.INDIRECT] += 1
    nodes = {
        index: Node(
            index,
            readable(name),
            module.codes[index - imported].size if imported <= index < imported + len(module.codes) else 0,
            index < imported,
            index in exported,
        )
        for index, name in enumerate(names)
    }
    subtypes = module.subtypes()
    for index in sorted(by_type, reverse=True):
        type_ = -1 - index
        nodes[index] = Node(index, str(subtypes[type_].composite) if type_ < len(subtypes) else f"type {type_}", 0)
    edges = [Edge(caller, callee, way, count) for (caller, callee, way), count in counts.items() if callee in nodes]
    return Graph(nodes, edges)


def graph_of(binary: bytes, progress: Progress | None = None, *, indirect: bool = True) -> Graph:
    """Decode a module and return its graph; raises the same errors as ``decode`` and ``call_graph``."""
    return call_graph(decode(binary, progress=progress), indirect=indirect)


def _in_tables(module: Module) -> Iterator[int]:
    for segment in module.elements:
        for init in segment.init:
            for opcode, immediates in init.instructions:
                if opcode.immediates == (Immediate.FUNCIDX,):
                    yield immediates[0]


def reachable(graph: Graph, starts: Sequence[int], *, backwards: bool = False, depth: int | None = None) -> Graph:
    """Return the part of a graph reachable in ``depth`` steps from ``starts`` or, if ``backwards``, leading to them."""
    steps: dict[int, list[int]] = {}
    for edge in graph.edges:
        here, there = (edge.callee, edge.caller) if backwards else (edge.caller, edge.callee)
        steps.setdefault(here, []).append(there)
    found, frontier = set(starts), list(starts)
    while frontier and (depth is None or depth > 0):
        frontier = [there for here in frontier for there in steps.get(here, ()) if there not in found]
        frontier = list(dict.fromkeys(frontier))
        found.update(frontier)
        depth = None if depth is None else depth - 1
    return Graph(
        {index: node for index, node in graph.nodes.items() if index in found},
        [edge for edge in graph.edges if edge.caller in found and edge.callee in found],
    )


def to_dot(graph: Graph) -> Iterator[str]:
    """Yield a graph in Graphviz's DOT language, line by line.

    Exports have a double border, imports are grey boxes, and types of indirect calls are diamonds; possible calls are
    dashed.
    """
    yield "digraph calls {"
    yield '  rankdir=LR; node [shape=ellipse, fontname="sans-serif"];'
    for node in graph.nodes.values():
        look = ""
        if node.index < 0:
            look = ", shape=diamond"
        elif node.imported:
            look = ", shape=box, color=grey"
        elif node.exported:
            look = ", peripheries=2"
        yield f"  {_id(node.index)} [label={_quoted(node.name)}{look}];"
    for edge in graph.edges:
        marks = ["style=dashed"] if edge.way is not Way.CALL else []
        marks += [f'label="{edge.count}"'] if edge.count > 1 else []
        shown = f" [{', '.join(marks)}]" if marks else ""
        yield f"  {_id(edge.caller)} -> {_id(edge.callee)}{shown};"
    yield "}"


def _id(index: int) -> str:
    return f"f{index}" if index >= 0 else f"t{-1 - index}"


def _quoted(name: str) -> str:
    shown = visible(name)
    shown = shown if len(shown) <= _LONGEST_LABEL else f"{shown[:_LONGEST_LABEL]}..."
    return '"' + shown.replace("\\", "\\\\").replace('"', '\\"') + '"'
