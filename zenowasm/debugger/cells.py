"""WebAssembly's own variables, as an expression names them: locals, operands, globals, table elements, memory.

``$name`` and ``$0`` are locals; ``$stack[0]``, ``$globals[1]`` and ``$tables[0][3]`` count as the module does; ``$u8``
to ``$f64`` read the first memory at an address, as in ``$i32[1024]``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from struct import Struct
from typing import Final

from attrs import frozen

from zenowasm.debugger.errors import DebuggerError
from zenowasm.interp.execution import Frame
from zenowasm.interp.execution.code import Code
from zenowasm.interp.execution.handlers import KINDS
from zenowasm.interp.instructions import TABLE, Effect
from zenowasm.interp.runtime.instances import GlobalInstance, ModuleInstance
from zenowasm.interp.runtime.memory import MemoryInstance
from zenowasm.interp.runtime.table import TableInstance
from zenowasm.interp.runtime.values import Value, check_value
from zenowasm.interp.text.values import signed
from zenowasm.interp.types import F32, F64, I32, I64, ValType

_MEMORY_FORMS: Final = {
    "u8": "<B", "i8": "<b", "u16": "<H", "i16": "<h", "u32": "<I", "i32": "<i", "u64": "<Q", "i64": "<q",
    "f32": "<f", "f64": "<d",
}  # fmt: skip


def _kinds(*effects: Effect) -> frozenset[str]:
    return frozenset(kind for row, kind in KINDS.items() if row.effects.intersection(effects))


def _named(*mnemonics: str) -> frozenset[str]:
    return frozenset(KINDS[TABLE.by_mnemonic[it]] for it in mnemonics)


_WRITES_MEMORY: Final = _kinds(Effect.WRITES_MEMORY)
_WRITES_TABLE: Final = _kinds(Effect.WRITES_TABLE)
_WRITES_GLOBAL: Final = _kinds(Effect.WRITES_GLOBAL)
_WRITES_LOCAL: Final = _named("local.set", "local.tee")


class Cell(ABC):
    """A place that holds one value, which can be read, replaced and watched."""

    @property
    @abstractmethod
    def type(self) -> ValType:
        """The type of its value."""

    @abstractmethod
    def get(self) -> Value:
        """Return its value."""

    @abstractmethod
    def put(self, value: Value) -> None:
        """Replace its value; raises ``TypeError`` or ``ValueError`` if the value does not fit."""

    @abstractmethod
    def writers(self, module: ModuleInstance, code: Code) -> Iterable[int]:
        """Return the instructions of a function that may write it."""

    def number(self) -> int | float:
        """Return its value as a number, integers signed; raises ``DebuggerError`` for a reference."""
        value, type_ = self.get(), self.type
        if type_ in (I32, I64) and isinstance(value, int):
            return signed(type_, value)
        if isinstance(value, int | float):
            return value
        raise DebuggerError(f"a value of type {type_} is no number")


@frozen
class LocalCell(Cell):
    """A local of an active call."""

    frame: Frame
    index: int
    type: ValType

    def get(self) -> Value:
        """Return its value."""
        return self.frame.locals[self.index]

    def put(self, value: Value) -> None:
        """Replace its value."""
        self.frame.locals[self.index] = check_value(self.type, value)

    def writers(self, module: ModuleInstance, code: Code) -> Iterable[int]:
        """Return the instructions of its function that set it."""
        if module is not self.frame.module or code.source is not self.frame.code.source:
            return ()
        return _at(code, _WRITES_LOCAL, lambda index: index == self.index)


@frozen
class OperandCell(Cell):
    """An operand of an active call, counted from the bottom of its stack."""

    frame: Frame
    index: int
    type: ValType

    def get(self) -> Value:
        """Return its value."""
        return self.frame.stack[self.index]

    def put(self, value: Value) -> None:
        """Replace its value."""
        self.frame.stack[self.index] = check_value(self.type, value)

    def writers(self, module: ModuleInstance, code: Code) -> Iterable[int]:
        """Raise ``DebuggerError``: every instruction pushes and pops operands."""
        raise DebuggerError("an operand cannot be watched: every instruction pushes and pops operands")


@frozen
class ArgumentCell(Cell):
    """An argument of a host function that is about to be called."""

    value: Value
    type: ValType

    def get(self) -> Value:
        """Return its value."""
        return self.value

    def put(self, value: Value) -> None:
        """Raise ``DebuggerError``: the call has already taken its arguments."""
        raise DebuggerError("an argument of a host function cannot be changed: the call has already taken it")

    def writers(self, module: ModuleInstance, code: Code) -> Iterable[int]:
        """Return nothing: it never changes."""
        return ()


@frozen
class GlobalCell(Cell):
    """A global; the debugger also changes immutable ones."""

    instance: GlobalInstance

    @property
    def type(self) -> ValType:
        """The global's type."""
        return self.instance.type.value

    def get(self) -> Value:
        """Return its value."""
        return self.instance.value

    def put(self, value: Value) -> None:
        """Replace its value."""
        self.instance.value = check_value(self.type, value)

    def writers(self, module: ModuleInstance, code: Code) -> Iterable[int]:
        """Return the instructions that set it."""
        globals_ = module.globals
        return _at(code, _WRITES_GLOBAL, lambda index: globals_[index] is self.instance)


