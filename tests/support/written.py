"""The shape of a test of a row that is written by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attrs import field, frozen

BIG = 0xFFFFFFFF


@frozen
class Written:
    """A test of a row: valid modules that use it, calls of their exports, and modules that must be refused."""

    valid: Sequence[str]
    calls: Sequence[tuple[Any, ...]]
    invalid: Sequence[str] = field(default=())
    immediates: tuple[Any, ...] | None = None
    """What the first occurrence of the row must decode to, ``None`` where that is not looked at."""


def function(body: str, *, parameters: str = "", results: str = "", fields: str = "", name: str = "f") -> str:
    """Write a module of some fields and one exported function."""
    # Declared locals stand in front of the body.
    return f'(module {fields} (func (export "{name}") (param {parameters}) (result {results}) {body}))'


def each(name: str, *operands: Any) -> list[tuple[Any, ...]]:
    """Make a call of each operand or tuple of operands."""
    return [(name, *operand) if isinstance(operand, tuple) else (name, operand) for operand in operands]
