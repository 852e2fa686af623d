"""Prints modules and functions in the text format (specification, chapter 6), from decoded syntax.

What an instruction looks like comes from the instruction table. Names come from the name section where they are
known; numbers of functions, types and blocks stand in comments, so that text and binary can be compared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from attrs import frozen

from zenowasm.interp.instructions import Immediate, Opcode, Structure
from zenowasm.interp.syntax.module import (
    Body,
    Cast,
    Catch,
    DataSegment,
    ElementSegment,
    Export,
    Expression,
    ExternKind,
    Import,
    MemArg,
    Module,
    SegmentMode,
    locals_of,
)
from zenowasm.interp.text.lexer import ID_CHARACTERS
from zenowasm.interp.text.values import exact_text
from zenowasm.interp.types import (
    F32,
    F64,
    I32,
    I64,
    AbsHeapType,
    FuncType,
    GlobalType,
    NumType,
    RefType,
    ResultType,
    ValType,
)

_NUMBERS: Mapping[Immediate, NumType] = {
    Immediate.I32: I32,
    Immediate.I64: I64,
    Immediate.F32: F32,
    Immediate.F64: F64,
}
_SPACES = (Immediate.TABLEIDX, Immediate.MEMIDX)
"""Immediates that come first in the text, and are left out where all of them are 0."""
_KEYWORDS: Mapping[ExternKind, str] = {
    ExternKind.FUNC: "func",
    ExternKind.TABLE: "table",
    ExternKind.MEM: "memory",
    ExternKind.GLOBAL: "global",
    ExternKind.TAG: "tag",
}
_CATCHES: Mapping[tuple[bool, bool], str] = {
    (True, False): "catch",
    (True, True): "catch_ref",
    (False, False): "catch_all",
    (False, True): "catch_all_ref",
}
"""The clauses of ``try_table`` (6.5.2), by whether they name a tag and whether they take the exception itself."""
_BYTES_A_LINE = 48


class NameSource(Protocol):
    """The names of a module, as ``binary.Names`` has them."""

    @property
    def module(self) -> str | None:
        """The module's name."""
        ...

    @property
    def functions(self) -> Mapping[int, str]:
        """Names of functions by index."""
        ...

    @property
    def locals(self) -> Mapping[int, Mapping[int, str]]:
        """Names of locals by function and index."""
        ...


@frozen
class InstructionLine:
    """One printed instruction.

    ``pc`` is its index in the body, ``offset`` its byte offset in the module, ``depth`` the number of blocks around
    it, ``text`` the instruction itself, without indentation. What was parsed from text has no offsets: they are 0.
    """

    pc: int
    offset: int
    depth: int
    text: str


def identifier(name: str) -> str:
    """Return a name as an identifier of the text format (6.3.5), in quotes where it has unusual characters."""
    return f"${name}" if name and ID_CHARACTERS.issuperset(name) else f"${quoted(name)}"


def quoted(name: str) -> str:
    """Return a name as a string of the text format (6.3.3)."""
    return f'"{"".join(map(_character, name))}"'


