"""DWARF expressions (DWARF 5, 2.5 and 2.6): the location or the value of a variable."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol

from attrs import frozen
from elftools.dwarf.dwarf_expr import DWARFExprOp

from zenowasm.debuginfo.errors import UnavailableError

_MOST_OPERATIONS: Final = 1_000
_BITS: Final = 64
_ADDRESS_MASK: Final = (1 << 32) - 1
_MASK: Final = (1 << _BITS) - 1


class Machine(Protocol):
    """The state of one frame for an expression. Numbers are unsigned; a float is given as its bits."""

    def local(self, index: int) -> int:
        """Return a local of the frame."""
        ...

    def global_(self, index: int) -> int:
        """Return a global of the module."""
        ...

    def operand(self, index: int) -> int:
        """Return an operand, counted from the bottom of the frame's stack."""
        ...

    def read(self, address: int, length: int) -> bytes:
        """Return bytes of memory."""
        ...


@frozen
class InMemory:
    """A variable in memory."""

    address: int


@frozen
class Register:
    """A local, global or operand that is the whole variable: its kind, as WebAssembly's DWARF numbers it, and index."""

    kind: int
    index: int

    @property
    def is_local(self) -> bool:
        """Whether it is a local of the frame."""
        return self.kind == 0

    @property
    def is_global(self) -> bool:
        """Whether it is a global of the module."""
        return self.kind in (1, 3)


@frozen
class Computed:
    """A variable without an address: a computed value, or that of a local, global or operand, then ``register``."""

    value: int
    register: Register | None = None


@frozen
class Piece:
    """A part of a variable: ``size`` bytes, which are unknown if ``place`` is ``None``."""

    size: int
    place: Place | None


@frozen
class Pieces:
    """A variable in several parts."""

    pieces: tuple[Piece, ...]


Place = InMemory | Computed | Pieces


def evaluate(
    operations: Sequence[DWARFExprOp], machine: Machine, frame_base: Callable[[], int], *, as_value: bool = False
) -> Place:
    """Return the place that an expression describes; raises ``UnavailableError`` if it describes none.

    ``frame_base`` computes the frame base of the function. With ``as_value``, the expression is itself a frame base; a
    single local then means that local's value.
    """
    run = _Run(machine, frame_base)
    for count, operation in enumerate(operations):
        if count > _MOST_OPERATIONS:
            raise UnavailableError("its location takes too long to compute")
        run.execute(operation)
    return run.finished(as_value=as_value)


class _Run:
    def __init__(self, machine: Machine, frame_base: Callable[[], int]) -> None:
        self._machine = machine
        self._frame_base = frame_base
        self._stack: list[int] = []
        self._is_value = False
        self._register: Register | None = None
        self._pieces: list[Piece] = []

    def execute(self, operation: DWARFExprOp) -> None:
        name, args, stack = operation.op_name.removeprefix("DW_OP_"), operation.args, self._stack
        if name != "stack_value":
            self._register = Register(*args[:2]) if name == "WASM_location" and not stack else None
        if name in _BINARY:
            right, left = self._pop(), self._pop()
            try:
                stack.append(int(_BINARY[name](left, right)) & _MASK)
            except (ZeroDivisionError, ValueError):
                raise UnavailableError(f"its location has a {name} of {right}") from None
        elif name in _UNARY:
            stack.append(_UNARY[name](self._pop()) & _MASK)
        elif name.startswith("lit") and name[3:].isdigit():
            stack.append(int(name[3:]))
        elif name.startswith("const") or name == "addr":
            stack.append(args[0] & _MASK)
        elif name == "fbreg":
            stack.append((self._frame_base() + args[0]) & _MASK)
        elif name == "plus_uconst":
            stack.append((self._pop() + args[0]) & _MASK)
        elif name == "WASM_location":
            kind, index = args[:2]
            read = {
                0: self._machine.local,
                1: self._machine.global_,
                2: self._machine.operand,
                3: self._machine.global_,
            }
            if kind not in read:
                raise UnavailableError(f"its location is of the unknown kind {kind}")
            stack.append(read[kind](index))
        elif name == "stack_value":
            self._is_value = True
        elif name == "implicit_value":
            stack.append(int.from_bytes(bytes(args[0]), "little"))
            self._is_value = True
        elif name in ("deref", "deref_size"):
            size = args[0] if args else 4
            stack.append(int.from_bytes(self._machine.read(self._pop() & _ADDRESS_MASK, size), "little"))
            self._is_value = False
        elif name in ("dup", "over", "pick", "drop", "swap"):
            self._arrange(name, args)
        elif name == "piece":
            self._pieces.append(Piece(args[0], self._place() if stack else None))
            stack.clear()
            self._is_value = False
        elif name not in ("nop", "convert", "reinterpret"):
            raise UnavailableError(f"its location has the operation DW_OP_{name}, which is not supported")

    def _arrange(self, name: str, args: Sequence[int]) -> None:
        stack = self._stack
        depth = {"dup": 0, "over": 1}.get(name, args[0] if args else 0)
        if name == "drop":
            self._pop()
        elif name == "swap":
            right, left = self._pop(), self._pop()
            stack += [right, left]
        elif depth < len(stack):
            stack.append(stack[-1 - depth])
        else:
            raise UnavailableError("its location takes more than there is")

    def _pop(self) -> int:
        if not self._stack:
            raise UnavailableError("its location takes more than there is")
        return self._stack.pop()

    def _place(self) -> Place:
        value = self._pop()
        return Computed(value, self._register) if self._is_value else InMemory(value & _ADDRESS_MASK)

    def finished(self, *, as_value: bool) -> Place:
        if self._pieces:
            return Pieces(tuple(self._pieces))
        if not self._stack:
            raise UnavailableError("it was optimised out")
        return Computed(self._pop()) if as_value else self._place()


def _signed(value: int) -> int:
    return (value & _MASK ^ 1 << _BITS - 1) - (1 << _BITS - 1)


_BINARY: Final[Mapping[str, Callable[[int, int], int]]] = {
    "and": operator.and_,
    "or": operator.or_,
    "xor": operator.xor,
    "plus": operator.add,
    "minus": operator.sub,
    "mul": operator.mul,
    "div": lambda a, b: int(_signed(a) / _signed(b)),
    "mod": operator.mod,
    "shl": lambda a, b: a << min(b, _BITS),
    "shr": lambda a, b: (a & _MASK) >> min(b, _BITS),
    "shra": lambda a, b: _signed(a) >> min(b, _BITS),
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": lambda a, b: _signed(a) < _signed(b),
    "le": lambda a, b: _signed(a) <= _signed(b),
    "gt": lambda a, b: _signed(a) > _signed(b),
    "ge": lambda a, b: _signed(a) >= _signed(b),
}
_UNARY: Final[Mapping[str, Callable[[int], int]]] = {
    "neg": operator.neg,
    "not": operator.invert,
    "abs": lambda a: abs(_signed(a)),
}
