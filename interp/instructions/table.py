"""The structure of a row of the instruction table, and the index that finds it by opcode or mnemonic."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum, auto
from types import MappingProxyType

from attrs import frozen

from zenowasm.interp.errors import TrapCode
from zenowasm.interp.features import Feature
from zenowasm.interp.types import F32, F64, I32, I64, V128, NumType, ResultType, VecType


class Immediate(Enum):
    """The kinds of immediates, in the words of the specification's binary grammar (5.4)."""

    BLOCKTYPE = auto()
    LABELIDX = auto()
    LABELIDX_VEC = auto()
    LOCALIDX = auto()
    GLOBALIDX = auto()
    FUNCIDX = auto()
    TYPEIDX = auto()
    FIELDIDX = auto()
    TAGIDX = auto()
    COUNT = auto()
    TABLEIDX = auto()
    MEMIDX = auto()
    DATAIDX = auto()
    ELEMIDX = auto()
    MEMARG = auto()
    HEAPTYPE = auto()
    REFTYPE = auto()
    NULLABLE_REFTYPE = auto()
    CAST = auto()
    CATCH_VEC = auto()
    VALTYPE_VEC = auto()
    I32 = auto()
    I64 = auto()
    F32 = auto()
    F64 = auto()
    V128 = auto()
    LANEIDX = auto()
    LANEIDX_16 = auto()


class Effect(Enum):
    """An effect of an instruction other than moving values on its own frame's stack."""

    CONTROL = auto()
    READS_MEMORY = auto()
    WRITES_MEMORY = auto()
    READS_TABLE = auto()
    WRITES_TABLE = auto()
    READS_GLOBAL = auto()
    WRITES_GLOBAL = auto()
    READS_HEAP = auto()
    WRITES_HEAP = auto()
    CALLS = auto()


class Structure(Enum):
    """An instruction's role in the nesting of blocks."""

    BLOCK = auto()
    IF = auto()
    ELSE = auto()
    END = auto()


class VectorForm(Enum):
    """The form of a vector load or store that transfers less than a whole vector."""

    EXTEND = auto()
    SPLAT = auto()
    LANE = auto()


@frozen
class Access:
    """The memory access of a load or store: ``width`` bits in memory, sign-extended if ``signed``.

    ``vector`` is the form of a vector access other than these bits with zeros above; ``lanes`` is the number of lanes
    in memory that ``EXTEND`` widens.
    """

    type: NumType | VecType
    width: int
    signed: bool = False
    vector: VectorForm | None = None
    lanes: int = 1


@frozen(eq=False)
class Opcode:
    """One row: everything about an instruction that does not depend on its position in the code.

    ``parameters`` and ``results`` are ``None`` if they depend on immediates or context; a validation rule is then
    registered for the row (``registry``). ``fuel`` is the cost of one execution without the part that depends on
    operands (``bulk``: a unit for each byte, element or page that its last operand counts). Lane immediates must be
    below ``lanes``.
    """

    prefix: int | None
    code: int
    mnemonic: str
    immediates: tuple[Immediate, ...] = ()
    parameters: ResultType | None = None
    results: ResultType | None = None
    fuel: int = 1
    bulk: bool = False
    feature: Feature = Feature.MVP
    constant: bool = False
    traps: tuple[TrapCode, ...] = ()
    effects: frozenset[Effect] = frozenset()
    access: Access | None = None
    lanes: int = 0
    structure: Structure | None = None

    def __str__(self) -> str:
        return self.mnemonic


_TYPES: Mapping[str, NumType | VecType] = {str(t): t for t in (I32, I64, F32, F64, V128)}


def signature(text: str) -> tuple[ResultType, ResultType]:
    """Parse a signature such as ``i32 i32 -> i32``."""
    left, _, right = text.partition("->")
    return tuple(_TYPES[name] for name in left.split()), tuple(_TYPES[name] for name in right.split())


class Table:
    """All rows, by opcode and by mnemonic, without duplicates of either."""

    def __init__(self, rows: Iterable[Opcode]) -> None:
        """Index the rows; raises ``ValueError`` if two share their opcode or their mnemonic."""
        by_bytes: dict[tuple[int | None, int], Opcode] = {}
        by_mnemonic: dict[str, Opcode] = {}
        for row in rows:
            key = (row.prefix, row.code)
            if key in by_bytes or (
                row.mnemonic in by_mnemonic and by_mnemonic[row.mnemonic].immediates == row.immediates
            ):
                raise ValueError(f"two rows of the instruction table share {key} or {row.mnemonic!r}")
            by_bytes[key] = row
            by_mnemonic.setdefault(row.mnemonic, row)
        self.rows = tuple(by_bytes.values())
        self.by_bytes: Mapping[tuple[int | None, int], Opcode] = MappingProxyType(by_bytes)
        self.by_mnemonic: Mapping[str, Opcode] = MappingProxyType(by_mnemonic)
        self.prefixes = frozenset(row.prefix for row in self.rows if row.prefix is not None)
