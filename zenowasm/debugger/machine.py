"""A stopped frame for debugging information: numbers in locals, globals and operands, and bytes of memory."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence

from attrs import frozen

from zenowasm.coredumps.format import MISSING
from zenowasm.debuginfo.errors import UnavailableError
from zenowasm.interp.execution import Frame
from zenowasm.interp.numerics.floats import f32_to_bits
from zenowasm.interp.runtime.values import Value
from zenowasm.interp.syntax.module import locals_of
from zenowasm.interp.types import F32, NumType
from zenowasm.interp.validation.function import OperandType


@frozen
class FrameMachine:
    """The state of a frame that a DWARF expression can read; ``operand_types`` are computed when they are needed."""

    frame: Frame
    operand_types: Callable[[], Sequence[OperandType]]

    def local(self, index: int) -> int:
        """Return the bits of a local."""
        types = locals_of(self.frame.function.type, self.frame.code.body)
        return _bits(self.frame.locals, index, types[index] if index < len(types) else None)

    def global_(self, index: int) -> int:
        """Return the bits of a global."""
        globals_ = self.frame.module.globals
        type_ = globals_[index].type.value if index < len(globals_) else None
        return _bits([it.value for it in globals_], index, type_)

    def operand(self, index: int) -> int:
        """Return the bits of an operand."""
        types = self.operand_types()
        return _bits(self.frame.stack, index, types[index] if index < len(types) else None)

    def read(self, address: int, length: int) -> bytes:
        """Return bytes of the first memory; raises ``IndexError`` if the range is not inside it."""
        memories = self.frame.module.memories
        if not memories:
            raise IndexError("the module has no memory")
        return memories[0].read(address, length)


def _bits(values: Sequence[Value], index: int, type_: OperandType | None) -> int:
    if index >= len(values):
        raise UnavailableError(f"its location names the place {index} of {len(values)}")
    value = values[index]
    if isinstance(value, float):
        return f32_to_bits(value) if type_ is F32 else int.from_bytes(struct.pack("<d", value), "little")
    if value is MISSING:
        raise UnavailableError(f"it is {value}")
    if isinstance(value, int) and (type_ is None or isinstance(type_, NumType)):
        return value
    raise UnavailableError("its location names a reference")
