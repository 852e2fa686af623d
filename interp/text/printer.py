"""Prints modules and functions in the text format (specification, chapter 6), from decoded syntax.

The instruction table defines the form of an instruction. Known names come from the name section; comments give the
numbers of functions, types and blocks, so that you can compare text and binary.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import Enum
from functools import cached_property

from attrs import frozen

from zenowasm.interp.binary import Names, encode_names
from zenowasm.interp.binary.custom import NAME_SECTION
from zenowasm.interp.binary.encoder import instruction_offsets
from zenowasm.interp.binary.hints import HINT_SECTION, Hints, decode_hints
from zenowasm.interp.errors import DecodeError, LimitError, ValidationError
from zenowasm.interp.instructions import Immediate, Structure
from zenowasm.interp.syntax.module import (
    Body,
    CustomSection,
    DataSegment,
    ElementSegment,
    Export,
    Expression,
    ExternKind,
    Import,
    Module,
    SegmentMode,
    locals_of,
)
from zenowasm.interp.text.folding import fold
from zenowasm.interp.text.instruction_printer import InstructionPrinter, Scope
from zenowasm.interp.text.keywords import SECTION_WORDS
from zenowasm.interp.text.naming import Identifiers, bindable, quoted
from zenowasm.interp.text.type_printer import TypePrinter
from zenowasm.interp.types import AbsHeapType, FuncType, RefType
from zenowasm.interp.validation import Context, arities_of

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
"""The kind of immediate that refers to an entry of each kind."""
_BYTES_A_LINE = 48
_PLAIN = frozenset(range(32, 127)) - frozenset(b'"\\')
_BYTES = tuple(chr(byte) if byte in _PLAIN else f"\\{byte:02x}" for byte in range(256))
"""Each byte as it is printed in a string."""
_WORDS = {section: word for word, section in SECTION_WORDS.items()}
_DEEPEST = 50
"""The maximum level of indentation, as in wasm-tools: without it, n nested blocks would print n² spaces."""
_INDENTS = tuple("  " * (depth + 1) for depth in range(_DEEPEST + 1))


class Form(Enum):
    """The form of printed bodies: one instruction per line, folded, or omitted together with the data.

    A function whose body is invalid is printed flat, since folding depends on validation.
    """

    FLAT = "flat"
    FOLDED = "folded"
    SKELETON = "skeleton"


@frozen
class InstructionLine:
    """One printed instruction.

    ``pc`` is its index in the body, ``offset`` its byte offset in the module, ``depth`` the number of blocks around
    it, ``text`` the instruction itself, without indentation. Instructions parsed from text have the offset 0.
    """

    pc: int
    offset: int
    depth: int
    text: str

    @property
    def indented(self) -> str:
        """The text with its indentation, which is limited to ``_DEEPEST`` levels."""
        return self.indentation + self.text

    @property
    def indentation(self) -> str:
        """The indentation of the text."""
        return "  " * min(self.depth, _DEEPEST)


def _data_string(data: bytes) -> str:
    return f'"{"".join(map(_BYTES.__getitem__, data))}"'


def _hint(hint: int) -> str:
    return f"(@{HINT_SECTION} {_data_string(bytes((hint,)))})"


class ModulePrinter:
    """A printer for one module, which need not be valid: references that cannot be resolved are printed as numbers."""

    def __init__(self, module: Module, names: Names | None = None, *, form: Form = Form.FLAT) -> None:
        """Prepare to print with these names, or without names."""
        self.module = module
        self._form = form
        self.names = names = names or Names()
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
        self._instructions = InstructionPrinter(self._spaces, self._type_printer)
        self._types = module.function_types()
        self._subtypes = module.subtypes()
        self._imported = len(module.imported(ExternKind.FUNC))

    # -- names --

    def function_name(self, index: int) -> str:
        """Return a function's identifier, or its index if it has no name."""
        return self._spaces[Immediate.FUNCIDX].use(index)

    def _space(self, kind: ExternKind) -> Identifiers:
        return self._spaces[_INDEXES[kind]]

    def _locals(self, function: int) -> Identifiers:
        return Identifiers(self.names.locals.get(function, {}))

    def function_type(self, index: int) -> FuncType | None:
        """Return a function's type, or ``None`` if the index or the type is unknown."""
        return self.composite(self._types[index]) if index < len(self._types) else None

    def composite(self, typeidx: int) -> FuncType | None:
        """Return the function type with that type index, or ``None`` if there is none."""
        found = self._subtypes[typeidx].composite if typeidx < len(self._subtypes) else None
        return found if isinstance(found, FuncType) else None

    def extern_type(self, kind: ExternKind, index: int) -> str:
        """Return the type of an entry of an index space; ``unknown`` if the module is invalid and gives none."""
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
        """Yield every instruction of a function, including the final ``end``."""
        offsets = body.expression.offsets
        for pc, (depth, text) in enumerate(self._sequence(function, body)):
            yield InstructionLine(pc, offsets[pc] if offsets else 0, depth, text)

    def _sequence(self, function: int, body: Body) -> Iterator[tuple[int, str]]:
        scope = Scope(self._locals(function), Identifiers(self.names.labels.get(function, {})))
        return self._instructions.sequence(body.expression, scope)

    def function(self, index: int) -> Iterator[str]:
        """Yield the lines of a function that the module defines, including its body.

        Raises ``DecodeError`` or ``LimitError`` if the body is malformed, ``IndexError`` if there is no such body.
        """
        if index < self._imported:
            raise IndexError(f"function {index} is imported")
        code = self.module.codes[index - self._imported]
        if self._form is Form.SKELETON:
            yield f"{self._head(index)} ...)"
            return
        body = code.body()
        yield self._head(index)
        declared = self.locals_text(index, body)
        if declared:
            yield f"  {declared}"
        yield from self._folded(index, body) if self._form is Form.FOLDED else self._flat(index, body)
        yield ")"

    def _head(self, index: int) -> str:
        return f"(func {self._space(ExternKind.FUNC).header(index)} {self._parameters(index)}"

    def _flat(self, index: int, body: Body) -> list[str]:
        """Return the lines of a body, without the final ``end``."""
        lines = [f"{_INDENTS[min(depth, _DEEPEST)]}{text}" for depth, text in self._sequence(index, body)]
        lines.pop()
        hints = self._hints.get(index, {})
        for pc in sorted(hints, reverse=True):
            indent = lines[pc][: len(lines[pc]) - len(lines[pc].lstrip())]
            lines.insert(pc, f"{indent}{_hint(hints[pc])}")
        return lines

    def _folded(self, index: int, body: Body) -> Iterable[str]:
        """Return the lines of a body with folded instructions, or flat if the body is invalid."""
        if self._context is None:
            return self._flat(index, body)
        try:
            arities = arities_of(self._context, index, body)
        except ValidationError:
            return self._flat(index, body)
        hints = {pc: _hint(hint) for pc, hint in self._hints.get(index, {}).items()}
        texts = [text for _, text in self._sequence(index, body)]
        return fold(zip(body.expression.instructions, texts, arities, strict=True), hints, _INDENTS)

    @cached_property
    def _context(self) -> Context | None:
        try:
            return Context.of(self.module)
        except ValidationError:
            return None

    def _parameters(self, index: int) -> str:
        type_ = self.function_type(index) or FuncType()
        parameters = self._type_printer.declared("param", enumerate(type_.parameters), self._locals(index))
        return self._type_printer.external(self._types[index]) + parameters + self._type_printer.result(type_.results)

    def locals_text(self, index: int, body: Body) -> str:
        """Return the declarations of a function's locals, empty if it has none."""
        type_ = self.function_type(index) or FuncType()
        first = len(type_.parameters)
        types = locals_of(type_, body)[first:]
        return self._type_printer.declared("local", enumerate(types, first), self._locals(index)).strip()

    def _place(self, expression: Expression, word: str) -> str:
        """Print a constant expression: a single instruction as folded, others in parentheses after ``word``."""
        texts = self._instructions.constant(expression)
        return f"({texts[0]})" if len(texts) == 1 else f"({word} {' '.join(texts)})"

    # -- declarations --

    def module_text(self) -> Iterator[str]:
        """Yield the lines of the whole module, including function bodies; raises the errors of ``function``.

        The text assembles to the same bytes if the module encodes integers, sections and runs of locals in the same way
        as ``encode``.
        """
        name = self.names.module
        binding = Identifiers({} if name is None else {0: name}).binding(0)
        yield f"(module {binding}".rstrip()
        for line in self.declarations(self.function):
            yield f"  {line}"
        for line in self._customs():
            yield f"  {line}"
        yield ")"

    def declarations(self, function: Callable[[int], Iterable[str]]) -> Iterator[str]:
        """Yield the lines of all declarations; ``function`` supplies those of each function that the module defines."""
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
            init = "" if table.init is None else f" ({') ('.join(self._instructions.constant(table.init))})"
            yield f"(table {self._space(ExternKind.TABLE).header(index)} {types.external(table.type)}{init})"
        for index, memory in enumerate(module.memories, counts[ExternKind.MEM]):
            yield f"(memory {self._space(ExternKind.MEM).header(index)} {types.external(memory)})"
        for index, typeidx in enumerate(module.tags, counts[ExternKind.TAG]):
            yield f"(tag {self._space(ExternKind.TAG).header(index)} {types.external(typeidx)})"
        for index, entry_ in enumerate(module.globals, counts[ExternKind.GLOBAL]):
            init = " ".join(self._instructions.constant(entry_.init))
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
        if self._form is Form.SKELETON:
            yield f"{start} ...)"
        else:
            yield from _with_bytes(start, segment.init)

    # -- custom sections (specification, custom annotations) --

    def _customs(self) -> Iterator[str]:
        """Yield the custom sections, except those that identifiers and branch hints already express."""
        customs = self.module.customs
        named = [custom for custom in customs if custom.name == NAME_SECTION]
        if len(named) == 1 and named[0].data == encode_names(bindable(self.module, self.names)):
            customs = tuple(custom for custom in customs if custom is not named[0])
        if self._form is Form.SKELETON:
            return
        if self._hints:
            customs = tuple(custom for custom in customs if custom.name != HINT_SECTION)
        for custom in customs:
            yield from _with_bytes(f"(@custom {quoted(custom.name)} ({_place_of(custom)})", custom.data)

    # -- branch hints (the branch hinting proposal) --

    @cached_property
    def _hints(self) -> Hints:
        """The hints of each function by instruction index; empty if annotations cannot express all of them."""
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
        """Return a function's hints by instruction index; empty if the target of any is not a suitable instruction."""
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
    """Return whether the code section directly follows a custom section; a parsed module does not list sections."""
    if not module.sections:
        before = [it for it in module.customs if it.after == section.after]
        return section.after == "data_count" and before[-1] is section
    following = [it.name for it in module.sections if it.offset > section.offset]
    return following[:1] == ["codes"]


def _place_of(custom: CustomSection) -> str:
    """Return the place of a custom section in words that other tools accept; these have none for the data count."""
    if custom.after is None:
        return "before first"
    return "before code" if custom.after == "data_count" else f"after {_WORDS[custom.after]}"


def _with_bytes(start: str, data: bytes) -> Iterator[str]:
    """Yield the lines of a field that ends with bytes: a short string on the same line, else one string per line."""
    chunks = [data[at : at + _BYTES_A_LINE] for at in range(0, len(data), _BYTES_A_LINE)]
    if len(chunks) <= 1:
        yield f"{start} {_data_string(data)})"
        return
    yield start
    yield from (f"  {_data_string(chunk)}" for chunk in chunks)
    yield ")"


def _function_reference(init: Expression) -> int | None:
    """Return the index of the function that an element expression refers to, or ``None`` for any other expression."""
    if len(init.instructions) != 2:
        return None
    opcode, immediates = init.instructions[0]
    return int(immediates[0]) if opcode.constant and opcode.immediates == (Immediate.FUNCIDX,) else None
