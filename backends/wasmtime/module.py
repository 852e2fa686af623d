"""A compiled module, independent of any store."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import cached_property
from typing import TYPE_CHECKING

import wasmtime

from zenowasm.backends.protocol import described
from zenowasm.backends.wasmtime.interface import Interface
from zenowasm.interp.types import ExportType, ImportType

if TYPE_CHECKING:
    from zenowasm.backends.wasmtime.metering import Metered
    from zenowasm.backends.wasmtime.source import Source
    from zenowasm.interp.errors import TrapCode
    from zenowasm.interp.instructions.table import Opcode


class Module:
    """A compiled module, and the facts that wasmtime's C interface does not expose.

    That interface supports neither 64-bit tables (it aborts the process on large ones) nor recursive type groups.
    ``interface`` is available without the binary, unless it is ``None``; ``read`` decodes the binary when other facts
    are needed.
    """

    def __init__(self, raw: wasmtime.Module, interface: Interface | None, read: Callable[[], Source]) -> None:
        self.raw = raw
        self._known = interface
        self._read = read

    def __repr__(self) -> str:
        return described(self)

    @property
    def imports(self) -> tuple[ImportType, ...]:
        """The module's imports, in order."""
        return self._interface.imports

    @property
    def exports(self) -> tuple[ExportType, ...]:
        """The module's exports, in order."""
        return self._interface.exports

    @property
    def memory_bytes(self) -> int:
        """The initial size in bytes of an instance's own memories."""
        return self._interface.memory_bytes

    @property
    def table_elements(self) -> int:
        """The initial number of elements of an instance's own tables."""
        return self._interface.table_elements

    @property
    def rewritten(self) -> bool:
        """Whether a rewritten module was compiled instead of the binary."""
        return self._interface.rewritten

    @property
    def metered(self) -> Metered | None:
        """The rewritten module that was compiled instead of the binary, or ``None``."""
        return self._source.metered if self.rewritten else None

    def opcode(self, function: int, offset: int) -> Opcode | None:
        """Return the instruction at a byte offset, or ``None`` if the function does not contain the offset."""
        return self._source.opcode(function, offset)

    def place_of_trap(self, function: int, offset: int, codes: Collection[TrapCode]) -> int | None:
        """Return the place of the instruction that trapped with one of ``codes``, or ``None`` if it is unknown."""
        return self._source.place_of_trap(function, offset, codes)

    @cached_property
    def _interface(self) -> Interface:
        return self._source.interface() if self._known is None else self._known

    @cached_property
    def _source(self) -> Source:
        return self._read()
