"""Prints modules and functions in the text format (specification, chapter 6), from decoded syntax.

What an instruction looks like comes from the instruction table. Names come from the name section where they are
known; numbers of functions, types and blocks stand in comments, so that text and binary can be compared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from attrs import Factory, frozen

from zenowasm.interp.binary import Names, encode_names
from zenowasm.interp.binary.custom import NAME_SECTION
from zenowasm.interp.binary.encoder import instruction_offsets
from zenowasm.interp.binary.hints import HINT_SECTION, Hints, decode_hints
from zenowasm.interp.errors import DecodeError, LimitError
from zenowasm.interp.instructions import Immediate, Opcode, Structure
from zenowasm.interp.syntax.module import (
    Body,
    Catch,
    CustomSection,
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
from zenowasm.interp.text.keywords import SECTION_WORDS
from zenowasm.interp.text.naming import Identifiers, bindable, quoted
from zenowasm.interp.text.type_printer import TypePrinter
from zenowasm.interp.text.values import exact_text
from zenowasm.interp.types import (
    F32,
    F64,
    I32,
    I64,
    AbsHeapType,
    FuncType,
    NumType,
    RefType,
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
_INDEXES: Mapping[ExternKind, Immediate] = {
    ExternKind.FUNC: Immediate.FUNCIDX,
    ExternKind.TABLE: Immediate.TABLEIDX,
    ExternKind.MEM: Immediate.MEMIDX,
    ExternKind.GLOBAL: Immediate.GLOBALIDX,
    ExternKind.TAG: Immediate.TAGIDX,
}
"""The kind of immediate that refers to an entry."""
_CATCHES: Mapping[tuple[bool, bool], str] = {
    (True, False): "catch",
    (True, True): "catch_ref",
    (False, False): "catch_all",
    (False, True): "catch_all_ref",
}
"""The clauses of ``try_table`` (6.5.2), by whether they name a tag and whether they take the exception itself."""
_BYTES_A_LINE = 48
_WORDS = {section: word for word, section in SECTION_WORDS.items()}
_DEEPEST = 50
"""Levels of indentation, as many as wasm-tools prints."""


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

    @property
    def indented(self) -> str:
        """The text with its indentation, which ends growing at ``_DEEPEST``: else n nested blocks print n² spaces."""
        return self.indentation + self.text

    @property
    def indentation(self) -> str:
        """The spaces before the text."""
        return "  " * min(self.depth, _DEEPEST)


def _data_string(data: bytes) -> str:
    plain = frozenset(range(32, 127)) - frozenset(b'"\\')
    text = "".join(chr(byte) if byte in plain else f"\\{byte:02x}" for byte in data)
    return f'"{text}"'


class ModulePrinter:
    """Prints one module. The module need not be valid: what cannot be resolved stays a number."""

    def __init__(self, module: Module, names: Names | None = None) -> None:
        """Prepare to print with these names, or with numbers only."""
        self.module = module
        self._names = names = names or Names()
        self._spaces: Mapping[Immediate, Identifiers] = {
            Immediate.FUNCIDX: Identifiers(names.functions),
            Immediate.TABLEIDX: Identifiers(names.tables),
            Immediate.MEMIDX: Identifiers(names.memories),
            Immediate.GLOBALIDX: Identifiers(names.globals),
            Immediate.TAGIDX: Identifiers(names.tags),
            Immediate.ELEMIDX: Identifiers(names.elements),
            Immediate.DATAIDX: Identifiers(names.data),
        }
        self._type_printer = TypePrinter(names)
        self._types = module.function_types()
        self._subtypes = module.subtypes()
        self._imported = len(module.imported(ExternKind.FUNC))

    # -- names --

    def function_name(self, index: int) -> str:
        """Return a function's identifier, or its index where it has no name."""
        return self._spaces[Immediate.FUNCIDX].use(index)

    def _space(self, kind: ExternKind) -> Identifiers:
        return self._spaces[_INDEXES[kind]]

    def _locals(self, function: int) -> Identifiers:
        return Identifiers(self._names.locals.get(function, {}))

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
        scope = _Scope(self._locals(function), Identifiers(self._names.labels.get(function, {})))
        labels = 0
        expression = body.expression
        for pc, (opcode, immediates) in enumerate(expression.instructions):
            structure = opcode.structure
            depth = len(scope.open)
            opens = structure in (Structure.BLOCK, Structure.IF)
            text = self._instruction(opcode, immediates, scope, scope.labels.binding(labels) if opens else "")
            if opens:
                labels += 1
                scope.open.append(labels)
                text += f" (;@{labels};)"
            elif structure in (Structure.ELSE, Structure.END):
                depth = max(depth - 1, 0)
                if structure is Structure.END and scope.open:
                    scope.open.pop()
            yield InstructionLine(pc, expression.offsets[pc] if expression.offsets else 0, depth, text)

    def function(self, index: int) -> Iterator[str]:
        """Yield the lines of a function that the module defines, with its body.

        Raises ``DecodeError`` or ``LimitError`` when the body is malformed, ``IndexError`` when there is no such body.
        """
        if index < self._imported:
            raise IndexError(f"function {index} is imported")
        body = self.module.codes[index - self._imported].body()
        yield f"(func {self._space(ExternKind.FUNC).header(index)} {self._parameters(index)}"
        declared = self._local_declarations(index, body)
        if declared:
            yield f"  {declared}"
        *lines, _ = self.instructions(index, body)
        hints = self._hints.get(index, {})
        for line in lines:
            if line.pc in hints:
                yield f"  {line.indentation}(@{HINT_SECTION} {_data_string(bytes((hints[line.pc],)))})"
            yield f"  {line.indented}"
        yield ")"

    def _parameters(self, index: int) -> str:
        type_ = self.function_type(index) or FuncType()
        parameters = self._type_printer.declared("param", enumerate(type_.parameters), self._locals(index))
        return self._type_printer.external(self._types[index]) + parameters + self._type_printer.result(type_.results)

    def _local_declarations(self, index: int, body: Body) -> str:
        type_ = self.function_type(index) or FuncType()
        first = len(type_.parameters)
        types = locals_of(type_, body)[first:]
        return self._type_printer.declared("local", enumerate(types, first), self._locals(index)).strip()

    # -- instructions --

    def _instruction(self, opcode: Opcode, immediates: tuple[Any, ...], scope: _Scope, label: str = "") -> str:
        """Print an instruction; ``label`` is what a block binds."""
        if Immediate.FIELDIDX in opcode.immediates:
            typeidx, field = immediates
            return f"{opcode.mnemonic} {self._type_printer.index(typeidx)} {self._type_printer.field(typeidx, field)}"
        pairs = list(zip(opcode.immediates, immediates, strict=True))
        parts = [opcode.mnemonic, label]
        if any(value for kind, value in pairs if kind in _SPACES):
            parts += [self._spaces[kind].use(value) for kind, value in pairs if kind in _SPACES]
        for kind, value in pairs:
            if kind not in _SPACES:
                parts.append(self._immediate(opcode, kind, value, scope))
        return " ".join(part for part in parts if part)

    def _immediate(self, opcode: Opcode, kind: Immediate, value: Any, scope: _Scope) -> str:
        if kind in _NUMBERS:
            return _constant(_NUMBERS[kind], value)
        if kind in self._spaces:
            return self._spaces[kind].use(value)
        types = self._type_printer
        match kind:
            case Immediate.LOCALIDX:
                return scope.locals.use(value)
            case Immediate.MEMARG:
                return self._memarg(opcode, value)
            case Immediate.LABELIDX:
                return scope.label(value)
            case Immediate.LABELIDX_VEC:
                return " ".join(map(scope.label, value))
            case Immediate.BLOCKTYPE:
                return types.external(value) if isinstance(value, int) else types.result(value).strip()
            case Immediate.TYPEIDX:
                return types.external(value) if Immediate.TABLEIDX in opcode.immediates else types.index(value)
            case Immediate.HEAPTYPE:
                return types.heap(value)
            case Immediate.REFTYPE | Immediate.NULLABLE_REFTYPE:
                return types.value(value)
            case Immediate.CAST:
                return f"{scope.label(value.label)} {types.value(value.source)} {types.value(value.target)}"
            case Immediate.CATCH_VEC:
                return " ".join(self._catch(catch, scope) for catch in value)
            case Immediate.V128:
                return f"i32x4 {' '.join(f'0x{value >> shift & 0xFFFFFFFF:08x}' for shift in (0, 32, 64, 96))}"
            case Immediate.LANEIDX_16:
                return " ".join(map(str, value))
            case Immediate.VALTYPE_VEC:
                return types.result(value).strip() or "(result)"  # without it, the mnemonic means another row
            case _:
                return str(value)

    def _memarg(self, opcode: Opcode, memarg: MemArg) -> str:
        parts = [self._space(ExternKind.MEM).use(memarg.memory)] if memarg.memory else []
        parts += [f"offset={memarg.offset}"] if memarg.offset else []
        natural = opcode.access is not None and opcode.access.width // 8 == 1 << memarg.align
        return " ".join(parts + ([] if natural else [f"align={1 << memarg.align}"]))

    def _catch(self, catch: Catch, scope: _Scope) -> str:
        parts = [_CATCHES[catch.tag is not None, catch.reference]]
        parts += [] if catch.tag is None else [self._space(ExternKind.TAG).use(catch.tag)]
        return f"({' '.join(parts)} {scope.label(catch.label)})"

    def _constant_expression(self, expression: Expression) -> list[str]:
        scope = _Scope(Identifiers({}), Identifiers({}))
        return [self._instruction(opcode, immediates, scope) for opcode, immediates in expression.instructions[:-1]]

    def _place(self, expression: Expression, word: str) -> str:
        """Print a constant expression in parentheses: by itself where it is one instruction."""
        texts = self._constant_expression(expression)
        return f"({texts[0]})" if len(texts) == 1 else f"({word} {' '.join(texts)})"

    # -- declarations --

    def module_text(self) -> Iterator[str]:
        """Yield the lines of the whole module, function bodies included; raises what ``function`` raises.

        The text parses to the same bytes, as far as the module spells integers, sections and runs of locals the way
        ``encode`` does.
        """
        name = self._names.module
        binding = Identifiers({} if name is None else {0: name}).binding(0)
        yield f"(module {binding}".rstrip()
        for line in self.declarations(self.function):
            yield f"  {line}"
        for line in self._customs():
            yield f"  {line}"
        yield ")"

    def declarations(self, function: Callable[[int], Iterable[str]]) -> Iterator[str]:
        """Yield the lines of everything that a module declares, with what ``function`` gives for each of its own."""
        module = self.module
        types = self._type_printer
        yield from self._type_definitions()
        counts = dict.fromkeys(ExternKind, 0)
        for entry in module.imports:
            yield self._import(entry, counts[entry.kind])
            counts[entry.kind] += 1
        for index in range(self._imported, self._imported + len(module.codes)):
            yield from function(index)
        for index, table in enumerate(module.tables, counts[ExternKind.TABLE]):
            init = "" if table.init is None else f" ({') ('.join(self._constant_expression(table.init))})"
            yield f"(table {self._space(ExternKind.TABLE).header(index)} {types.external(table.type)}{init})"
        for index, memory in enumerate(module.memories, counts[ExternKind.MEM]):
            yield f"(memory {self._space(ExternKind.MEM).header(index)} {types.external(memory)})"
        for index, typeidx in enumerate(module.tags, counts[ExternKind.TAG]):
            yield f"(tag {self._space(ExternKind.TAG).header(index)} {types.external(typeidx)})"
        for index, entry_ in enumerate(module.globals, counts[ExternKind.GLOBAL]):
            init = " ".join(self._constant_expression(entry_.init))
            yield f"(global {self._space(ExternKind.GLOBAL).header(index)} {types.external(entry_.type)} {init})"
        yield from map(self._export, module.exports)
        if module.start is not None:
            yield f"(start {self.function_name(module.start)})"
        yield from (self._element(index, segment) for index, segment in enumerate(module.elements))
        for index, segment_ in enumerate(module.data):
            yield from self._data(index, segment_)

    def _type_definitions(self) -> Iterator[str]:
        index = 0
        for group in self.module.types:
            lines = [self._type_printer.definition(at, subtype) for at, subtype in enumerate(group.subtypes, index)]
            index += len(lines)
            is_group = group.as_group or len(lines) != 1
            yield from ("(rec", *(f"  {line}" for line in lines), ")") if is_group else lines

    def _import(self, entry: Import, index: int) -> str:
        is_function = entry.kind is ExternKind.FUNC
        type_ = self._parameters(index) if is_function else self._type_printer.external(entry.type)
        described = f"({_KEYWORDS[entry.kind]} {self._space(entry.kind).header(index)} {type_})"
        return f"(import {quoted(entry.module)} {quoted(entry.name)} {described})"

    def _export(self, entry: Export) -> str:
        target = self._space(entry.kind).use(entry.index)
        return f"(export {quoted(entry.name)} ({_KEYWORDS[entry.kind]} {target}))"

    def _element(self, index: int, segment: ElementSegment) -> str:
        parts = [f"(elem {self._spaces[Immediate.ELEMIDX].header(index)}"]
        if segment.mode is SegmentMode.DECLARATIVE:
            parts.append("declare")
        elif segment.place is not None:
            if segment.table or segment.form & 2:
                parts.append(f"(table {self._space(ExternKind.TABLE).use(segment.table)})")
            parts.append(self._place(segment.place, "offset"))
        functions = [_function_reference(init) for init in segment.init]
        if None in functions or segment.type != RefType(False, AbsHeapType.FUNC) or segment.form & 4:
            parts.append(self._type_printer.value(segment.type))
            parts += [self._place(init, "item") for init in segment.init]
        else:
            parts += ["func", *(self.function_name(function) for function in functions if function is not None)]
        return f"{' '.join(parts)})"

    def _data(self, index: int, segment: DataSegment) -> Iterator[str]:
        start = f"(data {self._spaces[Immediate.DATAIDX].header(index)}"
        if segment.place is not None:
            memory = f" (memory {self._space(ExternKind.MEM).use(segment.memory)})" if segment.memory else ""
            start += f"{memory} {self._place(segment.place, 'offset')}"
        yield from _with_bytes(start, segment.init)

    # -- custom sections (specification, custom annotations) --

    def _customs(self) -> Iterator[str]:
        """Yield the custom sections, but for those that identifiers and branch hints make."""
        customs = self.module.customs
        named = [custom for custom in customs if custom.name == NAME_SECTION]
        if len(named) == 1 and named[0].data == encode_names(bindable(self.module, self._names)):
            customs = tuple(custom for custom in customs if custom is not named[0])
        if self._hints:
            customs = tuple(custom for custom in customs if custom.name != HINT_SECTION)
        for custom in customs:
            yield from _with_bytes(f"(@custom {quoted(custom.name)} ({_place_of(custom)})", custom.data)

    # -- branch hints (the branch hinting proposal) --

    @cached_property
    def _hints(self) -> Hints:
        """The hints of each function by the index of their instructions; none where annotations cannot say them all."""
        module = self.module
        sections = [custom for custom in module.customs if custom.name == HINT_SECTION]
        if len(sections) != 1 or not _is_right_before_code(module, sections[0]):
            return {}
        try:
            found = {index: self._hinted(index, hints) for index, hints in decode_hints(sections[0]).items()}
        except (DecodeError, LimitError):
            return {}
        return found if all(found.values()) else {}

    def _hinted(self, index: int, hints: Mapping[int, int]) -> Mapping[int, int]:
        """Return the hints of a function by the index of their instructions, none where one has another target."""
        if not self._imported <= index < len(self._types):
            return {}
        code = self.module.codes[index - self._imported]
        body = code.body()
        starts = [at - code.offset for at in body.expression.offsets] or instruction_offsets(body)
        targets = {
            start: pc
            for pc, (start, it) in enumerate(zip(starts, body.expression.instructions, strict=True))
            if it.opcode.structure not in (Structure.ELSE, Structure.END)
        }
        return {targets[at]: hint for at, hint in hints.items()} if targets.keys() >= hints.keys() else {}


