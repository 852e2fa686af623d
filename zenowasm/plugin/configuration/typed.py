"""Converts documents to typed values: mappings to attrs classes, with the node in every error.

A ``Reader`` converts the result of ``document.load`` to a manifest or a host's settings. It ignores keys that a class
does not have; ``unknown_keys`` finds them, because a manifest ignores them and a settings file must not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import NoneType, UnionType
from typing import Any, Final, TypeVar, Union, get_args, get_origin

from attrs import AttrsInstance, fields, frozen, has, resolve_types

from zenowasm.display import nearest
from zenowasm.plugin.configuration.document import MappingNode, Node, Scalar, SequenceNode
from zenowasm.plugin.configuration.units import (
    Count,
    Duration,
    OutputSize,
    Share,
    Size,
    parse_count,
    parse_duration,
    parse_output_size,
    parse_share,
    parse_size,
)

T = TypeVar("T", bound=AttrsInstance)

Hook = Callable[[Any, Any], Any]
"""A function from a node and the wanted type to a value."""
_TRUE = ("true", "yes", "on", "y")
_FALSE = ("false", "no", "off", "n")
NOT_IN_FILE: Final = "not in file"
"""The metadata key for a field of an attrs class that documents cannot set."""


class FieldError(ValueError):
    """A value in a document is not of the expected form; ``node`` is the value."""

    def __init__(self, node: Node, message: str) -> None:
        super().__init__(message)
        self.node = node


@frozen
class UnknownKey:
    """A key that no field has; ``path`` is its full path, ``hint`` lists the known keys."""

    path: str
    line: int
    hint: str


def expected(node: Node, what: str) -> FieldError:
    """Return the error for a node that is not ``what``."""
    return FieldError(node, f"expected {what}, found {node.kind}")


def string(node: Any, _: object = None) -> str:
    """Return the text of a scalar that is not null; raises ``FieldError``, like the functions below."""
    if not isinstance(node, Scalar) or node.is_null:
        raise expected(node, "a string")
    return node.text


def boolean(node: Any, _: object = None) -> bool:
    """Return a scalar as a boolean, by YAML's words for true and false."""
    text = node.text.lower() if isinstance(node, Scalar) else ""
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise expected(node, "true or false")


def integer(node: Any, _: object = None) -> int:
    """Return a whole number of 0 or more, of up to 15 digits."""
    text = node.text if isinstance(node, Scalar) else ""
    if not (text.isascii() and text.isdigit() and len(text) <= 15):
        raise expected(node, "a whole number of 0 or more")
    return int(text)


def strings(node: Any, _: object = None) -> tuple[str, ...]:
    """Return the items of a list of strings."""
    if not isinstance(node, SequenceNode):
        raise expected(node, "a list of strings")
    return tuple(string(item) for item in node)


def one_of(node: Node, choices: Mapping[str, Any], what: str) -> Any:
    """Return the choice that a string names; ``what`` lists the choices."""
    text = string(node)
    if text not in choices:
        raise FieldError(node, f"expected {what}, found {text[:40]!r}")
    return choices[text]


def unknown_keys(node: MappingNode, cls: type[AttrsInstance], also: tuple[str, ...] = ()) -> Iterator[UnknownKey]:
    """Yield the keys that a ``Reader`` of ``cls`` ignores, at any depth and in the file's order, except ``also``."""
    types = _types(cls)
    known = [*types, *also]
    for key, item in node.items():
        if key in types:
            yield from _unknown_below(item, types[key])
        elif key not in also:
            near = nearest(key, known)
            hint = f"did you mean {near}?" if near else f"known are {', '.join(known)}"
            yield UnknownKey(f"{node.path}.{key}" if node.path else key, node.key_lines[key], hint)


def _unknown_below(node: Node, wanted: Any) -> Iterator[UnknownKey]:
    if not isinstance(node, MappingNode):
        return
    if has(wanted):
        yield from unknown_keys(node, wanted)
    elif get_origin(wanted) is Mapping:
        for item in node.values():
            yield from _unknown_below(item, get_args(wanted)[1])


def _types(cls: type[AttrsInstance]) -> dict[str, Any]:
    """Return the types of the keys that a document can set, without ``None``, because null counts as a missing key."""
    # resolve_types turns annotations that are strings into types, once for each class.
    return {key.name: _present(key.type) for key in fields(resolve_types(cls)) if NOT_IN_FILE not in key.metadata}


def _present(wanted: Any) -> Any:
    if get_origin(wanted) in (Union, UnionType):
        (wanted,) = (it for it in get_args(wanted) if it is not NoneType)
    return wanted


def _measure(parse: Callable[[str], Any]) -> Hook:
    def hook(node: Any, _: object) -> Any:
        try:
            return parse(node.text if isinstance(node, Scalar) else "")
        except ValueError as error:
            found = f"{node.text[:40]!r}" if isinstance(node, Scalar) else node.kind
            raise FieldError(node, f"{error}, found {found}") from error

    return hook


_HOOKS: Final[Mapping[Any, Hook]] = {
    str: string,
    bool: boolean,
    int: integer,
    Size: _measure(parse_size),
    Duration: _measure(parse_duration),
    Share: _measure(parse_share),
    Count: _measure(parse_count),
    OutputSize: _measure(parse_output_size),
    tuple[str, ...]: strings,
}


class Reader:
    """A converter from mappings to attrs classes; ``hooks`` convert nodes to values of further types.

    A null counts as a missing key. This replaces cattrs, whose import and generated functions take a tenth of the run
    time of a short script.
    """

    def __init__(self, hooks: Mapping[Any, Hook] | None = None) -> None:
        self._hooks = {**_HOOKS, **(hooks or {})}

    def read(self, node: Node, cls: type[T]) -> T:
        """Convert a mapping to an instance of ``cls``; raises ``FieldError``."""
        if not isinstance(node, MappingNode):
            raise expected(node, "a mapping")
        types = _types(cls)
        given = {key: self._value(it, types[key]) for key, it in node.items() if key in types and not it.is_null}
        return cls(**given)

    def _value(self, node: Node, wanted: Any) -> Any:
        if wanted in self._hooks:
            return self._hooks[wanted](node, wanted)
        if get_origin(wanted) is not Mapping:
            return self.read(node, wanted)
        if not isinstance(node, MappingNode):
            raise expected(node, "a mapping")
        _, inner = get_args(wanted)
        return {key: inner() if it.is_null else self._value(it, inner) for key, it in node.items()}
