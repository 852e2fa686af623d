"""A compiled module, independent of any store."""

from __future__ import annotations

from functools import cached_property

import wasmtime

from zenowasm.backends.wasmtime import capi
from zenowasm.interp.types import ExportType, ImportType


class Module:
    """A compiled module; it keeps its bytes, in which the store looks up the instruction behind some traps."""

    def __init__(self, raw: wasmtime.Module, binary: bytes) -> None:
        self.raw = raw
        self.binary = binary

    @cached_property
    def imports(self) -> tuple[ImportType, ...]:
        """What the module imports, in order; raises ``TypeError`` for a type that this backend cannot represent."""
        return tuple(ImportType(it.module, it.name or "", capi.extern_type(it.type)) for it in self.raw.imports)

    @cached_property
    def exports(self) -> tuple[ExportType, ...]:
        """What the module exports, in order; raises ``TypeError`` for a type that this backend cannot represent."""
        return tuple(ExportType(it.name, capi.extern_type(it.type)) for it in self.raw.exports)