def _is_right_before_code(module: Module, section: CustomSection) -> bool:
    """Whether the code section comes after a custom section; a parsed module's sections are in no list."""
    if not module.sections:
        before = [it for it in module.customs if it.after == section.after]
        return section.after == "data_count" and before[-1] is section
    following = [it.name for it in module.sections if it.offset > section.offset]
    return following[:1] == ["codes"]


@frozen
class _Scope:
    """What instructions refer to inside a function. ``open`` holds the numbers of the open blocks, from 1."""

    locals: Identifiers
    labels: Identifiers
    open: list[int] = Factory(list)

    def label(self, index: int) -> str:
        """Return what refers to a label: its identifier, else its index and, as a comment, its block's number."""
        if index >= len(self.open):
            return str(index)
        number = self.open[-1 - index]
        return self.labels.use(number - 1) if self.labels.has(number - 1) else f"{index} (;@{number};)"


def _place_of(custom: CustomSection) -> str:
    """Return the place of a custom section, in words that other tools know too: they have none for the data count."""
    if custom.after is None:
        return "before first"
    return "before code" if custom.after == "data_count" else f"after {_WORDS[custom.after]}"


def _with_bytes(start: str, data: bytes) -> Iterator[str]:
    """Yield the lines of what ends with bytes: one string where they are few, else one a line."""
    chunks = [data[at : at + _BYTES_A_LINE] for at in range(0, len(data), _BYTES_A_LINE)]
    if len(chunks) <= 1:
        yield f"{start} {_data_string(data)})"
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


def _constant(type_: NumType, value: Any) -> str:
    text = exact_text(type_, value)
    if type_ in (F32, F64) and value == value and value not in (float("inf"), float("-inf")):
        return f"{text} (;={float(value)!r};)"
    return text
