"""Lookups of the indices in immediates (specification, 3.4), for ``rules``; each fails for an unknown index."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zenowasm.interp.types import (
    ArrayType,
    DefType,
    FieldType,
    FuncType,
    GlobalType,
    MemType,
    RefType,
    StructType,
    TableType,
    ValType,
)
from zenowasm.interp.validation.context import function_type

if TYPE_CHECKING:
    from zenowasm.interp.validation.function import FunctionValidator as Validator


def find_functype(v: Validator, index: int) -> FuncType:
    """Return the function type that a type index names."""
    type_ = v.defined(index).composite
    if not isinstance(type_, FuncType):
        v.fail(f"type mismatch: a function type is expected, type {index} is {type_}")
    return type_


def find_tag(v: Validator, index: int) -> FuncType:
    """Return the function type of a tag."""
    if index >= len(v.context.tags):
        v.fail(f"unknown tag {index}: the module has {len(v.context.tags)}")
    return function_type(v.context.tags[index])


def find_function(v: Validator, index: int) -> DefType:
    """Return the type of a function."""
    if index >= len(v.context.functions):
        v.fail(f"unknown function {index}: the module has {len(v.context.functions)}")
    return v.context.functions[index]


def find_table(v: Validator, index: int) -> TableType:
    """Return the type of a table."""
    if index >= len(v.context.tables):
        v.fail(f"unknown table {index}: the module has {len(v.context.tables)}")
    return v.context.tables[index]


def find_memory(v: Validator, index: int) -> MemType:
    """Return the type of a memory."""
    if index >= len(v.context.memories):
        v.fail(f"unknown memory {index}: the module has {len(v.context.memories)}")
    return v.context.memories[index]


def find_global(v: Validator, index: int) -> GlobalType:
    """Return the type of a global."""
    if index >= len(v.context.globals):
        v.fail(f"unknown global {index}: the module has {len(v.context.globals)}")
    return v.context.globals[index]


def find_local(v: Validator, index: int) -> ValType:
    """Return the type of a local."""
    if index >= len(v.locals):
        v.fail(f"unknown local {index}: the function has {len(v.locals)}")
    return v.locals[index]


def find_element(v: Validator, index: int) -> RefType:
    """Return the type of an element segment."""
    if index >= len(v.context.elements):
        v.fail(f"unknown elem segment {index}: the module has {len(v.context.elements)}")
    return v.context.elements[index]


def find_data(v: Validator, index: int) -> None:
    """Check that the data segment exists."""
    if index >= v.context.data_count:
        v.fail(f"unknown data segment {index}: the module has {v.context.data_count}")


def find_struct(v: Validator, index: int) -> StructType:
    """Return the structure type that a type index names."""
    type_ = v.defined(index).composite
    if not isinstance(type_, StructType):
        v.fail(f"type mismatch: a structure type is expected, type {index} is {type_}")
    return type_


def find_array(v: Validator, index: int) -> FieldType:
    """Return the element type of the array type that a type index names."""
    type_ = v.defined(index).composite
    if not isinstance(type_, ArrayType):
        v.fail(f"type mismatch: an array type is expected, type {index} is {type_}")
    return type_.element


def find_field(v: Validator, typeidx: int, fieldidx: int) -> FieldType:
    """Return the type of a field of a structure type."""
    fields = find_struct(v, typeidx).fields
    if fieldidx >= len(fields):
        v.fail(f"unknown field {fieldidx}: type {typeidx} has {len(fields)}")
    field: FieldType = fields[fieldidx]
    return field
