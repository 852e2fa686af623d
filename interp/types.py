"""Types, as the specification's section 2.3 defines them. ``str()`` of a type is its text format."""

from __future__ import annotations

from enum import Enum
from typing import TypeAlias

from attrs import frozen


class NumType(Enum):
    """Number types (specification, 2.3.1)."""

    I32 = "i32"
    I64 = "i64"
    F32 = "f32"
    F64 = "f64"

    def __str__(self) -> str:
        return self.value


class VecType(Enum):
    """The vector type (specification, 2.3.2)."""

    V128 = "v128"

    def __str__(self) -> str:
        return self.value


class AbsHeapType(Enum):
    """Abstract heap types (specification, 2.3.3)."""

    FUNC = "func"
    NOFUNC = "nofunc"
    EXTERN = "extern"
    NOEXTERN = "noextern"
    ANY = "any"
    EQ = "eq"
    I31 = "i31"
    STRUCT = "struct"
    ARRAY = "array"
    NONE = "none"
    EXN = "exn"
    NOEXN = "noexn"

    def __str__(self) -> str:
        return self.value


HeapType: TypeAlias = AbsHeapType
"""What a reference points to. Concrete types (defined by a module) join this union with the GC proposal."""


@frozen
class RefType:
    """A reference type (specification, 2.3.4): null is a value of it only where ``nullable``."""

    nullable: bool
    heap: HeapType

    def __str__(self) -> str:
        if self.nullable:
            return _NULLABLE_SHORTHANDS.get(self.heap, f"{self.heap}ref")
        return f"(ref {self.heap})"


_NULLABLE_SHORTHANDS = {
    AbsHeapType.NONE: "nullref",
    AbsHeapType.NOFUNC: "nullfuncref",
    AbsHeapType.NOEXTERN: "nullexternref",
    AbsHeapType.NOEXN: "nullexnref",
}

ValType: TypeAlias = NumType | VecType | RefType
"""Value types (specification, 2.3.5)."""

I32 = NumType.I32
I64 = NumType.I64
F32 = NumType.F32
F64 = NumType.F64
V128 = VecType.V128
FUNCREF = RefType(True, AbsHeapType.FUNC)
EXTERNREF = RefType(True, AbsHeapType.EXTERN)

ResultType: TypeAlias = tuple[ValType, ...]


@frozen(cache_hash=True)
class FuncType:
    """A function type (specification, 2.3.8): parameters to results."""

    parameters: ResultType = ()
    results: ResultType = ()

    def __str__(self) -> str:
        parts = ["func"]
        if self.parameters:
            parts.append(f"(param {' '.join(map(str, self.parameters))})")
        if self.results:
            parts.append(f"(result {' '.join(map(str, self.results))})")
        return f"({' '.join(parts)})"


@frozen
class Limits:
    """The size range of a memory (in pages) or of a table (in elements) (specification, 2.3.12)."""

    minimum: int
    maximum: int | None = None

    def __str__(self) -> str:
        return str(self.minimum) if self.maximum is None else f"{self.minimum} {self.maximum}"


@frozen
class TableType:
    """A table type (specification, 2.3.14)."""

    element: RefType
    limits: Limits

    def __str__(self) -> str:
        return f"(table {self.limits} {self.element})"


@frozen
class MemType:
    """A memory type (specification, 2.3.13); limits are in pages of 64 KiB."""

    limits: Limits

    def __str__(self) -> str:
        return f"(memory {self.limits})"


@frozen
class GlobalType:
    """A global type (specification, 2.3.11)."""

    value: ValType
    mutable: bool = False

    def __str__(self) -> str:
        return f"(global (mut {self.value}))" if self.mutable else f"(global {self.value})"


ExternType: TypeAlias = FuncType | TableType | MemType | GlobalType
"""External types (specification, 2.3.16)."""


@frozen
class ImportType:
    """What a module wants from outside under a two-level name."""

    module: str
    name: str
    type: ExternType


@frozen
class ExportType:
    """What a module offers under a name."""

    name: str
    type: ExternType
