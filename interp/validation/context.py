"""The validation context C (specification, 3.1.1): what a module's index spaces contain."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from zenowasm.interp.errors import ValidationError
from zenowasm.interp.instructions import TABLE
from zenowasm.interp.syntax.module import Expression, ExternKind, Module
from zenowasm.interp.types import FuncType, GlobalType, MemType, RefType, TableType

_REF_FUNC = TABLE.by_mnemonic["ref.func"]


@frozen(eq=False)
class Context:
    """What the instructions of a module may refer to by index.

    ``references`` are the functions that ``ref.func`` may name in bodies; ``constant_globals`` is the number of
    globals that constant expressions may read.
    """

    types: Sequence[FuncType]
    functions: Sequence[FuncType]
    tables: Sequence[TableType]
    memories: Sequence[MemType]
    globals: Sequence[GlobalType]
    elements: Sequence[RefType]
    data_count: int
    references: frozenset[int]
    constant_globals: int

    @classmethod
    def of(cls, module: Module) -> Context:
        """Build the context of a module; raises ``ValidationError`` for a function of an unknown type."""
        functions = []
        for typeidx in module.function_types():
            if typeidx >= len(module.types):
                raise ValidationError(f"unknown type {typeidx}: the module defines {len(module.types)}")
            functions.append(module.types[typeidx])
        global_types = module.global_types()
        return cls(
            types=module.types,
            functions=functions,
            tables=module.table_types(),
            memories=module.memory_types(),
            globals=global_types,
            elements=[segment.type for segment in module.elements],
            data_count=len(module.data),
            references=frozenset(_references(module)),
            constant_globals=len(global_types) - len(module.globals),
        )


def _references(module: Module) -> set[int]:
    """Return the functions that occur in the module outside of bodies and the start function (3.5.1)."""
    expressions: list[Expression] = [entry.init for entry in module.globals]
    for segment in module.elements:
        expressions += segment.init
    found = {export.index for export in module.exports if export.kind is ExternKind.FUNC}
    for expression in expressions:
        for opcode, immediates in expression.instructions:
            if opcode is _REF_FUNC:
                found.add(immediates[0])
    return found
