"""Checks of the custom sections that the specification defines, for ``assert_malformed_custom`` and its kin.

The name section follows the specification's appendix with all index spaces; branch hints are in the custom section
``metadata.code.branch_hint``. Engines do not check these sections, as they make no module malformed or invalid.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from attrs import frozen

from zenowasm.interp.binary import decode
from zenowasm.interp.binary.custom import NAME_SECTION
from zenowasm.interp.binary.hints import HINT_SECTION, decode_hints
from zenowasm.interp.binary.reader import Reader
from zenowasm.interp.errors import DecodeError, ValidationError
from zenowasm.interp.limits import ModuleLimits
from zenowasm.interp.syntax.module import CustomSection, ExternKind, Module
from zenowasm.interp.types import FuncType, StructType

_BLOCKS = frozenset({"block", "loop", "if", "try_table"})
_HINTED = frozenset({"if", "br_if"})
_AFTER_CODE = frozenset({"codes", "data"})
_LIMITS = ModuleLimits()


def check_customs(binary: bytes) -> None:
    """Check the custom sections of an otherwise valid module.

    Raises ``DecodeError`` for a malformed section, ``ValidationError`` for one that refers to something that the module
    does not have.
    """
    module = decode(binary)
    found: dict[str, CustomSection] = {}
    for section in module.customs:
        check = _CHECKS.get(section.name)
        if check is None:
            continue
        if section.name in found:
            raise DecodeError(f"duplicate {section.name} section", section.offset)
        found[section.name] = section
        check(module, section)


def _check_names(module: Module, section: CustomSection) -> None:
    if any(it.offset > section.offset and not it.name.startswith("custom ") for it in module.sections):
        raise DecodeError("misplaced name section: expected after all other sections", section.offset)
    reader, last = Reader(section.data, section.offset), -1
    spaces = _spaces(module)
    while reader.left:
        start = reader.offset
        number, size = reader.byte(), reader.u32()
        if number <= last or number > max(spaces):
            raise DecodeError(f"invalid name subsection id {number}", start)
        base = reader.offset
        contents = Reader(reader.bytes(size), base)
        _check_subsection(contents, spaces[number])
        if contents.left:
            raise DecodeError("name subsection size mismatch", contents.offset)
        last = number


@frozen
class _Space:
    """The kind and number of a subsection's indices; for indirect names, also those of the inner indices."""

    what: str
    count: int = 0
    inner: str = ""
    within: Callable[[int], int] = int


def _spaces(module: Module) -> Mapping[int, _Space]:
    functions, tags = module.function_types(), module.tag_types()
    types = module.subtypes()
    imported = len(module.imported(ExternKind.FUNC))

    def parameters(index: int) -> int:
        composite = types[index].composite
        if not isinstance(composite, FuncType):
            raise ValidationError(f"parameter names of type {index}, which is no function type")
        return len(composite.parameters)

    def fields(index: int) -> int:
        composite = types[index].composite
        if not isinstance(composite, StructType):
            raise ValidationError(f"field names of type {index}, which is no structure type")
        return len(composite.fields)

    def locals_(index: int) -> int:
        declared = 0 if index < imported else sum(run for run, _ in module.codes[index - imported].body().locals)
        return parameters(functions[index]) + declared

    def labels(index: int) -> int:
        return 0 if index < imported else sum(name in _BLOCKS for _, name in _instructions(module, index))

    return {
        0: _Space("module"),
        1: _Space("function", len(functions)),
        2: _Space("function", len(functions), "local", locals_),
        3: _Space("function", len(functions), "label", labels),
        4: _Space("type", len(types)),
        5: _Space("table", len(module.table_types())),
        6: _Space("memory", len(module.memory_types())),
        7: _Space("global", len(module.global_types())),
        8: _Space("element segment", len(module.elements)),
        9: _Space("data segment", len(module.data)),
        10: _Space("type", len(types), "field", fields),
        11: _Space("tag", len(tags)),
        12: _Space("type", len(types), "parameter", parameters),
        13: _Space("tag", len(tags), "parameter", lambda index: parameters(tags[index])),
    }


def _check_subsection(reader: Reader, space: _Space) -> None:
    if space.what == "module":
        reader.name(_LIMITS.string_bytes)
        return
    for index in _indexes(reader, space.what, space.count):
        if space.inner:
            for _ in _indexes(reader, space.inner, space.within(index)):
                reader.name(_LIMITS.string_bytes)
        else:
            reader.name(_LIMITS.string_bytes)


def _indexes(reader: Reader, what: str, count: int) -> Iterator[int]:
    """Yield the index of each entry of a vector; read an entry's contents before the next index."""
    for index in reader.increasing(_LIMITS.functions, what):
        if index >= count:
            raise ValidationError(f"invalid {what} index {index}: there are {count}", offset=reader.offset)
        yield index


def _check_hints(module: Module, section: CustomSection) -> None:
    if section.after in _AFTER_CODE:
        raise DecodeError("misplaced branch hints: expected before the code section", section.offset)
    imported, functions = len(module.imported(ExternKind.FUNC)), len(module.function_types())
    for index, hints in decode_hints(section).items():
        if index >= functions:
            raise ValidationError(f"invalid function index {index}: there are {functions}", offset=section.offset)
        if index < imported:
            raise ValidationError(f"branch hints of the imported function {index}", offset=section.offset)
        start = module.codes[index - imported].offset
        names = {offset - start: name for offset, name in _instructions(module, index)}
        for offset in hints:
            if names.get(offset) not in _HINTED:
                message = f"invalid target of a branch hint: byte {offset} of function {index}"
                raise ValidationError(message, offset=start + offset)


def _instructions(module: Module, index: int) -> Sequence[tuple[int, str]]:
    """Return the offset and the name of each instruction of a defined function."""
    expression = module.codes[index - len(module.imported(ExternKind.FUNC))].body().expression
    return [(at, it.opcode.mnemonic) for at, it in zip(expression.offsets, expression.instructions, strict=True)]


_CHECKS: Mapping[str, Callable[[Module, CustomSection], None]] = {
    NAME_SECTION: _check_names,
    HINT_SECTION: _check_hints,
}
