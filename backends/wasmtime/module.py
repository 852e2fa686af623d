"""A compiled module, independent of any store."""

from __future__ import annotations

from functools import cached_property

import wasmtime

from zenowasm.backends.protocol import described
from zenowasm.backends.wasmtime.metering import Metered
from zenowasm.backends.wasmtime.unreachable import place_of_unreachable
from zenowasm.interp.binary.reader import Reader
from zenowasm.interp.instructions import TABLE
from zenowasm.interp.instructions.table import Opcode
from zenowasm.interp.limits import PAGE_SIZE
from zenowasm.interp.syntax import module as syntax
from zenowasm.interp.types import ExportType, ImportType
from zenowasm.interp.validation.context import Context


class Module:
    """A compiled module and its bytes, which say what wasmtime's C interface does not.

    That interface has no words for 64-bit tables (it aborts the process on large ones) nor for the groups of recursive
    types. ``structure`` is what our own decoder made of them, without function bodies. ``metered`` is what was compiled
    instead of them where that is another module.
    """

    def __init__(
        self, raw: wasmtime.Module, binary: bytes, structure: syntax.Module, metered: Metered | None = None
    ) -> None:
        self.raw = raw
        self.binary = binary
        self.metered = metered
        self._syntax = structure

    def __repr__(self) -> str:
        return described(self)

    @cached_property
    def imports(self) -> tuple[ImportType, ...]:
        """What the module imports, in order."""
        return self._context.import_types(self._syntax)

    @cached_property
    def exports(self) -> tuple[ExportType, ...]:
        """What the module exports, in order."""
        return self._context.export_types(self._syntax)

    @property
    def memory_bytes(self) -> int:
        """The bytes that an instance's own memories have at first."""
        return sum(type.limits.minimum for type in self._syntax.memories) * PAGE_SIZE

    @property
    def table_elements(self) -> int:
        """The elements that an instance's own tables have at first."""
        return sum(table.type.limits.minimum for table in self._syntax.tables)

    def opcode(self, function: int, offset: int) -> Opcode | None:
        """Return the instruction that begins at a byte offset, or ``None`` when the function does not extend there."""
        code = self._code(function, offset)
        if code is None:
            return None
        reader = Reader(self.binary[offset : code.offset + code.size], offset)
        first = reader.byte()
        return TABLE.by_bytes.get((first, reader.u32()) if first in TABLE.prefixes else (None, first))

    def place_of_unreachable(self, function: int, offset: int) -> int | None:
        """Return the place of the ``unreachable`` that trapped, ``None`` when the function does not extend there."""
        code = self._code(function, offset)
        return None if code is None else place_of_unreachable(code.body().expression, offset)

    def _code(self, function: int, offset: int) -> syntax.Code | None:
        index = function - len(self._syntax.imported(syntax.ExternKind.FUNC))
        if not 0 <= index < len(self._syntax.codes):
            return None
        code = self._syntax.codes[index]
        return code if code.offset <= offset < code.offset + code.size else None

    @cached_property
    def _context(self) -> Context:
        return Context.of(self._syntax)
