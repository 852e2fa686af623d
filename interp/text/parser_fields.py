"""Parses the fields of a module (specification, 6.6), whose identifiers are already bound."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from attrs import Factory, define, frozen

from zenowasm.interp.binary.encoder import instruction_offsets
from zenowasm.interp.instructions import TABLE, Structure
from zenowasm.interp.limits import PAGE_SIZE, ModuleLimits
from zenowasm.interp.progress import Progress
from zenowasm.interp.syntax.module import (
    Body,
    CustomSection,
    DataSegment,
    ElementSegment,
    Export,
    Expression,
    ExternKind,
    Global,
    Import,
    Instruction,
    SegmentMode,
    Table,
)
from zenowasm.interp.text.cursor import Space
from zenowasm.interp.text.lexer import Source
from zenowasm.interp.text.parser_instructions import InstructionParser
from zenowasm.interp.types import (
    FUNCREF,
    I32,
    I64,
    AbsHeapType,
    GlobalType,
    Limits,
    MemType,
    NumType,
    RefType,
    TableType,
    ValType,
)

_REF_FUNC = TABLE.by_mnemonic["ref.func"]
_CONSTANTS = {type_: TABLE.by_mnemonic[f"{type_}.const"] for type_ in (I32, I64)}
_END = Instruction(next(row for row in TABLE.rows if row.structure is Structure.END), ())
_FUNCTIONS = RefType(False, AbsHeapType.FUNC)
"""The type of a segment that lists functions: none of its entries is null."""
KINDS: Mapping[str, ExternKind] = {
    "func": ExternKind.FUNC,
    "table": ExternKind.TABLE,
    "memory": ExternKind.MEM,
    "global": ExternKind.GLOBAL,
    "tag": ExternKind.TAG,
}


@frozen
class ParsedCode:
    """The code of a function parsed from text, which has no offset in a binary module."""

    parsed: Body
    offset: int = 0
    size: int = 0

    def body(self, progress: Progress | None = None) -> Body:
        """Return the body."""
        return self.parsed


@define(eq=False)
class Parts:
    """The parts of a module that were read so far."""

    imports: list[Import] = Factory(list)
    functions: list[int] = Factory(list)
    tables: list[Table] = Factory(list)
    memories: list[MemType] = Factory(list)
    tags: list[int] = Factory(list)
    globals: list[Global] = Factory(list)
    exports: list[Export] = Factory(list)
    start: int | None = None
    elements: list[ElementSegment] = Factory(list)
    data: list[DataSegment] = Factory(list)
    codes: list[ParsedCode] = Factory(list)
    customs: list[CustomSection] = Factory(list)


class FieldParser(InstructionParser):
    """A parser of fields that collects the module's parts."""

    def __init__(self, source: Source, pos: int, limits: ModuleLimits) -> None:
        """Begin at a token, with an empty module."""
        super().__init__(source, pos, limits)
        self.parts = Parts()
        self.local_names: dict[int, dict[int, str]] = {}
        self.labels_by_function: dict[int, dict[int, str]] = {}
        self.hints_by_function: dict[int, dict[int, int]] = {}
        self.spaces: Mapping[ExternKind, Space] = {
            ExternKind.FUNC: self.functions,
            ExternKind.TABLE: self.tables,
            ExternKind.MEM: self.memories,
            ExternKind.GLOBAL: self.globals,
            ExternKind.TAG: self.tags,
        }
        self._next = dict.fromkeys(ExternKind, 0)

    def field(self) -> None:
        """Read one field that is not a type."""
        self.expect("(")
        read = _FIELDS.get(self.tokens[self.pos])
        if read is None:
            self.fail("a field of a module, such as 'func',")
        self.pos += 1
        read(self)
        self.close()

    # -- imports and exports (6.6.11 and 6.6.12) --

    def _import(self) -> None:
        module, name = self.name(), self.name()
        self.expect("(")
        kind = self._kind()
        self.identifier()
        self.parts.imports.append(Import(module, name, kind, self._external(kind, self._take_index(kind))))
        self.close()

    def _kind(self) -> ExternKind:
        kind = KINDS.get(self.tokens[self.pos])
        if kind is None:
            self.fail("'func', 'table', 'memory', 'global' or 'tag'")
        self.pos += 1
        return kind

    def _take_index(self, kind: ExternKind) -> int:
        """Return the index of the entry that begins here and advance to the next index."""
        index = self._next[kind]
        self._next[kind] = index + 1
        return index

    def _external(self, kind: ExternKind, index: int) -> int | TableType | MemType | GlobalType:
        """Read the external type (6.4.14) of the entry with that index."""
        match kind:
            case ExternKind.TABLE:
                return self.tabletype()
            case ExternKind.MEM:
                return self.memtype()
            case ExternKind.GLOBAL:
                return self.globaltype()
            case _:
                names = Space("local")
                if kind is ExternKind.FUNC:
                    self.local_names[index] = names.names
                return self.resolve(self.type_use(names))

    def _export(self) -> None:
        name = self.name()
        self.expect("(")
        kind = self._kind()
        self.parts.exports.append(Export(name, kind, self.index(self.spaces[kind])))
        self.close()

    def _begin(self, kind: ExternKind) -> int | None:
        """Read the common beginning of all definitions of a kind; return the index, or ``None`` for an import."""
        self.identifier()
        index = self._take_index(kind)
        while self.open("export"):
            self.parts.exports.append(Export(self.name(), kind, index))
            self.close()
        if not self.open("import"):
            return index
        module, name = self.name(), self.name()
        self.close()
        self.parts.imports.append(Import(module, name, kind, self._external(kind, index)))
        return None

    # -- definitions (6.6.3 to 6.6.7) --

    def _func(self) -> None:
        index = self._begin(ExternKind.FUNC)
        if index is None:
            return
        names = Space("local")
        use = self.type_use(names)
        type_ = self.resolve(use)
        if use.inline is None:
            names.count = self.parameters(type_)
        declared = self.declarations("local", names)
        hints: dict[int, int] = {}
        self.enter(names, hints if self.source.annotations else None)
        self.parts.functions.append(type_)
        self.parts.codes.append(ParsedCode(Body(_runs(declared), self.expression())))
        if hints:
            offsets = instruction_offsets(self.parts.codes[-1].parsed)
            self.hints_by_function[index] = {offsets[at]: hint for at, hint in hints.items()}
        self.local_names[index] = names.names
        self.labels_by_function[index] = self.label_names

    def _table(self) -> None:
        index = self._begin(ExternKind.TABLE)
        if index is None:
            return
        address = self.address()
        if not self.at_reftype():
            limits = self.size_range()
            type_ = TableType(self.reftype(), limits, address)
            init = None if self.tokens[self.pos] == ")" else self._constant()
            self.parts.tables.append(Table(type_, init))
            return
        element = self.reftype()
        if not self.open("elem"):
            self.fail("'(elem'")
        if self.tokens[self.pos] == "(":
            entries, segment_type, form = self._element_expressions(), element, 6
        else:
            entries, segment_type, form = self._functions(), _FUNCTIONS if element == FUNCREF else element, 2
        self.close()
        self.parts.tables.append(Table(TableType(element, Limits(len(entries), len(entries)), address)))
        place = _zero(address)
        self.parts.elements.append(ElementSegment(segment_type, entries, SegmentMode.ACTIVE, index, place, form=form))

    def _memory(self) -> None:
        index = self._begin(ExternKind.MEM)
        if index is None:
            return
        address = self.address()
        if not self.open("data"):
            self.parts.memories.append(MemType(self.size_range(), address))
            return
        data = self.strings()
        self.close()
        pages = -(-len(data) // PAGE_SIZE)
        self.parts.memories.append(MemType(Limits(pages, pages), address))
        self.parts.data.append(DataSegment(data, SegmentMode.ACTIVE, index, _zero(address)))

    def _global(self) -> None:
        if self._begin(ExternKind.GLOBAL) is not None:
            type_ = self.globaltype()
            self.parts.globals.append(Global(type_, self._constant()))

    def _tag(self) -> None:
        if self._begin(ExternKind.TAG) is not None:
            self.parts.tags.append(self.resolve(self.type_use(Space("local"))))

    def _constant(self) -> Expression:
        """Read a constant expression up to a closing parenthesis, which is not read."""
        self.enter(Space("local"))
        return self.expression()

    def _start(self) -> None:
        if self.parts.start is not None:
            raise self.error("multiple start sections", self.pos - 1)
        self.parts.start = self.index(self.functions)

    # -- segments (6.6.8 and 6.6.9) --

    def _expression_in(self, keyword: str) -> Expression:
        """Read a constant expression in parentheses: after a keyword, or as one folded instruction."""
        self.enter(Space("local"))
        if not self.open(keyword):
            return self.folded()
        expression = self.expression()
        self.close()
        return expression

    def _used(self, keyword: str, space: Space) -> int | None:
        """Read the table or memory of a segment; return ``None`` if none is named."""
        if self.open(keyword):
            index = self.index(space)
            self.close()
            return index
        return self.index(space) if self.at_index(self.pos) else None

    def _elem(self) -> None:
        self.identifier()
        mode, table, place, needs_no_keyword = SegmentMode.PASSIVE, None, None, False
        if self.take("declare"):
            mode = SegmentMode.DECLARATIVE
        elif self.tokens[self.pos] != "func" and not self.at_reftype():
            mode = SegmentMode.ACTIVE
            # The older form: the table by its number alone or omitted, then functions without a keyword.
            needs_no_keyword = not self.at("table")
            table = self._used("table", self.tables)
            place = self._expression_in("offset")
        form = 0 if table is None else 2
        if self.take("func") or (needs_no_keyword and not self.at_reftype()):
            type_, init = _FUNCTIONS, self._functions()
        else:
            type_, init, form = self.reftype(), self._element_expressions(), form | 4
        self.parts.elements.append(ElementSegment(type_, init, mode, table or 0, place, form=form))

    def _functions(self) -> tuple[Expression, ...]:
        found: list[Expression] = []
        while self.tokens[self.pos] != ")":
            found.append(Expression((Instruction(_REF_FUNC, (self.index(self.functions),)), _END), ()))
        return tuple(found)

    def _element_expressions(self) -> tuple[Expression, ...]:
        found: list[Expression] = []
        while self.tokens[self.pos] != ")":
            found.append(self._expression_in("item"))
        return tuple(found)

    def _data(self) -> None:
        self.identifier()
        if self.tokens[self.pos].startswith('"') or self.tokens[self.pos] == ")":
            self.parts.data.append(DataSegment(self.strings(), SegmentMode.PASSIVE))
            return
        memory = self._used("memory", self.memories)
        place = self._expression_in("offset")
        self.parts.data.append(DataSegment(self.strings(), SegmentMode.ACTIVE, memory or 0, place))


def _runs(types: list[ValType]) -> tuple[tuple[int, ValType], ...]:
    """Return declared locals as runs of equal types."""
    runs: list[tuple[int, ValType]] = []
    for type_ in types:
        if runs and runs[-1][1] == type_:
            runs[-1] = runs[-1][0] + 1, type_
        else:
            runs.append((1, type_))
    return tuple(runs)


def _zero(address: NumType) -> Expression:
    return Expression((Instruction(_CONSTANTS[address], (0,)), _END), ())


_FIELDS: Mapping[str, Callable[[FieldParser], None]] = {
    "import": FieldParser._import,
    "export": FieldParser._export,
    "func": FieldParser._func,
    "table": FieldParser._table,
    "memory": FieldParser._memory,
    "global": FieldParser._global,
    "tag": FieldParser._tag,
    "start": FieldParser._start,
    "elem": FieldParser._elem,
    "data": FieldParser._data,
}

FIELD_KEYWORDS = frozenset({"type", "rec", *_FIELDS})
"""The keywords that begin the fields of a module."""
