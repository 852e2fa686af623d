"""Validation of modules (specification, 3.5)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import chain
from typing import Any

from attrs import define, field

from zenowasm.interp.errors import CompileLimitError, DecodeError, LimitError, ValidationError
from zenowasm.interp.matching import fault_of_size, matches_valtype
from zenowasm.interp.progress import Progress, no_checkpoint
from zenowasm.interp.syntax.module import (
    Code,
    DataSegment,
    ElementSegment,
    Export,
    ExternKind,
    Module,
    SegmentMode,
    Table,
)
from zenowasm.interp.types import FuncType, MemType, RefType, TableType
from zenowasm.interp.validation.context import Context, function_type
from zenowasm.interp.validation.function import validate_constant, validate_function


@define(eq=False)
class ValidModule:
    """A valid module with its context. Only ``validate_module`` and ``validate_lazily`` create instances.

    Executors fill ``codes`` and ``defaults`` (their form of each function and of each structure type, by index),
    ``function_names`` (from the name section) and ``startup`` (all the work of instantiation), once for all instances
    of the module. ``packed_codes`` is the embedder's persistent form of ``codes``, as bytes, if it keeps one.
    ``checkpoint`` receives the memory that compiling one function holds, in bytes, and may end the compilation.
    """

    module: Module
    context: Context = field(repr=False)
    checkpoint: Callable[[int], None] = field(default=no_checkpoint, repr=False)
    codes: dict[int, Any] = field(factory=dict, repr=False)
    packed_codes: dict[int, bytes] | None = field(default=None, repr=False)
    defaults: dict[int, list[Any]] = field(factory=dict, repr=False)
    function_names: Mapping[int, str] | None = field(default=None, repr=False)
    startup: Any = field(default=None, repr=False)


def validate_module(module: Module, progress: Progress | None = None) -> ValidModule:
    """Validate a whole module, function bodies included.

    Raises ``ValidationError`` if it is invalid, ``DecodeError`` if a body is malformed. By the specification, a
    malformed body counts even if another part of the module is invalid. Raises any error of ``progress``.
    """
    progress = progress or Progress()
    decoded = 0
    try:
        context = validate_structure(module, progress)
        first = len(context.functions) - len(module.functions)
        for index, code in enumerate(module.codes):
            decoded = index + 1
            _function(context, first + index, code, progress)
    except ValidationError:
        decode_bodies(module.codes[decoded:], progress)
        raise
    return ValidModule(module, context)


def validate_lazily(
    module: Module, progress: Progress | None = None, checkpoint: Callable[[int], None] = no_checkpoint
) -> ValidModule:
    """Validate everything except function bodies; an executor validates each body when it first compiles it.

    Raises ``ValidationError``, and any error of ``progress``. The executor uses ``checkpoint`` for the bodies.
    """
    return ValidModule(module, validate_structure(module, progress), checkpoint)


def decode_bodies(codes: Sequence[Code], progress: Progress) -> None:
    """Decode bodies to check that they are well-formed; raises ``DecodeError``, and any error of ``progress``."""
    for code in codes:
        with _released(progress):
            code.body(progress)


@contextmanager
def _released(progress: Progress) -> Iterator[None]:
    """Stop counting memory that is allocated inside the context when the context ends."""
    held = progress.held
    yield
    progress.held = held


def errors_of(module: Module, progress: Progress | None = None) -> Iterator[DecodeError | LimitError | ValidationError]:
    """Yield the errors of a module, at most one per function, since later ones may be its consequences.

    If the types or imports are invalid, that is the only error. Raises any error of ``progress``.
    """
    progress = progress or Progress()
    try:
        context = Context.of(module)
    except ValidationError as error:
        yield error
        return
    first = len(context.functions) - len(module.functions)
    bodies: Iterator[Callable[[], None]] = (
        partial(_function, context, index, code, progress) for index, code in enumerate(module.codes, first)
    )
    for check in chain(_checks(context, module, progress), bodies):
        try:
            check()
        except CompileLimitError:
            raise
        except (DecodeError, LimitError, ValidationError) as error:
            yield error


def _function(context: Context, index: int, code: Code, progress: Progress) -> None:
    with _released(progress):
        validate_function(context, index, code.body(progress), progress=progress)


def validate_structure(module: Module, progress: Progress | None = None) -> Context:
    """Validate everything except the function bodies; return the module's context (specification, 3.5.15)."""
    context = Context.of(module)
    for check in _checks(context, module, progress or Progress()):
        check()
    return context


