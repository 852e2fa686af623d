"""Watchpoints: they stop after an instruction, or a host function, has changed a value."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final, Protocol

from attrs import define, frozen

from zenowasm.debugger.cells import ArgumentCell, Cell, Cells, LocalCell, MemoryCell, OperandCell, memory_writers
from zenowasm.debugger.changes import cell_of
from zenowasm.debugger.errors import DebuggerError
from zenowasm.debugger.expressions import parse, single
from zenowasm.debugger.inspection import FrameView, computed, shown
from zenowasm.debuginfo.errors import DebugInfoError, UnavailableError
from zenowasm.interp.events import Paused
from zenowasm.interp.execution import Frame
from zenowasm.interp.execution.arming import Check
from zenowasm.interp.execution.code import Code
from zenowasm.interp.runtime.instances import ModuleInstance
from zenowasm.interp.runtime.memory import MemoryInstance

if TYPE_CHECKING:
    from zenowasm.debugger.expressions import Result
    from zenowasm.debuginfo.values import SourceValue

_LARGEST: Final = 1 << 16
"""The maximum number of bytes that a watchpoint compares after each store."""


class Watched(Protocol):
    """What a watchpoint compares, and the instructions that may change it."""

    def get(self) -> object:
        """Return the value."""
        ...

    def writers(self, module: ModuleInstance, code: Code) -> Iterable[int]:
        """Return the instructions of a function that may change it."""
        ...


@frozen
class Range:
    """Bytes of a memory."""

    memory: MemoryInstance
    start: int
    end: int

    def get(self) -> bytes:
        """Return the bytes."""
        return bytes(self.memory.data[self.start : self.end])

    def writers(self, module: ModuleInstance, code: Code) -> Iterable[int]:
        """Return the instructions that write to the memory."""
        return memory_writers(self.memory, module, code)


@define(eq=False)
class Watchpoint:
    """A watchpoint on the value of an expression, which it looks up once: it then watches that place.

    It ends when the call to which the place belongs has returned. ``hits`` counts the stops.
    """

    number: int
    expression: str
    watched: Watched
    text: Callable[[], str]
    """Return the present value as text."""
    call: Frame | None
    """The active call whose variable it is, if it is one."""
    shown: str
    """The value as text when it was last looked at."""
    known: object
    """The value when it was last looked at, in the form of ``comparable``."""
    hits: int = 0

    @property
    def differs(self) -> bool:
        """Whether the value has changed since it was last looked at."""
        return comparable(self.watched.get()) != self.known

    def look(self) -> None:
        """Remember the present value."""
        self.known = comparable(self.watched.get())
        self.shown = self.text()

    @property
    def check(self) -> Check:
        """The check after an instruction that may have changed it."""
        watched = self.watched
        if isinstance(watched, Range):
            memory, start, end = watched.memory, watched.start, watched.end

            def check_bytes(frame: Frame) -> None:
                if memory.data[start:end] != self.known:
                    raise Paused

            return check_bytes

        def check(frame: Frame) -> None:
            if self.differs:
                raise Paused

        return check


@frozen
class Change:
    """A change of a watched value; ``new`` is ``None`` if the watchpoint has ended with its call."""

    watchpoint: Watchpoint
    old: str
    new: str | None


def comparable(value: object) -> object:
    """Return a value that is equal to another one only if both have the same bits, or are the same reference."""
    return struct.pack("<d", value) if isinstance(value, float) else value


def watchpoint(number: int, text: str, view: FrameView) -> Watchpoint:
    """Make a watchpoint on the value of an expression in a frame; raises ``DebuggerError``."""
    result = computed(parse(text), view)
    watched = watched_of(result, view)

    def now() -> str:
        try:
            return shown(watched if isinstance(watched, Cell) else _again(result), view.program)
        except (DebuggerError, DebugInfoError, UnavailableError) as error:
            return f"<{error}>"

    call = view.frame if _belongs_to_call(result, view) else None
    return Watchpoint(number, text, watched, now, call, now(), comparable(watched.get()))


def memory_watchpoint(number: int, address: int, length: int, view: FrameView) -> Watchpoint:
    """Make a watchpoint on bytes of the first memory of a frame's module; raises ``DebuggerError``."""
    memories = view.frame.module.memories
    if not memories:
        raise DebuggerError("the module has no memory")
    if not 0 < length <= _LARGEST:
        raise DebuggerError(f"from 1 to {_LARGEST} bytes can be watched, not {length}")
    if not 0 <= address <= memories[0].size - length:
        raise DebuggerError(
            f"the {length} bytes at 0x{address:x} are not inside the memory of 0x{memories[0].size:x} bytes"
        )
    watched = Range(memories[0], address, address + length)

    def now() -> str:
        return watched.get().hex(" ")

    return Watchpoint(number, f"{length} bytes at 0x{address:x}", watched, now, None, now(), watched.get())


def watched_of(result: Result, view: FrameView) -> Watched:
    """Return the place that a result names; raises ``DebuggerError`` if it names none, or an operand."""
    result = single(result)
    if isinstance(result, OperandCell | ArgumentCell):
        raise DebuggerError("an operand cannot be watched: every instruction pushes and pops operands")
    if isinstance(result, MemoryCell):
        return Range(result.memory, result.address, result.address + result.form.size)
    if isinstance(result, Cell):
        return result
    if isinstance(result, int | float):
        raise DebuggerError("only a place can be watched: a variable, $local, $globals[0], $u8[1024] or the like")
    if isinstance(result, Cells):
        raise DebuggerError(f"${result.name} is a list: watch one of them, as in ${result.name}[0]")
    if result.address is None:
        return cell_of(result, view)
    if not 0 < len(result.data) <= _LARGEST:
        raise DebuggerError(f"it has {len(result.data)} bytes: from 1 to {_LARGEST} can be watched")
    return Range(view.frame.module.memories[0], result.address, result.address + len(result.data))


def _again(result: Result) -> Result:
    """Return a result with its present value."""
    if isinstance(result, int | float | Cell | Cells):
        return result
    return result.again()


def _belongs_to_call(result: Result, view: FrameView) -> bool:
    if isinstance(result, LocalCell):
        return True
    if isinstance(result, int | float | Cell | Cells):
        return False
    if result.address is None:
        return True
    return any(_contains(value, result) for value in view.source_values())


def _contains(outer: SourceValue, inner: SourceValue) -> bool:
    if outer.address is None or inner.address is None:
        return False
    return outer.address <= inner.address < outer.address + len(outer.data)
