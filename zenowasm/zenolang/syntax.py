"""The syntax tree of a script: statements and the expressions that are their values."""

from __future__ import annotations

from typing import TypeAlias

import attrs

from zenowasm.zenolang.errors import Position


@attrs.frozen
class Literal:
    """An unquoted constant: a number, true, false, nil, or unquoted words, which are text."""

    value: int | float | bool | str | None
    position: Position


@attrs.frozen
class Path:
    """`$name` and the keys after it: `$a.b.0`, `$a[0]`, `$a["b c"]`, `$a[$i]`."""

    name: str
    keys: tuple[str | Path, ...]
    position: Position


@attrs.frozen
class Text:
    """A quoted string: `parts` with the expressions to interpolate, `source` decoded without them, `raw` as written.

    A condition in quotes (`if: "$a == 1"`) is parsed from `source`.
    """

    parts: tuple[str | Expression, ...]
    source: str
    position: Position
    raw: str = ""


@attrs.frozen
class ListLiteral:
    """`[a, b]`."""

    items: tuple[Expression, ...]
    position: Position


@attrs.frozen
class MapLiteral:
    """`{ key: value }` where an expression is expected, as inside a list."""

    entries: tuple[tuple[str, Expression], ...]
    position: Position


@attrs.frozen
class Unary:
    """`!x` or `-x`."""

    operator: str
    operand: Expression
    position: Position


@attrs.frozen
class Chain:
    """Operands joined from left to right by operators of one precedence.

    One flat node, not a tree of pairs, so that the longest sum needs no deep recursion.
    """

    first: Expression
    rest: tuple[tuple[str, Expression], ...]
    position: Position


Expression: TypeAlias = Literal | Path | Text | ListLiteral | MapLiteral | Unary | Chain


@attrs.frozen
class Assignment:
    """`$name = value` in a loop header; `$i++` and `$i += n` are parsed as sums."""

    name: str
    value: Expression


@attrs.frozen
class LoopHeader:
    """The three parts of `for: "$i = 0; $i < 3; $i++"`; an empty part is None."""

    start: Assignment | None
    condition: Expression | None
    advance: Assignment | None


@attrs.frozen
class Statement:
    """`name: value { children }`; the value and the block are optional.

    `raw` is the value's text as written if it is plain unquoted text (`007`, `1.0`), otherwise None.
    """

    name: str
    value: Expression | None
    raw: str | None
    children: tuple[Statement, ...]
    has_block: bool
    position: Position

    def child(self, name: str) -> Statement | None:
        """Return the last child with this name, or None. A later child replaces an earlier one, as in a map."""
        return next((child for child in reversed(self.children) if child.name == name), None)


@attrs.frozen
class Program:
    """A parsed file."""

    statements: tuple[Statement, ...]
    file: str