def _checks(context: Context, module: Module, progress: Progress) -> Iterator[Callable[[], None]]:
    """Yield a check for each part of a module except the function bodies."""
    for tag in context.tags:
        yield partial(_tag, function_type(tag))
    sized: list[TableType | MemType] = [*context.tables, *context.memories]
    for declared in sized:
        yield partial(_size, declared)
    imported_tables = len(context.tables) - len(module.tables)
    for entry, table in zip(module.tables, context.tables[imported_tables:], strict=True):
        yield partial(_table, context, entry, table, progress)
    first = context.imported_globals
    for index, variable in enumerate(module.globals, start=first):
        yield partial(validate_constant, context, variable.init, context.globals[index].value, index, progress)
    for element, type_ in zip(module.elements, context.elements, strict=True):
        yield partial(_element, context, element, type_, progress)
    for data in module.data:
        yield partial(_data, context, data)
    yield partial(_start, context, module)
    yield from _exports(context, module)


def _tag(type_: FuncType) -> None:
    if type_.results:
        raise ValidationError(f"non-empty tag result type: {type_}")


def _size(declared: TableType | MemType) -> None:
    fault = fault_of_size(declared)
    if fault is not None:
        raise ValidationError(fault)


def _table(context: Context, entry: Table, type_: TableType, progress: Progress) -> None:
    """Check a table that the module defines (3.5.5)."""
    if entry.init is not None:
        validate_constant(context, entry.init, type_.element, context.imported_globals, progress)
    elif not type_.element.nullable:
        raise ValidationError(f"type mismatch: a table of {type_.element} needs an initial value")


def _element(context: Context, segment: ElementSegment, type_: RefType, progress: Progress) -> None:
    """Check an element segment (3.5.9)."""
    visible = len(context.globals)
    for init in segment.init:
        validate_constant(context, init, type_, visible, progress)
    if segment.mode is not SegmentMode.ACTIVE:
        return
    if segment.table >= len(context.tables):
        raise ValidationError(f"unknown table {segment.table}", offset=segment.offset)
    table: TableType = context.tables[segment.table]
    if not matches_valtype(type_, table.element):
        raise ValidationError(
            f"type mismatch: a segment of {type_} for a table of {table.element}", offset=segment.offset
        )
    assert segment.place is not None
    validate_constant(context, segment.place, table.address, visible)


def _data(context: Context, segment: DataSegment) -> None:
    """Check a data segment (3.5.8)."""
    if segment.mode is not SegmentMode.ACTIVE:
        return
    if segment.memory >= len(context.memories):
        raise ValidationError(f"unknown memory {segment.memory}", offset=segment.offset)
    assert segment.place is not None
    validate_constant(context, segment.place, context.memories[segment.memory].address, len(context.globals))


def _start(context: Context, module: Module) -> None:
    """Check the start function (3.5.10)."""
    if module.start is None:
        return
    if module.start >= len(context.functions):
        raise ValidationError(f"unknown function {module.start}: it is declared to be the start function")
    if (type_ := function_type(context.functions[module.start])) != FuncType():
        raise ValidationError(f"start function: it must have no parameters and no results, it has type {type_}")


def _exports(context: Context, module: Module) -> Iterator[Callable[[], None]]:
    """Yield a check for each export (3.5.12)."""
    spaces = {
        ExternKind.FUNC: ("function", len(context.functions)),
        ExternKind.TABLE: ("table", len(context.tables)),
        ExternKind.MEM: ("memory", len(context.memories)),
        ExternKind.GLOBAL: ("global", len(context.globals)),
        ExternKind.TAG: ("tag", len(context.tags)),
    }
    seen: set[str] = set()
    for export in module.exports:
        yield partial(_export, export, *spaces[export.kind], seen)


def _export(export: Export, what: str, count: int, seen: set[str]) -> None:
    """Check an export and add its name to ``seen``."""
    if export.index >= count:
        raise ValidationError(
            f"unknown {what} {export.index}: export {export.name!r} names it, the module has {count}",
            offset=export.offset,
        )
    if export.name in seen:
        raise ValidationError(f"duplicate export name {export.name!r}", offset=export.offset)
    seen.add(export.name)
