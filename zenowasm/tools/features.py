"""The proposals that a module uses, each with its first use."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Final

from attrs import frozen

from zenowasm.display import nearest
from zenowasm.interp.features import WASM_2, WASM_3, Feature
from zenowasm.interp.instructions import Immediate, Opcode
from zenowasm.interp.syntax.module import Expression, ExternKind, Module, SegmentMode
from zenowasm.interp.types import (
    I64,
    AbsHeapType,
    FuncType,
    GlobalType,
    MemType,
    RefType,
    StructType,
    SubType,
    TableType,
    ValType,
    VecType,
)

GROUPS: Final[Mapping[str, Feature]] = MappingProxyType(
    {
        "mvp": Feature.MVP,
        "wasm1": Feature.MUTABLE_GLOBALS,
        "wasm2": WASM_2 | Feature.SIMD,
        "wasm3": WASM_3,
        "all": WASM_3,
    }
)
"""Feature sets by name."""
FEATURES: Final[Mapping[str, Feature]] = MappingProxyType(
    {str(it.name).lower().replace("_", "-"): it for it in Feature if it.name}
)
_ALIASES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "mutable-global": "mutable-globals",
        "saturating-float-to-int": "nontrapping-conversions",
        "nontrapping-fptoint": "nontrapping-conversions",
        "sign-ext": "sign-extension",
        "simd128": "simd",
        "exception-handling": "exceptions",
    }
)
"""The names that other tools use for the same proposals."""
_HEAPS: Final[Mapping[AbsHeapType, Feature]] = MappingProxyType(
    {
        AbsHeapType.FUNC: Feature.REFERENCE_TYPES,
        AbsHeapType.EXTERN: Feature.REFERENCE_TYPES,
        AbsHeapType.EXN: Feature.EXCEPTIONS,
        AbsHeapType.NOEXN: Feature.EXCEPTIONS,
    }
)
"""The proposals that introduced the abstract reference types; all other types came with garbage collection."""
_PLAIN_CONSTANTS: Final = frozenset(
    {"i32.const", "i64.const", "f32.const", "f64.const", "v128.const", "global.get", "ref.null", "ref.func", "end"}
)
_TYPES: Final = frozenset({Immediate.REFTYPE, Immediate.NULLABLE_REFTYPE, Immediate.HEAPTYPE, Immediate.CAST})


@frozen
class Use:
    """A use of a feature: what uses it and, for an instruction, its function and byte offset."""

    feature: Feature
    what: str
    function: int | None = None
    offset: int | None = None


def parse_features(text: str) -> Feature:
    """Parse a list of features, such as ``mvp,simd`` or ``-gc``, starting from all of WebAssembly 3.0.

    A group replaces the features so far, a name adds a feature, and a name after a hyphen removes one. Raises
    ``ValueError``.
    """
    found = WASM_3
    for word in filter(None, text.lower().replace(" ", "").split(",")):
        name = word.removeprefix("-").replace("_", "-")
        name = _ALIASES.get(name, name)
        if word in GROUPS:
            found = GROUPS[word]
        elif name in FEATURES:
            found = found & ~FEATURES[name] if word.startswith("-") else found | FEATURES[name]
        else:
            near = nearest(name, [*GROUPS, *FEATURES, *_ALIASES])
            hint = f"did you mean {near}?" if near else f"expected some of {', '.join([*GROUPS, *FEATURES])}"
            raise ValueError(f"unknown feature {word[:80]!r}: {hint}")
    return found


def feature_name(feature: Feature) -> str:
    """Return the name by which users select a feature."""
    return next(name for name, it in FEATURES.items() if it is feature)


def uses(module: Module) -> Iterator[Use]:
    """Yield each use of a proposal, with repetitions; raises ``DecodeError`` if a body is malformed."""
    for index, subtype in enumerate(module.subtypes()):
        yield from (Use(it, f"type {index}") for it in _of_type(subtype))
    yield from (Use(Feature.GC, "a recursive type") for group in module.types if group.as_group)
    for entry in module.imports:
        yield from (Use(it, f"the import {entry.name!r}") for it in _of_extern(entry.kind, entry.type))
    for table in module.tables:
        yield from (Use(it, "a table") for it in _of_extern(ExternKind.TABLE, table.type))
        if table.init is not None:
            yield Use(Feature.FUNCTION_REFERENCES, "a table with an initial value")
            yield from _of_constant(table.init)
    if len(module.table_types()) > 1:
        yield Use(Feature.REFERENCE_TYPES, "more than one table")
    for memory in module.memories:
        yield from (Use(it, "a memory") for it in _of_extern(ExternKind.MEM, memory))
    if len(module.memory_types()) > 1:
        yield Use(Feature.MULTI_MEMORY, "more than one memory")
    yield from (Use(Feature.EXCEPTIONS, "a tag") for _ in module.tags)
    for variable in module.globals:
        yield from (Use(it, "a global") for it in _of_value(variable.type.value))
        yield from _of_constant(variable.init)
    yield from _of_exports(module)
    yield from _of_segments(module)
    imported = len(module.imported(ExternKind.FUNC))
    for index, code in enumerate(module.codes, imported):
        body = code.body()
        yield from (Use(it, "a local", index, code.offset) for _, type_ in body.locals for it in _of_value(type_))
        for (opcode, immediates), offset in zip(body.expression.instructions, body.expression.offsets, strict=True):
            if opcode.feature or opcode.immediates:
                yield from (Use(it, str(opcode), index, offset) for it in _of_instruction(opcode, immediates))


def first_uses(module: Module) -> dict[Feature, Use]:
    """Return the first use of each feature; raises the same errors as ``uses``."""
    found: dict[Feature, Use] = {}
    for use in uses(module):
        found.setdefault(use.feature, use)
    return found


def _of_type(subtype: SubType) -> Iterator[Feature]:
    if not subtype.final or subtype.supertypes:
        yield Feature.GC
    composite = subtype.composite
    if not isinstance(composite, FuncType):
        yield Feature.GC
        fields = composite.fields if isinstance(composite, StructType) else (composite.element,)
        yield from (it for field in fields if isinstance(field.storage, RefType) for it in _of_value(field.storage))
        return
    if len(composite.results) > 1:
        yield Feature.MULTI_VALUE
    for type_ in (*composite.parameters, *composite.results):
        yield from _of_value(type_)


def _of_value(type_: ValType) -> Iterator[Feature]:
    if isinstance(type_, VecType):
        yield Feature.SIMD
    elif isinstance(type_, RefType):
        if not isinstance(type_.heap, AbsHeapType):
            yield Feature.FUNCTION_REFERENCES
        else:
            yield _HEAPS.get(type_.heap, Feature.GC)
            if not type_.nullable:
                yield Feature.FUNCTION_REFERENCES


def _of_extern(kind: ExternKind, type_: int | TableType | MemType | GlobalType) -> Iterator[Feature]:
    if kind is ExternKind.TAG:
        yield Feature.EXCEPTIONS
    elif isinstance(type_, GlobalType):
        yield from _of_value(type_.value)
        if type_.mutable:
            yield Feature.MUTABLE_GLOBALS
    elif isinstance(type_, TableType | MemType):
        if type_.address is I64:
            yield Feature.MEMORY64
        if isinstance(type_, TableType) and type_.element != RefType(True, AbsHeapType.FUNC):
            yield from _of_value(type_.element)


def _of_exports(module: Module) -> Iterator[Use]:
    variables = module.global_types()
    for export in module.exports:
        if export.kind is ExternKind.GLOBAL and export.index < len(variables) and variables[export.index].mutable:
            yield Use(Feature.MUTABLE_GLOBALS, f"the export {export.name!r}")


def _of_segments(module: Module) -> Iterator[Use]:
    for element in module.elements:
        if element.mode is not SegmentMode.ACTIVE:
            yield Use(Feature.BULK_MEMORY, "an element segment that is not active")
        if element.form & 4:
            yield Use(Feature.REFERENCE_TYPES, "an element segment of expressions")
    for data in module.data:
        if data.mode is not SegmentMode.ACTIVE:
            yield Use(Feature.BULK_MEMORY, "a data segment that is not active")
    for place in (*(it.place for it in module.elements), *(it.place for it in module.data)):
        if place is not None:
            yield from _of_constant(place)


def _of_constant(expression: Expression) -> Iterator[Use]:
    for opcode, immediates in expression.instructions:
        if opcode.mnemonic not in _PLAIN_CONSTANTS and not opcode.feature:
            yield Use(Feature.EXTENDED_CONST, f"{opcode} in a constant expression")
        yield from (Use(it, f"{opcode} in a constant expression") for it in _of_instruction(opcode, immediates))


def _of_instruction(opcode: Opcode, immediates: Iterable[object]) -> Iterator[Feature]:
    if opcode.feature:
        yield opcode.feature
    for kind, value in zip(opcode.immediates, immediates, strict=True):
        if kind is Immediate.BLOCKTYPE:
            if isinstance(value, int):
                yield Feature.MULTI_VALUE
            elif isinstance(value, tuple):
                yield from (it for type_ in value for it in _of_value(type_))
        elif kind in _TYPES and isinstance(value, RefType):
            yield from _of_value(value)
