"""The abstract syntax of a module (specification, 2.4 and 2.5). Instructions are a flat list, in binary order."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from enum import Enum
from itertools import accumulate, chain, repeat
from typing import Any, NamedTuple, Protocol, TypeVar, overload

from attrs import field, frozen

from zenowasm.interp.instructions import Opcode
from zenowasm.interp.progress import Progress
from zenowasm.interp.types import (
    FuncType,
    GlobalType,
    MemType,
    RecType,
    RefType,
    SubType,
    TableType,
    ValType,
)

T = TypeVar("T")


class MemArg(NamedTuple):
    """The memory argument of a load or store: alignment exponent (power of 2), offset in bytes, memory index."""

    align: int
    offset: int
    memory: int = 0


class Cast(NamedTuple):
    """The immediates of ``br_on_cast`` and ``br_on_cast_fail``: a label, the source type, the target type."""

    label: int
    source: RefType
    target: RefType


class Catch(NamedTuple):
    """A clause of ``try_table``: for one tag or all tags (``None``), with or without the exception reference."""

    tag: int | None
    reference: bool
    label: int


class Instruction(NamedTuple):
    """One instruction: its row of the instruction table, and one value for each of the row's immediates.

    A block type is a type index (``int``) or a ``ResultType`` of at most one type; indices and integer constants are
    ``int`` (constants as ``runtime.values`` represents them), label and type vectors are tuples.
    """

    opcode: Opcode
    immediates: tuple[Any, ...]


@frozen
class Expression:
    """Instructions including the final ``end``, and the byte offset in the module at which each begins."""

    instructions: Sequence[Instruction] = field(repr=False)
    offsets: Sequence[int] = field(repr=False, eq=False)


@frozen
class Body:
    """The code of a function: runs of declared locals, and instructions."""

    locals: tuple[tuple[int, ValType], ...]
    expression: Expression


class Code(Protocol):
    """An entry of the code section, decoded on demand."""

    @property
    def offset(self) -> int:
        """The byte offset of the entry's contents (the locals) in the module."""
        ...

    @property
    def size(self) -> int:
        """The size of the entry's contents in bytes."""
        ...

    def body(self, progress: Progress | None = None) -> Body:
        """Decode and return the body; raises ``DecodeError`` if it is malformed, and any error of ``progress``."""
        ...


class ExternKind(Enum):
    """The kinds of imports and exports (specification, 2.5.10). The value is the binary format's byte."""

    FUNC = 0
    TABLE = 1
    MEM = 2
    GLOBAL = 3
    TAG = 4


@frozen
class Import:
    """An import (specification, 2.5.11). ``type`` is a type index for functions and tags."""

    module: str
    name: str
    kind: ExternKind
    type: int | TableType | MemType | GlobalType
    offset: int = field(eq=False, default=0)


@frozen
class Export:
    """An export (specification, 2.5.10)."""

    name: str
    kind: ExternKind
    index: int
    offset: int = field(eq=False, default=0)


@frozen
class Global:
    """A global with its initial value (specification, 2.5.6)."""

    type: GlobalType
    init: Expression


@frozen
class Table:
    """A table, filled with the value of ``init``, or with null (specification, 2.5.5)."""

    type: TableType
    init: Expression | None = None


class SegmentMode(Enum):
    """How an element or data segment is used (specification, 2.5.7)."""

    ACTIVE = "active"
    PASSIVE = "passive"
    DECLARATIVE = "declarative"


@frozen
class ElementSegment:
    """An element segment (specification, 2.5.7). ``table`` and ``place`` apply to active segments only.

    ``form`` holds flags for parts that were spelled although they could be omitted: 2 for table 0, 4 for entries as
    expressions where function indices would suffice (specification, 5.5.12).
    """

    type: RefType
    init: tuple[Expression, ...]
    mode: SegmentMode
    table: int = 0
    place: Expression | None = None
    offset: int = field(eq=False, default=0)
    form: int = field(eq=False, default=0)


@frozen
class DataSegment:
    """A data segment (specification, 2.5.8). ``memory`` and ``place`` apply to active segments only."""

    init: bytes = field(repr=False)
    mode: SegmentMode
    memory: int = 0
    place: Expression | None = None
    offset: int = field(eq=False, default=0)


