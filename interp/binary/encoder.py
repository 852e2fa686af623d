"""Encodes modules (specification, 5.5): the inverse of decoding.

Where the format leaves a choice, integers have the fewest possible bytes, sections without entries are omitted, and a
segment has the shortest form that expresses it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from zenowasm.interp.binary.instruction_writer import write_expression
from zenowasm.interp.binary.sections import CUSTOM, MAGIC, SECTIONS, VERSION
from zenowasm.interp.binary.type_writer import (
    write_globaltype,
    write_memtype,
    write_rectype,
    write_table_with_init,
    write_tabletype,
    write_tagtype,
    write_valtype,
)
from zenowasm.interp.binary.writer import Writer
from zenowasm.interp.instructions import TABLE, Immediate
from zenowasm.interp.syntax.module import (
    Body,
    DataSegment,
    ElementSegment,
    Export,
    ExternKind,
    Global,
    Import,
    Module,
    SegmentMode,
    Table,
)
from zenowasm.interp.types import FUNCREF, AbsHeapType, GlobalType, MemType, RefType, TableType, ValType

T = TypeVar("T")

_REF_FUNC = TABLE.by_mnemonic["ref.func"]
_FUNCTIONS = RefType(False, AbsHeapType.FUNC)
_USES_DATA = frozenset(row for row in TABLE.rows if Immediate.DATAIDX in row.immediates)


def encode(module: Module) -> bytes:
    """Encode a module in the binary format.

    Parameters: the module, which need not be valid. Returns bytes that decode to the same module, with custom sections
    in their original positions. Raises ``DecodeError`` for a malformed function body that was not decoded before
    (specification, 5.5.16).
    """
    bodies = [code.body() for code in module.codes]
    out = Writer()
    out.raw(MAGIC + VERSION)
    _customs(out, module, None)
    for number, name in SECTIONS.items():
        contents = Writer()
        _SECTION_WRITERS[name](contents, module, bodies)
        if contents.data:
            out.byte(number)
            out.sized(contents.data)
        _customs(out, module, name)
    return bytes(out.data)


def _customs(out: Writer, module: Module, after: str | None) -> None:
    """Write the custom sections that follow a section (5.5.3)."""
    for custom in module.customs:
        if custom.after == after:
            contents = Writer()
            contents.name(custom.name)
            contents.raw(custom.data)
            out.byte(CUSTOM)
            out.sized(contents.data)


# -- sections: those without entries are omitted --

_SectionWriter = Callable[[Writer, Module, list[Body]], None]


def _entries(field: Callable[[Module], Sequence[T]], write: Callable[[Writer, T], None]) -> _SectionWriter:
    """Return a function that writes a section consisting of the vector of a field's entries."""

    def write_section(out: Writer, module: Module, bodies: list[Body]) -> None:
        if entries := field(module):
            out.vector(entries, write)

    return write_section


def _functions(out: Writer, module: Module, bodies: list[Body]) -> None:
    if module.functions:
        out.indexes(module.functions)


def _start(out: Writer, module: Module, bodies: list[Body]) -> None:
    if module.start is not None:
        out.unsigned(module.start)


def _data_count(out: Writer, module: Module, bodies: list[Body]) -> None:
    """Write the number of data segments if an instruction refers to a data segment (5.5.15)."""
    if any(opcode in _USES_DATA for body in bodies for opcode, _ in body.expression.instructions):
        out.unsigned(len(module.data))


def _codes(out: Writer, module: Module, bodies: list[Body]) -> None:
    if bodies:
        out.vector(bodies, _code)


# -- entries --


def _import(out: Writer, entry: Import) -> None:
    out.name(entry.module)
    out.name(entry.name)
    out.byte(entry.kind.value)
    match entry.type:
        case TableType():
            write_tabletype(out, entry.type)
        case MemType():
            write_memtype(out, entry.type)
        case GlobalType():
            write_globaltype(out, entry.type)
        case int():
            (write_tagtype if entry.kind is ExternKind.TAG else Writer.unsigned)(out, entry.type)


def _table(out: Writer, table: Table) -> None:
    if table.init is None:
        write_tabletype(out, table.type)
        return
    write_table_with_init(out)
    write_tabletype(out, table.type)
    write_expression(out, table.init)


def _global(out: Writer, variable: Global) -> None:
    write_globaltype(out, variable.type)
    write_expression(out, variable.init)


def _export(out: Writer, export: Export) -> None:
    out.name(export.name)
    out.byte(export.kind.value)
    out.unsigned(export.index)


def _element(out: Writer, segment: ElementSegment) -> None:
    """Write an element segment (5.5.12), as function indices if its type and entries allow that."""
    functions = _function_indexes(segment) if segment.type == _FUNCTIONS and not segment.form & 4 else None
    flags = 0 if functions is not None else 4
    if segment.mode is SegmentMode.ACTIVE:
        # The short form is for table 0 and for the type that the format implies.
        needed = segment.table or (functions is None and segment.type != FUNCREF)
        flags |= 2 if needed else segment.form & 2
    else:
        flags |= 3 if segment.mode is SegmentMode.DECLARATIVE else 1
    out.unsigned(flags)
    if segment.mode is SegmentMode.ACTIVE:
        assert segment.place is not None
        if flags & 2:
            out.unsigned(segment.table)
        write_expression(out, segment.place)
    if functions is not None:
        if flags & 3:
            out.byte(0)
        out.indexes(functions)
        return
    if flags & 3:
        write_valtype(out, segment.type)
    out.vector(segment.init, write_expression)


def _function_indexes(segment: ElementSegment) -> list[int] | None:
    """Return a segment's function indices, or ``None`` if an entry is not a plain ``ref.func``."""
    found: list[int] = []
    for entry in segment.init:
        opcode, immediates = entry.instructions[0]
        if opcode is not _REF_FUNC or len(entry.instructions) != 2:
            return None
        found.append(immediates[0])
    return found


def _code(out: Writer, body: Body) -> None:
    contents = Writer()
    _body(contents, body)
    out.sized(contents.data)


def instruction_offsets(body: Body) -> list[int]:
    """Return each instruction's distance in bytes from the beginning of the code that ``encode`` writes."""
    return _body(Writer(), body)


def _body(out: Writer, body: Body) -> list[int]:
    out.vector(body.locals, _run)
    return write_expression(out, body.expression)


def _run(out: Writer, run: tuple[int, ValType]) -> None:
    count, type_ = run
    out.unsigned(count)
    write_valtype(out, type_)


def _data_segment(out: Writer, segment: DataSegment) -> None:
    if segment.place is None:
        out.unsigned(1)
    else:
        out.unsigned(2 if segment.memory else 0)
        if segment.memory:
            out.unsigned(segment.memory)
        write_expression(out, segment.place)
    out.sized(segment.init)


# -- the sections --

_SECTION_WRITERS: Mapping[str, _SectionWriter] = {
    "types": _entries(lambda module: module.types, write_rectype),
    "imports": _entries(lambda module: module.imports, _import),
    "functions": _functions,
    "tables": _entries(lambda module: module.tables, _table),
    "memories": _entries(lambda module: module.memories, write_memtype),
    "tags": _entries(lambda module: module.tags, write_tagtype),
    "globals": _entries(lambda module: module.globals, _global),
    "exports": _entries(lambda module: module.exports, _export),
    "start": _start,
    "elements": _entries(lambda module: module.elements, _element),
    "data_count": _data_count,
    "codes": _codes,
    "data": _entries(lambda module: module.data, _data_segment),
}
