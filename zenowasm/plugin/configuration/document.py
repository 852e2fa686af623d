"""Parses YAML with source positions, and bounds its size, nesting and expanded aliases before building nodes.

Nodes keep the text of their scalars, so that ``version: 1.10`` stays ``1.10``, and their path and line, so that every
later error can name its place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import yaml
from attrs import define, field, frozen

MAX_BYTES = 256 * 1024
MAX_DEPTH = 32
MAX_NODES = 10_000
"""The most nodes of one document after aliases are expanded, which stops an alias bomb."""


class DocumentError(ValueError):
    """The text is not a YAML document within the bounds; ``line`` counts from 1."""

    def __init__(self, message: str, line: int, field: str = "") -> None:
        super().__init__(message)
        self.line = line
        self.field = field


class EmptyDocumentError(DocumentError):
    """The text is empty or contains only comments."""


@frozen
class Scalar:
    """A string, number, boolean or null: its text as written, and the YAML tag to which the text resolves."""

    text: str
    tag: str
    path: str
    line: int

    @property
    def is_null(self) -> bool:
        """Whether this is YAML's null: empty, ``~`` or ``null``, without quotes."""
        return self.tag == "tag:yaml.org,2002:null"

    @property
    def kind(self) -> str:
        """The name of the value's kind for error messages."""
        return "nothing" if self.is_null else _KINDS.get(self.tag, "a value")


_KINDS = {
    "tag:yaml.org,2002:str": "a string",
    "tag:yaml.org,2002:bool": "true or false",
    "tag:yaml.org,2002:int": "a number",
    "tag:yaml.org,2002:float": "a number",
    "tag:yaml.org,2002:timestamp": "a date",
}


@frozen
class SequenceNode(Sequence["Node"]):
    """A list of nodes."""

    items: tuple[Node, ...]
    path: str
    line: int
    kind = "a list"
    is_null = False

    def __getitem__(self, index: Any) -> Any:
        """Return an item or a slice."""
        return self.items[index]

    def __len__(self) -> int:
        return len(self.items)


@frozen
class MappingNode(Mapping[str, "Node"]):
    """A mapping from strings to nodes; ``key_lines`` holds the line of each key."""

    entries: dict[str, Node]
    key_lines: dict[str, int]
    path: str
    line: int
    kind = "a mapping"
    is_null = False

    def __getitem__(self, key: str) -> Node:
        """Return the node under ``key``; raises ``KeyError``."""
        return self.entries[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)


Node: TypeAlias = Scalar | SequenceNode | MappingNode


def load(text: str) -> Node:
    """Parse the one document in ``text``.

    Raises ``DocumentError`` if it is not YAML, is empty, exceeds the bounds, repeats a key, or uses tags or merge keys,
    which no manifest needs.
    """
    if len(text) > MAX_BYTES:
        raise DocumentError(f"larger than the limit of {MAX_BYTES} bytes", 1)
    try:
        events = _events(text)
        return _Builder(events).document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = 1 if mark is None else mark.line + 1
        raise DocumentError(f"not YAML: {error.problem or error.context}", line) from error
    except yaml.YAMLError as error:  # for a character that YAML forbids: has a position but no line
        position = getattr(error, "position", 0)
        raise DocumentError(
            f"not YAML: {getattr(error, 'reason', error)}", text.count("\n", 0, position) + 1
        ) from error


def _events(text: str) -> list[yaml.Event]:
    """Parse into events, which needs no recursion, and check the bounds that need only events."""
    events: list[yaml.Event] = []
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        events.append(event)
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            raise DocumentError(f"nested deeper than {MAX_DEPTH} levels", _line(event))
        if len(events) > 2 * MAX_NODES + 4:
            raise DocumentError(f"more than {MAX_NODES} values", _line(event))
    return events


def _line(event: yaml.Event) -> int:
    return 1 if event.start_mark is None else event.start_mark.line + 1