@frozen
class CustomSection:
    """A custom section: ``data`` follows its name; ``after`` is the section before it, ``None`` at the beginning."""

    name: str
    data: bytes = field(repr=False)
    offset: int = field(eq=False, default=0)
    after: str | None = field(eq=False, default=None)


@frozen
class Section:
    """The position of a section's contents in the binary: ``offset`` and ``size`` in bytes."""

    name: str
    offset: int
    size: int
    count: int | None = None


@frozen(eq=False, repr=False)
class Module:
    """A module (specification, 2.5). Index spaces begin with the imports of their kind.

    ``binary`` is what it was decoded from.
    """

    types: tuple[RecType, ...] = ()
    imports: tuple[Import, ...] = ()
    functions: tuple[int, ...] = ()
    tables: tuple[Table, ...] = ()
    memories: tuple[MemType, ...] = ()
    tags: tuple[int, ...] = ()
    globals: tuple[Global, ...] = ()
    exports: tuple[Export, ...] = ()
    start: int | None = None
    elements: tuple[ElementSegment, ...] = ()
    data: tuple[DataSegment, ...] = ()
    codes: Sequence[Code] = ()
    customs: tuple[CustomSection, ...] = ()
    sections: tuple[Section, ...] = ()
    binary: bytes = field(default=b"", eq=False)

    def __repr__(self) -> str:
        counts = (f"{len(getattr(self, name))} {name}" for name in ("types", "imports", "functions", "exports"))
        return f"<module: {', '.join(counts)}>"

    def subtypes(self) -> list[SubType]:
        """Return the types by type index."""
        return [subtype for rectype in self.types for subtype in rectype.subtypes]

    def imported(self, kind: ExternKind) -> list[Import]:
        """Return the imports of one kind, in the order of their index space."""
        return [entry for entry in self.imports if entry.kind is kind]

    def function_types(self) -> list[int]:
        """Return the type index of every function, imported ones first."""
        imported = [e.type for e in self.imported(ExternKind.FUNC) if isinstance(e.type, int)]
        return imported + list(self.functions)

    def tag_types(self) -> list[int]:
        """Return the type index of every tag, imported ones first."""
        return [e.type for e in self.imported(ExternKind.TAG) if isinstance(e.type, int)] + list(self.tags)

    def table_types(self) -> list[TableType]:
        """Return the type of every table, imported ones first."""
        return [e.type for e in self.imports if isinstance(e.type, TableType)] + [t.type for t in self.tables]

    def memory_types(self) -> list[MemType]:
        """Return the type of every memory, imported ones first."""
        return [e.type for e in self.imports if isinstance(e.type, MemType)] + list(self.memories)

    def global_types(self) -> list[GlobalType]:
        """Return the type of every global, imported ones first."""
        return [e.type for e in self.imports if isinstance(e.type, GlobalType)] + [g.type for g in self.globals]


_FEW = 256
"""The maximum number of locals that are listed individually."""


def spread(runs: Iterable[tuple[T, int]]) -> Sequence[T]:
    """Return the entries of runs, each given as an entry and a length; a short result is a list.

    A function may declare 50,000 locals in 3 bytes, so work done for each function must not depend on their number.
    """
    spread_out = Runs(runs)
    return list(spread_out) if len(spread_out) <= _FEW else spread_out


class Runs(Sequence[T]):
    """A sequence that stores each run of equal entries once."""

    __slots__ = ("_ends", "_values")

    def __init__(self, runs: Iterable[tuple[T, int]]) -> None:
        """Concatenate the runs, each given as an entry and a length."""
        filled = [(value, count) for value, count in runs if count]
        self._values = [value for value, _ in filled]
        self._ends = list(accumulate(count for _, count in filled))

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    @overload
    def __getitem__(self, index: int) -> T: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[T]: ...

    def __getitem__(self, index: int | slice) -> T | Sequence[T]:
        if isinstance(index, slice):
            return list(self)[index]
        return self._values[bisect_right(self._ends, index)]

    def __iter__(self) -> Iterator[T]:
        starts = [0, *self._ends]
        return chain.from_iterable(
            repeat(value, end - start) for value, start, end in zip(self._values, starts, self._ends, strict=False)
        )


def locals_of(type_: FuncType, body: Body) -> Sequence[ValType]:
    """Return the types of all locals, parameters first."""
    return spread([*((type_, 1) for type_ in type_.parameters), *((type_, count) for count, type_ in body.locals)])