@frozen
class ElementCell(Cell):
    """An element of a table."""

    table: TableInstance
    index: int

    @property
    def type(self) -> ValType:
        """The table's element type."""
        return self.table.element

    def get(self) -> Value:
        """Return its value."""
        return self.table.get(self.index)

    def put(self, value: Value) -> None:
        """Replace its value."""
        self.table.set(self.index, value)

    def writers(self, module: ModuleInstance, code: Code) -> Iterable[int]:
        """Return the instructions that write to a table, if the module has this one."""
        return _at(code, _WRITES_TABLE) if any(it is self.table for it in module.tables) else ()


@frozen
class MemoryCell(Cell):
    """A number in memory."""

    memory: MemoryInstance
    address: int
    form: Struct
    type: ValType

    def get(self) -> Value:
        """Return the number, signed as its form says."""
        return self.number()

    def number(self) -> int | float:
        """Return the number, signed as its form says."""
        value: int | float = self.form.unpack(self.memory.read(self.address, self.form.size))[0]
        return value

    def put(self, value: Value) -> None:
        """Write a number, signed or unsigned; raises ``ValueError`` if it does not fit."""
        if self.type in (F32, F64):
            data = self.form.pack(float(value))
        else:
            bits = 8 * self.form.size
            if not isinstance(value, int) or not -(1 << bits - 1) <= value < 1 << bits:
                raise ValueError(f"{value} does not fit into {bits} bits")
            data = (value & (1 << bits) - 1).to_bytes(self.form.size, "little")
        self.memory.write(self.address, data)

    def writers(self, module: ModuleInstance, code: Code) -> Iterable[int]:
        """Return the instructions that write to a memory, if the module has this one."""
        return memory_writers(self.memory, module, code)


def memory_writers(memory: MemoryInstance, module: ModuleInstance, code: Code) -> Iterable[int]:
    """Return the instructions that write to a memory, if the module has this one."""
    return _at(code, _WRITES_MEMORY) if any(it is memory for it in module.memories) else ()


def _at(code: Code, kinds: frozenset[str], counts: Callable[[int], bool] | None = None) -> Iterable[int]:
    found = [pc for pc, kind in enumerate(code.kinds) if kind in kinds]
    return found if counts is None else [pc for pc in found if counts(code.instructions[pc][1])]


@frozen
class Cells:
    """An indexed group of cells, such as ``$globals``; ``at`` returns one, or raises ``DebuggerError``.

    A group of a single cell, ``only``, counts as that cell.
    """

    name: str
    at: Callable[[int], Cell | Cells]
    only: Cell | None = None


def group(name: str, frame: Frame, operands: Sequence[Cell], results: int, arguments: Sequence[Cell]) -> Cells | None:
    """Return the group with that name in a frame, or ``None``.

    ``operands`` are those on the frame's stack, of which the last ``results`` were just returned to it. ``arguments``
    are those of a host function about to be called.
    """
    module = frame.module
    if name in _MEMORY_FORMS:
        return _numbers(module, name)
    match name:
        case "stack":
            return _listed(name, operands, "operand")
        case "results":
            return _listed(name, operands[len(operands) - results :], "result")
        case "globals":
            return _listed(name, [GlobalCell(it) for it in module.globals], "global")
        case "tables":
            return _listed(name, [_elements(table, at) for at, table in enumerate(module.tables)], "table")
        case "arguments":
            return _listed(name, arguments, "argument")
        case _:
            return None


def _listed(name: str, cells: Sequence[Cell | Cells], what: str) -> Cells:
    def at(index: int) -> Cell | Cells:
        if not 0 <= index < len(cells):
            known = f"expected 0 to {len(cells) - 1}" if cells else "there are none"
            raise DebuggerError(f"there is no {what} {index}: {known}")
        return cells[index]

    only = cells[0] if len(cells) == 1 else None
    return Cells(name, at, only if isinstance(only, Cell) else None)


def _elements(table: TableInstance, number: int) -> Cells:
    def at(index: int) -> Cell:
        if not 0 <= index < table.size:
            raise DebuggerError(f"table {number} has {table.size} elements: there is no element {index}")
        return ElementCell(table, index)

    return Cells(f"tables[{number}]", at)


def _numbers(module: ModuleInstance, name: str) -> Cells:
    form = Struct(_MEMORY_FORMS[name])
    type_ = {"f32": F32, "f64": F64}.get(name, I64 if form.size == 8 else I32)

    def at(address: int) -> Cell:
        if not module.memories:
            raise DebuggerError("the module has no memory")
        memory = module.memories[0]
        if not 0 <= address <= memory.size - form.size:
            raise DebuggerError(
                f"the {form.size} bytes at 0x{address:x} are not inside the memory of 0x{memory.size:x} bytes"
            )
        return MemoryCell(memory, address, form, type_)

    return Cells(name, at)
