"""Parses the immediates of instructions (specification, 6.5), which the instruction table lists.

In the text, immediates are in the order of the table, except for tables and memories: these come first, and are omitted
if all of them are 0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from attrs import field, frozen

from zenowasm.interp.instructions import TABLE, Immediate, Opcode, Structure
from zenowasm.interp.limits import ModuleLimits
from zenowasm.interp.syntax.module import Cast, Catch, Instruction, MemArg
from zenowasm.interp.text.cursor import Space
from zenowasm.interp.text.lexer import Source
from zenowasm.interp.text.parser_types import TypeParser
from zenowasm.interp.text.values import float_bits, parse_integer, parse_number, parse_unsigned
from zenowasm.interp.types import F32, F64, I32, I64, NumType, ResultType

Pending: TypeAlias = Instruction | Callable[[], Instruction]
"""An instruction, or a function that makes it once all earlier instructions are complete: its type use may add types
in that order.
"""

SHAPES: Mapping[str, tuple[NumType | None, int, int]] = {
    "i8x16": (None, 8, 16),
    "i16x8": (None, 16, 8),
    "i32x4": (None, 32, 4),
    "i64x2": (None, 64, 2),
    "f32x4": (F32, 32, 4),
    "f64x2": (F64, 64, 2),
}
"""The shapes of vector constants: the type of float lanes, the width of a lane, the number of lanes."""

_CATCHES = {
    "catch": (True, False),
    "catch_ref": (True, True),
    "catch_all": (False, False),
    "catch_all_ref": (False, True),
}
"""The clauses of ``try_table``: whether they name a tag, and whether they take the exception reference."""


class ImmediateParser(TypeParser):
    """A parser of immediates within the index spaces of a module and of one function."""

    def __init__(self, source: Source, pos: int, limits: ModuleLimits) -> None:
        """Begin at a token, with empty index spaces."""
        super().__init__(source, pos, limits)
        self.functions = Space("func")
        self.tables = Space("table")
        self.memories = Space("memory")
        self.globals = Space("global")
        self.tags = Space("tag")
        self.elements = Space("elem segment")
        self.data = Space("data segment")
        self.locals = Space("local")
        self.depth = 0
        self.label_depths: dict[str, list[int]] = {}

    def label(self) -> int:
        """Read a label index."""
        token = self.tokens[self.pos]
        if not token.startswith("$"):
            return self.unsigned(32) if self.at_index(self.pos) else self.fail("a label")
        depths = self.label_depths.get(self.identifier() or "")
        if not depths:
            raise self.error(f"unknown label {token}", self.pos - 1)
        return self.depth - depths[-1]

    def block_type(self) -> Callable[[], int | ResultType]:
        """Read a block type (6.5.3)."""
        use = self.type_use(None)
        inline = use.inline
        if use.index is None and inline is not None and not inline.parameters and len(inline.results) <= 1:
            results = inline.results
            return lambda: results
        return lambda: self.resolve(use)

    def memarg(self, opcode: Opcode) -> MemArg:
        """Read a memory argument (6.5.6); before a lane index, a single index is the lane, not the memory."""
        assert opcode.access is not None
        memory = 0
        has_lane = len(opcode.immediates) > 1
        tokens = self.tokens
        if self.at_index(self.pos) and (
            not has_lane or self.at_index(self.pos + 1) or tokens[self.pos + 1].startswith(("offset=", "align="))
        ):
            memory = self.index(self.memories)
        offset = self._assigned("offset=", 64)
        align = self._assigned("align=", 64)
        if align is None:
            return MemArg((opcode.access.width // 8).bit_length() - 1, offset or 0, memory)
        if align.bit_count() != 1:
            raise self.error(f"alignment must be a power of two, not {align}", self.pos - 1)
        return MemArg(align.bit_length() - 1, offset or 0, memory)

    def _assigned(self, prefix: str, bits: int) -> int | None:
        token = self.tokens[self.pos]
        if not token.startswith(prefix):
            return None
        try:
            value = parse_unsigned(bits, token.removeprefix(prefix))
        except ValueError as error:
            raise self.number_error(error) from None
        self.pos += 1
        return value

    def labels(self) -> tuple[tuple[int, ...], int]:
        """Read the labels of a branch table; the last one is the default."""
        labels = [self.label()]
        while self.at_index(self.pos):
            labels.append(self.label())
        return tuple(labels[:-1]), labels[-1]

    def struct_field(self) -> tuple[int, int]:
        """Read a type index and a field index of that type."""
        type_ = self.index(self.types)
        return type_, self.index(self.fields_by_type.get(type_) or Space("field"))

    def cast(self) -> Cast:
        """Read a label and two reference types."""
        return Cast(self.label(), self.reftype(), self.reftype())

    def catches(self) -> tuple[Catch, ...]:
        """Read any number of catch clauses."""
        clauses: list[Catch] = []
        while self.tokens[self.pos] == "(" and self.tokens[self.pos + 1] in _CATCHES:
            has_tag, reference = _CATCHES[self.tokens[self.pos + 1]]
            self.pos += 2
            tag = self.index(self.tags) if has_tag else None
            clauses.append(Catch(tag, reference, self.label()))
            self.close()
        return tuple(clauses)

    def number(self, type_: NumType) -> Any:
        """Read a number of the given type (6.3.1 and 6.3.2)."""
        try:
            value = parse_number(type_, self.tokens[self.pos])
        except ValueError as error:
            raise self.number_error(error) from None
        self.pos += 1
        return value

    def vector(self) -> int:
        """Read the shape and the lanes of a vector (6.5.10)."""
        shape = self.tokens[self.pos]
        if shape not in SHAPES:
            self.fail("a vector shape such as i32x4")
        self.pos += 1
        type_, width, count = SHAPES[shape]
        value = 0
        for lane in range(count):
            if self.tokens[self.pos] == ")":
                raise self.error(f"wrong number of lane literals: {lane} of {count}")
            value |= self.lane(type_, width) << (lane * width)
        return value

    def lane(self, type_: NumType | None, width: int) -> int:
        """Read a lane and return its bits: those of a float type, or of an integer of any width."""
        token = self.tokens[self.pos]
        try:
            bits = parse_integer(width, token) if type_ is None else float_bits(type_, parse_number(type_, token))
        except ValueError as error:
            raise self.number_error(error) from None
        self.pos += 1
        return bits


# -- rows --


@frozen(eq=False)
class Row:
    """The parser for the instructions with one mnemonic."""

    structure: Structure | None
    read: Callable[[ImmediateParser], Pending] = field(repr=False)


_Reader: TypeAlias = Callable[[ImmediateParser], Any]
_SPACES: Mapping[Immediate, _Reader] = {
    Immediate.TABLEIDX: lambda parser: parser.index(parser.tables),
    Immediate.MEMIDX: lambda parser: parser.index(parser.memories),
}
_READERS: Mapping[Immediate, _Reader] = {
    **_SPACES,
    Immediate.LABELIDX: ImmediateParser.label,
    Immediate.LOCALIDX: lambda parser: parser.index(parser.locals),
    Immediate.GLOBALIDX: lambda parser: parser.index(parser.globals),
    Immediate.FUNCIDX: lambda parser: parser.index(parser.functions),
    Immediate.TYPEIDX: lambda parser: parser.index(parser.types),
    Immediate.TAGIDX: lambda parser: parser.index(parser.tags),
    Immediate.COUNT: lambda parser: parser.unsigned(32),
    Immediate.DATAIDX: lambda parser: parser.index(parser.data),
    Immediate.ELEMIDX: lambda parser: parser.index(parser.elements),
    Immediate.HEAPTYPE: ImmediateParser.heaptype,
    Immediate.REFTYPE: ImmediateParser.reftype,
    Immediate.NULLABLE_REFTYPE: ImmediateParser.reftype,
    Immediate.CAST: ImmediateParser.cast,
    Immediate.CATCH_VEC: ImmediateParser.catches,
    Immediate.VALTYPE_VEC: lambda parser: tuple(parser.results()),
    Immediate.I32: lambda parser: parser.number(I32),
    Immediate.I64: lambda parser: parser.number(I64),
    Immediate.F32: lambda parser: parser.number(F32),
    Immediate.F64: lambda parser: parser.number(F64),
    Immediate.V128: ImmediateParser.vector,
    Immediate.LANEIDX: lambda parser: parser.unsigned(8),
    Immediate.LANEIDX_16: lambda parser: tuple([parser.unsigned(8) for _ in range(16)]),
}


def _reader(opcode: Opcode) -> Callable[[ImmediateParser], Pending]:
    """Return a function that reads the immediates of a row."""
    kinds = opcode.immediates
    if not kinds:
        bare = Instruction(opcode, ())
        return lambda parser: bare
    if Immediate.BLOCKTYPE in kinds:
        return _block_reader(opcode)
    if Immediate.LABELIDX_VEC in kinds:
        return lambda parser: Instruction(opcode, parser.labels())
    if Immediate.MEMARG in kinds:
        rest = [_READERS[kind] for kind in kinds[1:]]
        return lambda parser: Instruction(opcode, (parser.memarg(opcode), *[read(parser) for read in rest]))
    if Immediate.FIELDIDX in kinds:
        return lambda parser: Instruction(opcode, parser.struct_field())
    if not _SPACES.keys().isdisjoint(kinds):
        return _type_use_reader(opcode) if Immediate.TYPEIDX in kinds else _space_reader(opcode)
    if len(kinds) == 1:
        only = _READERS[kinds[0]]
        return lambda parser: Instruction(opcode, (only(parser),))
    readers = [_READERS[kind] for kind in kinds]
    return lambda parser: Instruction(opcode, tuple([read(parser) for read in readers]))


def _block_reader(opcode: Opcode) -> Callable[[ImmediateParser], Pending]:
    rest = [_READERS[kind] for kind in opcode.immediates[1:]]

    def read(parser: ImmediateParser) -> Pending:
        block_type = parser.block_type()
        others = [read(parser) for read in rest]
        return lambda: Instruction(opcode, (block_type(), *others))

    return read


def _type_use_reader(opcode: Opcode) -> Callable[[ImmediateParser], Pending]:
    """Return a function that reads an optional table and a type index, which is a type use in the text."""

    def read(parser: ImmediateParser) -> Pending:
        table = parser.index(parser.tables) if parser.at_index(parser.pos) else 0
        use = parser.type_use(None)
        return lambda: Instruction(opcode, (parser.resolve(use), table))

    return read


def _space_reader(opcode: Opcode) -> Callable[[ImmediateParser], Pending]:
    """Return a function that reads optional tables and memories, then other indices."""
    kinds = opcode.immediates
    spaces = {at: _SPACES[kind] for at, kind in enumerate(kinds) if kind in _SPACES}
    others = {at: _READERS[kind] for at, kind in enumerate(kinds) if kind not in _SPACES}

    def read(parser: ImmediateParser) -> Pending:
        found = dict.fromkeys(spaces, 0)
        if all(parser.at_index(parser.pos + ahead) for ahead in range(len(others) + 1)):
            found = {at: read(parser) for at, read in spaces.items()}
        found |= {at: read(parser) for at, read in others.items()}
        return Instruction(opcode, tuple([found[at] for at in range(len(kinds))]))

    return read


def _choice(rows: list[Opcode]) -> Callable[[ImmediateParser], Pending]:
    """Return a function that reads one of the rows with the same mnemonic, which their immediates distinguish."""
    by_kind = {row.immediates: row for row in rows}
    if len(rows) == 1:
        return _reader(rows[0])
    if by_kind.keys() == {(), (Immediate.VALTYPE_VEC,)}:
        bare, typed = _reader(by_kind[()]), _reader(by_kind[Immediate.VALTYPE_VEC,])
        return lambda parser: typed(parser) if parser.at("result") else bare(parser)
    if by_kind.keys() == {(Immediate.REFTYPE,), (Immediate.NULLABLE_REFTYPE,)}:
        choice = {False: by_kind[Immediate.REFTYPE,], True: by_kind[Immediate.NULLABLE_REFTYPE,]}

        def read(parser: ImmediateParser) -> Pending:
            type_ = parser.reftype()
            return Instruction(choice[type_.nullable], (type_,))

        return read
    raise ValueError(f"nothing tells the rows of {rows[0]} apart")


def _rows() -> dict[str, Row]:
    rows: dict[str, list[Opcode]] = {}
    for row in TABLE.rows:
        rows.setdefault(row.mnemonic, []).append(row)
    return {mnemonic: Row(found[0].structure, _choice(found)) for mnemonic, found in rows.items()}


ROWS: Mapping[str, Row] = _rows()
"""The parser of the instructions with each mnemonic."""