@define
class _Builder:
    events: list[yaml.Event]
    position: int = 0
    nodes: int = 0
    anchors: dict[str, int] = field(factory=dict)
    active: set[int] = field(factory=set)
    resolver: yaml.resolver.Resolver = field(factory=yaml.resolver.Resolver)

    def document(self) -> Node:
        starts = [event for event in self.events if isinstance(event, yaml.DocumentStartEvent)]
        if not starts:
            raise EmptyDocumentError("the document is empty", 1)
        if len(starts) > 1:
            raise DocumentError("expected one document, found a second", _line(starts[1]))
        self.position = self.events.index(starts[0]) + 1
        return self.node("", 0)

    def node(self, path: str, depth: int) -> Node:
        event = self.events[self.position]
        start = self.position
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise DocumentError(f"more than {MAX_NODES} values after aliases are followed", _line(event), path)
        if depth > MAX_DEPTH:
            raise DocumentError(f"nested deeper than {MAX_DEPTH} levels", _line(event), path)
        if isinstance(event, yaml.AliasEvent):
            return self.alias(event, path, depth)
        assert isinstance(event, yaml.NodeEvent)
        if event.anchor is not None:
            self.anchors[event.anchor] = start
        if isinstance(event, yaml.ScalarEvent):
            self.position += 1
            return self.scalar(event, path)
        if getattr(event, "tag", None) is not None:
            raise DocumentError("tags (!) are not supported", _line(event), path)
        self.active.add(start)
        self.position += 1
        built = (
            self.sequence(event, path, depth)
            if isinstance(event, yaml.SequenceStartEvent)
            else self.mapping(event, path, depth)
        )
        self.active.discard(start)
        return built

    def alias(self, event: yaml.AliasEvent, path: str, depth: int) -> Node:
        name = event.anchor or ""
        target = self.anchors.get(name)
        if target is None:
            raise DocumentError(f"alias *{name} has no anchor before it", _line(event), path)
        if target in self.active:
            raise DocumentError(f"alias *{name} contains itself", _line(event), path)
        back = self.position + 1
        self.position = target
        built = self.node(path, depth)
        self.position = back
        return built

    def scalar(self, event: yaml.ScalarEvent, path: str) -> Scalar:
        if event.tag is not None:
            raise DocumentError("tags (!) are not supported", _line(event), path)
        tag = self.resolver.resolve(yaml.ScalarNode, event.value, event.implicit)  # type: ignore[no-untyped-call]
        return Scalar(event.value, str(tag), path, _line(event))

    def sequence(self, event: yaml.Event, path: str, depth: int) -> SequenceNode:
        items: list[Node] = []
        while not isinstance(self.events[self.position], yaml.SequenceEndEvent):
            items.append(self.node(f"{path}[{len(items)}]", depth + 1))
        self.position += 1
        return SequenceNode(tuple(items), path, _line(event))

    def mapping(self, event: yaml.Event, path: str, depth: int) -> MappingNode:
        entries: dict[str, Node] = {}
        lines: dict[str, int] = {}
        while not isinstance(self.events[self.position], yaml.MappingEndEvent):
            key_event = self.events[self.position]
            key = self.node(path, depth + 1)
            if not isinstance(key, Scalar):
                raise DocumentError("a key must be a string", _line(key_event), path)
            if key.tag == "tag:yaml.org,2002:merge":
                raise DocumentError("merge keys (<<) are not supported", _line(key_event), path)
            shown = key.text if key.text.isprintable() else repr(key.text)
            inner = f"{path}.{shown}" if path else shown
            if key.text in entries:
                raise DocumentError(f"the key is given twice, first on line {lines[key.text]}", _line(key_event), inner)
            lines[key.text] = _line(key_event)
            entries[key.text] = self.node(inner, depth + 1)
        self.position += 1
        return MappingNode(entries, lines, path, _line(event))
