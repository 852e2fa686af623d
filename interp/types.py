"""Types as defined in section 2.3 of the specification. ``str()`` of a type is its text format."""

from __future__ import annotations

from enum import Enum
from typing import TypeAlias

from attrs import field, frozen


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


@frozen
class RecIdx:
    """A reference from inside a recursive type to one of its own members (specification, 3.1.3)."""

    index: int

    def __str__(self) -> str:
        return f"rec.{self.index}"


HeapType: TypeAlias = "AbsHeapType | int | RecIdx | DefType"
"""The type of the object that a reference points to (specification, 2.3.3).

In syntax, a concrete type is a type index (``int``). Validation closes types: a concrete type is then a ``DefType``,
which means the same in every module.
"""


@frozen(cache_hash=True)
class RefType:
    """A reference type (specification, 2.3.4). Null is one of its values only if ``nullable``."""

    nullable: bool
    heap: HeapType

    def __str__(self) -> str:
        if self.nullable and isinstance(self.heap, AbsHeapType):
            return _NULLABLE_SHORTHANDS.get(self.heap, f"{self.heap}ref")
        return f"(ref {'null ' if self.nullable else ''}{self.heap})"


_NULLABLE_SHORTHANDS: dict[AbsHeapType, str] = {
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
EQREF = RefType(True, AbsHeapType.EQ)
EXNREF = RefType(True, AbsHeapType.EXN)
EXTERNREF = RefType(True, AbsHeapType.EXTERN)

ResultType: TypeAlias = tuple[ValType, ...]


@frozen(cache_hash=True)
class FuncType:
    """A function type (specification, 2.3.8): parameter types and result types."""

    parameters: ResultType = ()
    results: ResultType = ()

    def __str__(self) -> str:
        parts = ["func"]
        if self.parameters:
            parts.append(f"(param {' '.join(map(str, self.parameters))})")
        if self.results:
            parts.append(f"(result {' '.join(map(str, self.results))})")
        return f"({' '.join(parts)})"


class PackedType(Enum):
    """Storage types that occur only inside aggregates (specification, 2.3.7)."""

    I8 = "i8"
    I16 = "i16"

    def __str__(self) -> str:
        return self.value


StorageType: TypeAlias = ValType | PackedType


@frozen(cache_hash=True)
class FieldType:
    """A field of a structure, or the elements of an array (specification, 2.3.7)."""

    storage: StorageType
    mutable: bool = False

    @property
    def operand(self) -> ValType:
        """The type of the operands that are stored in the field (3.2.7)."""
        return I32 if isinstance(self.storage, PackedType) else self.storage

    @property
    def has_default(self) -> bool:
        """Whether the field has a default value (3.2.7)."""
        return not isinstance(self.storage, RefType) or self.storage.nullable

    def __str__(self) -> str:
        return f"(mut {self.storage})" if self.mutable else str(self.storage)


@frozen(cache_hash=True)
class StructType:
    """A structure type (specification, 2.3.7).

    ``operands`` are the types of the field values; ``undefaultable`` is a field without a default value, if any. Both
    are cached, since an instruction of three bytes may name ten thousand fields.
    """

    fields: tuple[FieldType, ...] = ()
    operands: tuple[ValType, ...] = field(init=False, eq=False, repr=False)
    undefaultable: FieldType | None = field(init=False, eq=False, repr=False)

    @operands.default
    def _operands(self) -> tuple[ValType, ...]:
        return tuple(it.operand for it in self.fields)

    @undefaultable.default
    def _undefaultable(self) -> FieldType | None:
        return next((it for it in self.fields if not it.has_default), None)

    def __str__(self) -> str:
        return f"(struct{''.join(f' (field {f})' for f in self.fields)})"


@frozen(cache_hash=True)
class ArrayType:
    """An array type (specification, 2.3.7)."""

    element: FieldType

    def __str__(self) -> str:
        return f"(array {self.element})"


CompType: TypeAlias = FuncType | StructType | ArrayType
"""Composite types (specification, 2.3.7)."""


@frozen(cache_hash=True)
class SubType:
    """A composite type with its place in the hierarchy (specification, 2.3.9). It has at most one supertype."""

    composite: CompType
    final: bool = True
    supertypes: tuple[HeapType, ...] = ()

    def __str__(self) -> str:
        if self.final and not self.supertypes:
            return str(self.composite)
        words = ["final"] * self.final + [str(t) for t in self.supertypes] + [str(self.composite)]
        return f"(sub {' '.join(words)})"


@frozen
class RecType:
    """Subtypes that may refer to one another (specification, 2.3.9), as a module spells them.

    ``as_group`` means that a single subtype was spelled as a group, which has the same meaning.
    """

    subtypes: tuple[SubType, ...]
    as_group: bool = field(eq=False, default=False)


class DefType:
    """One member of a closed recursive type (specification, 3.1.3): ``group.members[index]``, unrolled.

    Groups are interned (``interp.canonical``), so two types are equal if and only if they are the same object.
    ``supertypes`` are all proper supertypes, starting at the root of the hierarchy.
    """

    __slots__ = ("__weakref__", "_references", "composite", "final", "group", "index", "supertypes")

    def __init__(self, group: object, index: int) -> None:
        """Name a member of a group; ``interp.canonical`` fills in the rest."""
        self.group = group
        self.index = index
        self.final = True
        self.composite: CompType = FuncType()
        self.supertypes: tuple[DefType, ...] = ()
        self._references: dict[bool, RefType] = {}

    def reference(self, nullable: bool) -> RefType:
        """Return the type of references to this type: always the same object, so that comparing it is fast."""
        found = self._references.get(nullable)
        if found is None:
            found = self._references[nullable] = RefType(nullable, self)
        return found

    def __str__(self) -> str:
        # A recursive type has no finite spelling: name the kind, not the contents.
        return {FuncType: "$func", StructType: "$struct", ArrayType: "$array"}[type(self.composite)] + f".{self.index}"

    __repr__ = __str__


@frozen
class Limits:
    """The size range of a memory (in pages) or of a table (in elements) (specification, 2.3.12)."""

    minimum: int
    maximum: int | None = None

    def __str__(self) -> str:
        return str(self.minimum) if self.maximum is None else f"{self.minimum} {self.maximum}"


@frozen
class TableType:
    """A table type (specification, 2.3.14); ``address`` is the type of its indices, i32 or i64."""

    element: RefType
    limits: Limits
    address: NumType = I32

    def __str__(self) -> str:
        return f"(table {'' if self.address is I32 else 'i64 '}{self.limits} {self.element})"


@frozen
class MemType:
    """A memory type (specification, 2.3.13); limits are in pages of 64 KiB, ``address`` is i32 or i64."""

    limits: Limits
    address: NumType = I32

    def __str__(self) -> str:
        return f"(memory {'' if self.address is I32 else 'i64 '}{self.limits})"


@frozen
class GlobalType:
    """A global type (specification, 2.3.11)."""

    value: ValType
    mutable: bool = False

    def __str__(self) -> str:
        return f"(global (mut {self.value}))" if self.mutable else f"(global {self.value})"


@frozen
class TagType:
    """A tag type (specification, 2.3.10); its parameters are the values that an exception with this tag carries."""

    type: FuncType

    def __str__(self) -> str:
        return f"(tag {self.type})"


ExternType: TypeAlias = FuncType | TableType | MemType | GlobalType | TagType
"""External types (specification, 2.3.16), as an embedder sees them."""


@frozen
class ImportType:
    """An import: a type under a two-level name."""

    module: str
    name: str
    type: ExternType


@frozen
class ExportType:
    """An export: a type under a name."""

    name: str
    type: ExternType
