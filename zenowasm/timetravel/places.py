"""Places that hold a value, and the bytes that an instruction writes."""

from __future__ import annotations

from typing import TypeAlias

from attrs import frozen

from zenowasm.interp.execution import Frame
from zenowasm.interp.instructions import Opcode
from zenowasm.interp.runtime.instances import GlobalInstance
from zenowasm.interp.runtime.memory import MemoryInstance


@frozen
class LocalPlace:
    """A local of the innermost call at a depth."""

    depth: int
    index: int


@frozen
class OperandPlace:
    """An operand of the innermost call at a depth, counted from the bottom."""

    depth: int
    height: int


@frozen
class GlobalPlace:
    """A global."""

    instance: GlobalInstance


@frozen
class MemoryPlace:
    """Bytes of a memory."""

    memory: MemoryInstance
    start: int
    end: int


Place: TypeAlias = LocalPlace | OperandPlace | GlobalPlace | MemoryPlace


@frozen
class Written:
    """Bytes that an instruction is about to write, and where it takes them from."""

    place: MemoryPlace
    source: Place | None


def written_by(frame: Frame) -> Written | None:
    """Return what the instruction before ``pc`` is about to write to memory."""
    instruction, stack, memories = frame.code.at(frame.pc - 1), frame.stack, frame.module.memories
    opcode, (immediate,) = instruction.opcode, instruction.immediates
    match opcode.mnemonic:
        case "memory.fill":
            place = MemoryPlace(memories[immediate], stack[-3], stack[-3] + stack[-1])
            return Written(place, OperandPlace(frame.depth, len(stack) - 2))
        case "memory.copy":
            to, source = immediate
            place = MemoryPlace(memories[to], stack[-3], stack[-3] + stack[-1])
            return Written(place, MemoryPlace(memories[source], stack[-2], stack[-2] + stack[-1]))
        case "memory.init":
            return Written(MemoryPlace(memories[immediate[1]], stack[-3], stack[-3] + stack[-1]), None)
        case _ if opcode.access is not None:
            start = stack[-2] + immediate[1]
            place = MemoryPlace(memories[immediate[0]], start, start + width_of(opcode))
            return Written(place, OperandPlace(frame.depth, len(stack) - 1))
        case _:
            return None  # memory.grow


def width_of(opcode: Opcode) -> int:
    """Return the bytes that a load or store accesses; 0 for other instructions."""
    return 0 if opcode.access is None else max(opcode.access.width // 8, 1)
