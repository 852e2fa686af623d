"""Facts that this package's decoder reads from a module: its interface before compilation, and places of traps."""

from __future__ import annotations

from collections.abc import Collection

from attrs import frozen

from zenowasm.backends.wasmtime.interface import Interface
from zenowasm.backends.wasmtime.metering import Metered, metered
from zenowasm.backends.wasmtime.places import place_of_trap
from zenowasm.interp.binary import decode
from zenowasm.interp.binary.reader import Reader
from zenowasm.interp.errors import TrapCode
from zenowasm.interp.features import Feature
from zenowasm.interp.instructions import TABLE
from zenowasm.interp.instructions.table import Opcode
from zenowasm.interp.limits import PAGE_SIZE
from zenowasm.interp.progress import Progress
from zenowasm.interp.syntax import module as syntax
from zenowasm.interp.validation.context import Context


@frozen(eq=False)
class Source:
    """A module's bytes, their ``structure`` without function bodies, and the rewritten module, if any."""

    binary: bytes
    structure: syntax.Module
    metered: Metered | None

    def interface(self) -> Interface:
        """Return the module's interface; the module must be valid."""
        structure = self.structure
        context = Context.of(structure)
        return Interface(
            context.import_types(structure),
            context.export_types(structure),
            sum(type.limits.minimum for type in structure.memories) * PAGE_SIZE,
            sum(table.type.limits.minimum for table in structure.tables),
            self.metered is not None,
        )

    def opcode(self, function: int, offset: int) -> Opcode | None:
        """Return the instruction at a byte offset, or ``None`` if the function does not contain the offset."""
        code = self._code(function, offset)
        if code is None or offset == code.offset:  # the locals, not an instruction
            return None
        reader = Reader(self.binary[offset : code.offset + code.size], offset)
        first = reader.byte()
        return TABLE.by_bytes.get((first, reader.u32()) if first in TABLE.prefixes else (None, first))

    def place_of_trap(self, function: int, offset: int, codes: Collection[TrapCode]) -> int | None:
        """Return the place of the instruction that trapped with one of ``codes``, or ``None`` if it is unknown."""
        code = self._code(function, offset)
        return None if code is None else place_of_trap(code.body().expression, offset, codes)

    def _code(self, function: int, offset: int) -> syntax.Code | None:
        index = function - len(self.structure.imported(syntax.ExternKind.FUNC))
        if not 0 <= index < len(self.structure.codes):
            return None
        code = self.structure.codes[index]
        return code if code.offset <= offset < code.offset + code.size else None


def read(binary: bytes, features: Feature, progress: Progress | None = None) -> Source:
    """Decode everything except the bodies; raises ``DecodeError``, and any error of ``progress``."""
    progress = progress or Progress()
    structure = decode(binary, features, progress=progress)
    return Source(binary, structure, metered(structure, binary, progress))
