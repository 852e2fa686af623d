"""Typed values out of a document: attrs classes from mappings, and for whatever does not fit an error with its node.

What ``document.load`` reads becomes a manifest or a host's settings by the converters of ``make_converter``; keys that
a class does not have are left to ``unknown_keys``, since a manifest ignores them and a settings file must not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from functools import partial
from typing import Any, Final

import cattrs
from attrs import fields, frozen, has
from cattrs.gen import make_dict_structure_fn

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

Hook = Callable[[Any, Any], Any]
"""From a node and the wanted type to a value."""
_TRUE = ("true", "yes", "on", "y")
_FALSE = ("false", "no", "off", "n")
NOT_IN_FILE: Final = "not in file"
"""Marks, in its metadata, a field of an attrs class that no document can set."""


class FieldError(ValueError):
    """A value in a document is not what is expected there; ``node`` is the value."""

    def __init__(self, node: Node, message: str) -> None:
        super().__init__(message)
        self.node = node


@frozen
class UnknownKey:
    """A key that nothing reads; ``path`` is the whole of it, ``hint`` says which there are."""

    path: str
    line: int
    hint: str


def expected(node: Node, what: str) -> FieldError:
    """Return the error for a node that is not ``what``."""
    return FieldError(node, f"expected {what}, found {node.kind}")


def string(node: Any, _: object = None) -> str:
    """Return the text of a scalar that is not null; raises ``FieldError``, as all of these do."""
    if not isinstance(node, Scalar) or node.is_null:
        raise expected(node, "a string")
    return node.text


def boolean(node: Any, _: object = None) -> bool:
    """Return whether a scalar says yes, in YAML's words for it."""
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
    """Return what a string chooses; ``what`` lists the choices."""
    text = string(node)
    if text not in choices:
        raise FieldError(node, f"expected {what}, found {text[:40]!r}")
    return choices[text]


def unknown_keys(node: MappingNode, cls: type, also: tuple[str, ...] = ()) -> Iterator[UnknownKey]:
    """Return the keys of a mapping that are neither fields of ``cls`` nor among ``also``."""
    known = [key.name for key in fields(cls) if NOT_IN_FILE not in key.metadata] + list(also)
    for key in node:
        if key not in known:
            near = get_close_matches(key[:100], known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"
            yield UnknownKey(f"{node.path}.{key}" if node.path else key, node.key_lines[key], hint)


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


def make_converter(hooks: Mapping[Any, Hook] | None = None) -> cattrs.Converter:
    """Return a converter whose ``structure(node, cls)`` makes ``cls``, an attrs class, out of a mapping.

    A null counts as a key that is not there. ``hooks`` make values of further types out of nodes. The converter raises
    ``FieldError``.
    """
    converter = cattrs.Converter(detailed_validation=False)
    for wanted, hook in {**_HOOKS, **(hooks or {})}.items():
        # A null is dropped before this, so what may be None is here always the other.
        converter.register_structure_hook_func(partial(_is, (wanted, wanted | None)), hook)
        if isinstance(wanted, type):  # cattrs asks for its own hook of such a type first
            converter.register_structure_hook(wanted, hook)

    def attrs_class(cls: type) -> Any:
        make: Any = make_dict_structure_fn(cls, converter, _cattrs_detailed_validation=False)
        hidden = [key.name for key in fields(cls) if NOT_IN_FILE in key.metadata]

        def hook(node: Any, _: object) -> Any:
            if not isinstance(node, MappingNode):
                raise expected(node, "a mapping")
            present = {key: item for key, item in node.items() if not item.is_null and key not in hidden}
            return make(present, cls)

        return hook

    def mapping(wanted: Any) -> Any:
        inner = wanted.__args__[1]

        def hook(node: Any, _: object) -> Any:
            if not isinstance(node, MappingNode):
                raise expected(node, "a mapping")
            return {key: inner() if it.is_null else converter.structure(it, inner) for key, it in node.items()}

        return hook

    converter.register_structure_hook_factory(has, attrs_class)
    converter.register_structure_hook_factory(_is_mapping_of_classes, mapping)
    return converter


def _is(these: tuple[Any, ...], wanted: Any) -> bool:
    return wanted in these


def _is_mapping_of_classes(wanted: Any) -> bool:
    return getattr(wanted, "__origin__", None) is Mapping and has(wanted.__args__[1])
