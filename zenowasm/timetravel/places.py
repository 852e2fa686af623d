"""Places that hold a value, and the bytes that an instruction writes."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from zenowasm.interp.execution import Frame
from zenowasm.interp.instructions import Opcode
from zenowasm.interp.runtime.instances import GlobalInstance
from zenowasm.interp.runtime.memory import MemoryInstance
from zenowasm.interp.syntax.module import Instruction


class LocalPlace(NamedTuple):
    """A local of the innermost call at a depth."""

    depth: int
    local: int


class OperandPlace(NamedTuple):
    """An operand of the innermost call at a depth, counted from the bottom."""

    depth: int
    height: int


class GlobalPlace(NamedTuple):
    """A global."""

    instance: GlobalInstance


class MemoryPlace(NamedTuple):
    """Bytes of a memory."""

    memory: MemoryInstance
    start: int
    end: int


Place: TypeAlias = LocalPlace | OperandPlace | GlobalPlace | MemoryPlace


def target_of(instruction: Instruction) -> Callable[[Frame], MemoryPlace] | None:
    """Return what tells the bytes that an instruction is about to write, or ``None`` if it only grows a memory."""
    opcode, (immediate,) = instruction
    match opcode.mnemonic:
        case "memory.fill":
            return _bulk(immediate)
        case "memory.copy":
            return _bulk(immediate[0])
        case "memory.init":
            return _bulk(immediate[1])
        case _ if opcode.access is not None:
            return _store(immediate[0], immediate[1], width_of(opcode))
        case _:
            return None


def _bulk(memory: int) -> Callable[[Frame], MemoryPlace]:
    def target(frame: Frame) -> MemoryPlace:
        start, _, length = frame.stack[-3:]
        return MemoryPlace(frame.module.memories[memory], start, start + length)

    return target


def _store(memory: int, offset: int, width: int) -> Callable[[Frame], MemoryPlace]:
    def target(frame: Frame) -> MemoryPlace:
        start = frame.stack[-2] + offset
        return MemoryPlace(frame.module.memories[memory], start, start + width)

    return target


def source_of(instruction: Instruction, frame: Frame) -> Place | None:
    """Return from where an instruction takes the bytes that it is about to write; ``None`` for a data segment."""
    opcode, (immediate,) = instruction
    stack = frame.stack
    match opcode.mnemonic:
        case "memory.fill":
            return OperandPlace(frame.depth, len(stack) - 2)
        case "memory.copy":
            return MemoryPlace(frame.module.memories[immediate[1]], stack[-2], stack[-2] + stack[-1])
        case "memory.init":
            return None
        case _:
            return OperandPlace(frame.depth, len(stack) - 1)


def width_of(opcode: Opcode) -> int:
    """Return the bytes that a load or store accesses; 0 for other instructions."""
    return 0 if opcode.access is None else max(opcode.access.width // 8, 1)