def _character(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    return character if character.isprintable() else f"\\u{{{ord(character):x}}}"


def _data_string(data: bytes) -> str:
    plain = frozenset(range(32, 127)) - frozenset(b'"\\')
    text = "".join(chr(byte) if byte in plain else f"\\{byte:02x}" for byte in data)
    return f'"{text}"'


def _unique(names: Mapping[int, str]) -> dict[int, str]:
    """Return identifiers by index, all different: a name that was taken already gets its index behind it."""
    taken: set[str] = set()
    found: dict[int, str] = {}
    for index, name in names.items():
        unique = name
        while unique in taken:
            unique = f"{unique}#{index}"
        if name:
            taken.add(unique)
            found[index] = identifier(unique)
    return found


class ModulePrinter:
    """Prints one module. The module need not be valid: what cannot be resolved stays a number."""

    def __init__(self, module: Module, names: NameSource | None = None) -> None:
        """Prepare to print with these names, or with numbers only."""
        self.module = module
        self._names = names
        self._functions = _unique(names.functions) if names is not None else {}
        self._types = module.function_types()
        self._subtypes = module.subtypes()
        self._imported = len(module.imported(ExternKind.FUNC))

    # -- names --

    def function_name(self, index: int) -> str:
        """Return a function's identifier, or its index where it has no name."""
        return self._functions.get(index, str(index))

    def local_names(self, function: int) -> Mapping[int, str]:
        """Return the identifiers of a function's locals by index, as far as they have names."""
        return _unique(self._names.locals.get(function, {})) if self._names is not None else {}

    def function_type(self, index: int) -> FuncType | None:
        """Return a function's type, ``None`` where the index or the type is unknown."""
        return self.composite(self._types[index]) if index < len(self._types) else None

    def composite(self, typeidx: int) -> FuncType | None:
        """Return the function type of that type index, ``None`` where there is none."""
        found = self._subtypes[typeidx].composite if typeidx < len(self._subtypes) else None
        return found if isinstance(found, FuncType) else None

    def extern_type(self, kind: ExternKind, index: int) -> str:
        """Return the type of an entry of an index space, ``unknown`` where an invalid module names none."""
        module = self.module
        if kind in (ExternKind.FUNC, ExternKind.TAG):
            types = self._types if kind is ExternKind.FUNC else module.tag_types()
            found = self.composite(types[index]) if index < len(types) else None
            return "unknown" if found is None else f"(tag {found})" if kind is ExternKind.TAG else str(found)
        spaces: Mapping[ExternKind, Sequence[object]] = {
            ExternKind.TABLE: module.table_types(),
            ExternKind.MEM: module.memory_types(),
            ExternKind.GLOBAL: module.global_types(),
        }
        return str(spaces[kind][index]) if index < len(spaces[kind]) else "unknown"

    # -- functions --

    def instructions(self, function: int, body: Body) -> Iterator[InstructionLine]:
        """Yield every instruction of a function, the final ``end`` included."""
        local_names = self.local_names(function)
        labels = 0
        open_labels: list[int] = []
        expression = body.expression
        for pc, (opcode, immediates) in enumerate(expression.instructions):
            structure = opcode.structure
            depth = len(open_labels)
            text = self._instruction(opcode, immediates, local_names, open_labels)
            if structure in (Structure.BLOCK, Structure.IF):
                labels += 1
                open_labels.append(labels)
                text += f" (;@{labels};)"
            elif structure in (Structure.ELSE, Structure.END):
                depth = max(depth - 1, 0)
                if structure is Structure.END and open_labels:
                    open_labels.pop()
            yield InstructionLine(pc, expression.offsets[pc] if expression.offsets else 0, depth, text)

    def function(self, index: int) -> Iterator[str]:
        """Yield the lines of a function that the module defines, with its body.

        Raises ``DecodeError`` or ``LimitError`` when the body is malformed, ``IndexError`` when there is no such body.
        """
        if index < self._imported:
            raise IndexError(f"function {index} is imported")
        body = self.module.codes[index - self._imported].body()
        yield f"(func {self._header(index)}{self._parameters(index)}"
        declared = self._local_declarations(index, body)
        if declared:
            yield f"  {declared}"
        *lines, _ = self.instructions(index, body)
        yield from (f"{'  ' * (line.depth + 1)}{line.text}" for line in lines)
        yield ")"

    def _header(self, index: int) -> str:
        name = self._functions.get(index)
        return f"{name} (;{index};)" if name else f"(;{index};)"

    def _parameters(self, index: int) -> str:
        type_ = self.function_type(index)
        text = f" (type {self._types[index]})"
        if type_ is None:
            return text
        names = self.local_names(index)
        return text + _declared("param", enumerate(type_.parameters), names) + _result(type_.results)

    def _local_declarations(self, index: int, body: Body) -> str:
        type_ = self.function_type(index) or FuncType()
        first = len(type_.parameters)
        types = locals_of(type_, body)[first:]
        return _declared("local", enumerate(types, first), self.local_names(index)).strip()

    # -- instructions --

    def _instruction(
        self, opcode: Opcode, immediates: tuple[Any, ...], local_names: Mapping[int, str], labels: list[int]
    ) -> str:
        pairs = list(zip(opcode.immediates, immediates, strict=True))
        spaces = [str(value) for kind, value in pairs if kind in _SPACES]
        parts = [opcode.mnemonic]
        if any(value != "0" for value in spaces):
            parts += spaces
        for kind, value in pairs:
            if kind not in _SPACES:
                parts.append(self._immediate(opcode, kind, value, local_names, labels))
        return " ".join(part for part in parts if part)

    def _immediate(
        self, opcode: Opcode, kind: Immediate, value: Any, local_names: Mapping[int, str], labels: list[int]
    ) -> str:
        if kind in _NUMBERS:
            return _constant(_NUMBERS[kind], value)
        match kind:
            case Immediate.LOCALIDX:
                return local_names.get(value, str(value))
            case Immediate.FUNCIDX:
                return self.function_name(value)
            case Immediate.MEMARG:
                return _memarg(opcode, value)
            case Immediate.LABELIDX:
                return _label(value, labels)
            case Immediate.LABELIDX_VEC:
                return " ".join(_label(label, labels) for label in value)
            case Immediate.BLOCKTYPE:
                return f"(type {value})" if isinstance(value, int) else _result(value).strip()
            case Immediate.TYPEIDX:
                return f"(type {value})" if Immediate.TABLEIDX in opcode.immediates else str(value)
            case Immediate.CAST:
                return _cast(value, labels)
            case Immediate.CATCH_VEC:
                return " ".join(_catch(catch, labels) for catch in value)
            case Immediate.V128:
                return f"i32x4 {' '.join(f'0x{value >> shift & 0xFFFFFFFF:08x}' for shift in (0, 32, 64, 96))}"
            case Immediate.LANEIDX_16:
                return " ".join(map(str, value))
            case Immediate.VALTYPE_VEC:
                return _result(value).strip() or "(result)"  # without it, the mnemonic means another row
            case _:
                return str(value)

    def _constant_expression(self, expression: Expression) -> list[str]:
        return [self._instruction(opcode, immediates, {}, []) for opcode, immediates in expression.instructions[:-1]]

    def _place(self, expression: Expression, word: str) -> str:
        """Print a constant expression in parentheses: by itself where it is one instruction."""
        texts = self._constant_expression(expression)
        return f"({texts[0]})" if len(texts) == 1 else f"({word} {' '.join(texts)})"

    # -- declarations --

    def module_text(self) -> Iterator[str]:
        """Yield the lines of the whole module, function bodies included; raises what ``function`` raises."""
        name = self._names.module if self._names is not None else None
        yield f"(module {identifier(name)}" if name else "(module"
        for line in self.declarations(self.function):
            yield f"  {line}"
        yield ")"

    def declarations(self, function: Callable[[int], Iterable[str]] | None = None) -> Iterator[str]:
        """Yield the lines of everything that a module declares.

        ``function`` gives the lines of each function that the module defines; ``None`` leaves them out.
        """
        module = self.module
        yield from self._type_definitions()
        counts = dict.fromkeys(ExternKind, 0)
        for entry in module.imports:
            yield self._import(entry, counts[entry.kind])
            counts[entry.kind] += 1
        if function is not None:
            for index in range(self._imported, self._imported + len(module.codes)):
                yield from function(index)
        for index, table in enumerate(module.tables, counts[ExternKind.TABLE]):
            init = "" if table.init is None else f" ({') ('.join(self._constant_expression(table.init))})"
            yield _numbered(str(table.type), index, init)
        for index, memory in enumerate(module.memories, counts[ExternKind.MEM]):
            yield _numbered(str(memory), index)
        for index, typeidx in enumerate(module.tags, counts[ExternKind.TAG]):
            yield f"(tag (;{index};) (type {typeidx}))"
        for index, entry_ in enumerate(module.globals, counts[ExternKind.GLOBAL]):
            init = " ".join(self._constant_expression(entry_.init))
            yield f"(global (;{index};) {_global_type(entry_.type)} {init})"
        yield from map(self._export, module.exports)
        if module.start is not None:
            yield f"(start {self.function_name(module.start)})"
        yield from (self._element(index, segment) for index, segment in enumerate(module.elements))
        for index, segment_ in enumerate(module.data):
            yield from self._data(index, segment_)

    def _type_definitions(self) -> Iterator[str]:
        index = 0
        for group in self.module.types:
            lines = [f"(type (;{at};) {subtype})" for at, subtype in enumerate(group.subtypes, index)]
            index += len(lines)
            yield from lines if len(lines) == 1 else ("(rec", *(f"  {line}" for line in lines), ")")

    def _import(self, entry: Import, index: int) -> str:
        if isinstance(entry.type, int):
            header = self._header(index) if entry.kind is ExternKind.FUNC else f"(;{index};)"
            described = f"({_KEYWORDS[entry.kind]} {header} (type {entry.type}))"
        else:
            described = _numbered(str(entry.type), index)
        return f"(import {quoted(entry.module)} {quoted(entry.name)} {described})"

    def _export(self, entry: Export) -> str:
        is_function = entry.kind is ExternKind.FUNC
        target = self.function_name(entry.index) if is_function else str(entry.index)
        return f"(export {quoted(entry.name)} ({_KEYWORDS[entry.kind]} {target}))"

    def _element(self, index: int, segment: ElementSegment) -> str:
        parts = [f"(elem (;{index};)"]
        if segment.mode is SegmentMode.DECLARATIVE:
            parts.append("declare")
        elif segment.place is not None:
            if segment.table:
                parts.append(f"(table {segment.table})")
            parts.append(self._place(segment.place, "offset"))
        functions = [_function_reference(init) for init in segment.init]
        if None in functions or segment.type != RefType(False, AbsHeapType.FUNC):
            parts += [str(segment.type), *(self._place(init, "item") for init in segment.init)]
        else:
            parts += ["func", *(self.function_name(function) for function in functions if function is not None)]
        return f"{' '.join(parts)})"

    def _data(self, index: int, segment: DataSegment) -> Iterator[str]:
        start = f"(data (;{index};)"
        if segment.place is not None:
            memory = f" (memory {segment.memory})" if segment.memory else ""
            start += f"{memory} {self._place(segment.place, 'offset')}"
        chunks = [segment.init[at : at + _BYTES_A_LINE] for at in range(0, len(segment.init), _BYTES_A_LINE)]
        if len(chunks) <= 1:
            yield f"{start} {_data_string(segment.init)})"
            return
        yield start
        yield from (f"  {_data_string(chunk)}" for chunk in chunks)
        yield ")"


def _function_reference(init: Expression) -> int | None:
    """Return the function that an element's expression refers to by index, ``None`` where it is another expression."""
    if len(init.instructions) != 2:
        return None
    opcode, immediates = init.instructions[0]
    return int(immediates[0]) if opcode.constant and opcode.immediates == (Immediate.FUNCIDX,) else None


def _numbered(type_: str, index: int, more: str = "") -> str:
    """Put an index behind the keyword of a type's text, and what follows the type before its end."""
    keyword, _, rest = type_.partition(" ")
    return f"{keyword} (;{index};) {rest.removesuffix(')')}{more})"


def _result(types: ResultType) -> str:
    return f" (result {' '.join(map(str, types))})" if types else ""


def _declared(keyword: str, types: Iterable[tuple[int, ValType]], names: Mapping[int, str]) -> str:
    """Print parameters or locals: one parenthesis for each that has a name, one for each run of those without."""
    parts: list[str] = []
    run: list[str] = []
    for index, type_ in types:
        if index in names:
            parts += [f" ({keyword} {' '.join(run)})"] if run else []
            run = []
            parts.append(f" ({keyword} {names[index]} {type_})")
        else:
            run.append(str(type_))
    parts += [f" ({keyword} {' '.join(run)})"] if run else []
    return "".join(parts)


def _global_type(type_: GlobalType) -> str:
    return f"(mut {type_.value})" if type_.mutable else str(type_.value)


def _constant(type_: NumType, value: Any) -> str:
    text = exact_text(type_, value)
    if type_ in (F32, F64) and value == value and value not in (float("inf"), float("-inf")):
        return f"{text} (;={float(value)!r};)"
    return text


def _memarg(opcode: Opcode, memarg: MemArg) -> str:
    parts = [f"{memarg.memory}"] if memarg.memory else []
    parts += [f"offset={memarg.offset}"] if memarg.offset else []
    natural = opcode.access is not None and opcode.access.width // 8 == 1 << memarg.align
    return " ".join(parts + ([] if natural else [f"align={1 << memarg.align}"]))


def _label(index: int, labels: list[int]) -> str:
    return f"{index} (;@{labels[-1 - index]};)" if index < len(labels) else str(index)


def _cast(cast: Cast, labels: list[int]) -> str:
    return f"{_label(cast.label, labels)} {cast.source} {cast.target}"


def _catch(catch: Catch, labels: list[int]) -> str:
    parts = [_CATCHES[catch.tag is not None, catch.reference]]
    parts += [] if catch.tag is None else [str(catch.tag)]
    return f"({' '.join(parts)} {_label(catch.label, labels)})"
