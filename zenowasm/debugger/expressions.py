"""The debugger's expression language: names, members, elements, pointers, arithmetic and comparisons, as in C.

Examples are ``list->at.x``, ``nodes[1].name``, ``*list``, ``&counter``, ``$0 + 4`` and ``n > 3 && !done``. Names are
source variables; names that begin with ``$`` are WebAssembly's own (see ``cells``). An expression changes nothing and
calls nothing.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

from zenowasm.debugger.cells import Cell, Cells
from zenowasm.debugger.errors import DebuggerError

if TYPE_CHECKING:
    from zenowasm.debuginfo.values import SourceValue

_LONGEST: Final = 1_000
_NESTED: Final = 50
_BITS: Final = 64
_TOKENS: Final = re.compile(
    r"\s*(?:(?P<number>0[xX][0-9a-fA-F]+|\d+\.\d+|\d+)|(?P<name>\$?[\w:]+)|'(?P<char>\\?.)'"
    r"|(?P<sign>->|\|\||&&|==|!=|<=|>=|<<|>>|[-+*/%&|^~!<>()\[\].]))"
)
_LEVELS: Final = (
    ("||",),
    ("&&",),
    ("|",),
    ("^",),
    ("&",),
    ("==", "!="),
    ("<", "<=", ">", ">="),
    ("<<", ">>"),
    ("+", "-"),
    ("*", "/", "%"),
)
_TRUTHS: Final = {"true": 1, "false": 0}
Number: TypeAlias = int | float
Result: TypeAlias = "SourceValue | Cell | Cells | int | float"


class Names(Protocol):
    """The name lookup for an expression."""

    def value(self, name: str) -> Result:
        """Return the value of a name; raises ``DebuggerError``."""
        ...


Expression: TypeAlias = Callable[[Names], Result]


def parse(text: str) -> Expression:
    """Parse an expression and return the function that evaluates it; raises ``DebuggerError`` for invalid syntax."""
    if len(text) > _LONGEST:
        raise DebuggerError(f"the expression is longer than {_LONGEST} characters")
    return _Parser(text).whole()


def single(result: Result) -> Result:
    """Return the cell of a group that has only one, and every other result as it is."""
    return result.only if isinstance(result, Cells) and result.only is not None else result


def number(result: Result) -> Number:
    """Return a result as a number; raises ``DebuggerError`` if it is not one."""
    result = single(result)
    if isinstance(result, int | float):
        return result
    if isinstance(result, Cell):
        return result.number()
    if isinstance(result, Cells):
        raise DebuggerError(f"${result.name} is a list: take one of them, as in ${result.name}[0]")
    found = result.number()
    if found is None:
        raise DebuggerError(f"{result.type.name} is no number")
    return found


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens: list[tuple[str, str, int]] = []
        at = 0
        while text[at:].strip():
            found = _TOKENS.match(text, at)
            if found is None or found.lastgroup is None:
                raise self._error(at)
            self._tokens.append((found.lastgroup, found[found.lastgroup], found.start(found.lastgroup)))
            at = found.end()
        self._next = 0
        self._depth = 0

    def whole(self) -> Expression:
        found = self._binary(0)
        if self._next < len(self._tokens):
            raise self._error(self._tokens[self._next][2])
        return found

    def _error(self, at: int) -> DebuggerError:
        where = f"at `{self._text[at : at + 20].strip()}`" if self._text[at:].strip() else "at its end"
        return DebuggerError(f"cannot read the expression {self._text.strip()!r} {where}")

    def _fail(self) -> DebuggerError:
        return self._error(self._tokens[self._next][2] if self._next < len(self._tokens) else len(self._text))

    def _take(self, *signs: str) -> str | None:
        if self._next < len(self._tokens):
            kind, word, _ = self._tokens[self._next]
            if kind == "sign" and word in signs:
                self._next += 1
                return word
        return None

    def _binary(self, level: int) -> Expression:
        if level == len(_LEVELS):
            return self._unary()
        left = self._binary(level + 1)
        while (sign := self._take(*_LEVELS[level])) is not None:
            left = _operation(sign, left, self._binary(level + 1))
        return left

    def _unary(self) -> Expression:
        self._depth += 1
        if self._depth > _NESTED:
            raise DebuggerError("the expression is nested too deeply")
        try:
            sign = self._take("*", "&", "-", "!", "~", "+")
            if sign is None:
                return self._postfix()
            return _UNARY[sign](self._unary())
        finally:
            self._depth -= 1

    def _postfix(self) -> Expression:
        found = self._primary()
        while (sign := self._take(".", "->", "[")) is not None:
            if sign == "[":
                found = _element(found, self._binary(0))
                if self._take("]") is None:
                    raise self._fail()
            else:
                found = _member(found, self._name())
        return found

    def _name(self) -> str:
        if self._next < len(self._tokens) and self._tokens[self._next][0] in ("name", "number"):
            self._next += 1
            return self._tokens[self._next - 1][1]
        raise self._fail()

    def _primary(self) -> Expression:
        if self._take("(") is not None:
            found = self._binary(0)
            if self._take(")") is None:
                raise self._fail()
            return found
        if self._next == len(self._tokens) or self._tokens[self._next][0] == "sign":
            raise self._fail()
        kind, word, _ = self._tokens[self._next]
        self._next += 1
        if kind == "number":
            value: Number = float(word) if "." in word else int(word, 0 if word[:2].lower() == "0x" else 10)
            return lambda names: value
        if kind == "char":
            code = {"\\n": 10, "\\t": 9, "\\0": 0, "\\r": 13, "\\\\": 92, "\\'": 39}.get(word, ord(word[-1]))
            return lambda names: code
        if word in _TRUTHS:
            truth = _TRUTHS[word]
            return lambda names: truth
        return lambda names: names.value(word)


def _source(result: Result, what: str) -> SourceValue:
    if isinstance(result, int | float | Cell | Cells):
        raise DebuggerError(f"{number(result)} is a number, which has no {what}")
    return result


def _member(of: Expression, name: str) -> Expression:
    return lambda names: _source(of(names), "members").member(name)


def _element(of: Expression, index: Expression) -> Expression:
    def run(names: Names) -> Result:
        group, at = of(names), int(number(index(names)))
        return group.at(at) if isinstance(group, Cells) else _source(group, "elements").element(at)

    return run


def _address(of: Expression) -> Expression:
    def run(names: Names) -> Result:
        found = _source(of(names), "address").address
        if found is None:
            raise DebuggerError("it is not in memory, so it has no address")
        return found

    return run


def _operation(sign: str, left: Expression, right: Expression) -> Expression:
    if sign == "&&":
        return lambda names: int(bool(number(left(names))) and bool(number(right(names))))
    if sign == "||":
        return lambda names: int(bool(number(left(names))) or bool(number(right(names))))
    compute = _BINARY[sign]

    def run(names: Names) -> Result:
        a, b = number(left(names)), number(right(names))
        try:
            return compute(a, b)
        except (ZeroDivisionError, TypeError, ValueError, OverflowError):
            raise DebuggerError(f"{a} {sign} {b} cannot be computed") from None

    return run


def _quotient(a: Number, b: Number) -> Number:
    if isinstance(a, float) or isinstance(b, float):
        return a / b
    quotient = abs(a) // abs(b)
    return quotient if (a < 0) == (b < 0) else -quotient


def _remainder(a: Number, b: Number) -> Number:
    return a - _quotient(a, b) * b


def _shifted(a: Number, b: Number) -> Number:
    if not 0 <= b < _BITS:
        raise ValueError
    return int(a) * (1 << int(b))


_BINARY: Final[Mapping[str, Callable[[Number, Number], Number]]] = {
    "|": lambda a, b: int(a) | int(b),
    "^": lambda a, b: int(a) ^ int(b),
    "&": lambda a, b: int(a) & int(b),
    "==": lambda a, b: int(a == b),
    "!=": lambda a, b: int(a != b),
    "<": lambda a, b: int(a < b),
    "<=": lambda a, b: int(a <= b),
    ">": lambda a, b: int(a > b),
    ">=": lambda a, b: int(a >= b),
    "<<": _shifted,
    ">>": lambda a, b: int(a) >> int(b),
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _quotient,
    "%": _remainder,
}
_UNARY: Final[Mapping[str, Callable[[Expression], Expression]]] = {
    "*": lambda of: lambda names: _source(of(names), "target").target(),
    "&": _address,
    "-": lambda of: lambda names: -number(of(names)),
    "+": lambda of: lambda names: number(of(names)),
    "!": lambda of: lambda names: int(not number(of(names))),
    "~": lambda of: lambda names: ~int(number(of(names))),
}
