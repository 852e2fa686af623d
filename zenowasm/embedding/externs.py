"""Imports and exports of every kind: exports are wrapped, imports unwrapped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from zenowasm.backends import protocol
from zenowasm.embedding.functions import Function, host_function
from zenowasm.embedding.globals import Global
from zenowasm.embedding.memory import Memory
from zenowasm.embedding.table import Table
from zenowasm.embedding.tags import Tag
from zenowasm.embedding.values import to_guest
from zenowasm.interp.errors import LinkError
from zenowasm.interp.types import FuncType, GlobalType, ImportType, MemType, TableType

if TYPE_CHECKING:
    from zenowasm.embedding.store import Store

Extern: TypeAlias = Function | Memory | Table | Global | Tag


def wrapped(store: Store, raw: Any, name: str) -> Extern:
    """Wrap an engine's object in its Python object."""
    match raw.type:
        case FuncType():
            return Function.of(store, raw, name)
        case MemType():
            return Memory.of(store, raw)
        case TableType():
            return Table.of(store, raw)
        case GlobalType():
            return Global.of(store, raw)
    return Tag.of(store, raw)


def given(store: Store, wanted: ImportType, found: Any) -> protocol.Extern:
    """Return the engine's object for an import.

    A callable becomes a host function of the import's type; a number or a reference becomes an immutable global. Raises
    ``LinkError`` if neither fits.
    """
    if isinstance(found, Function | Memory | Table | Global | Tag):
        raw: protocol.Extern = found.raw
        return raw
    type_ = wanted.type
    name = f"{wanted.module}.{wanted.name}"
    if isinstance(type_, FuncType) and callable(found):
        return host_function(store, name, type_, found)
    if isinstance(type_, GlobalType) and not type_.mutable:
        try:
            return store.raw.new_global(type_, to_guest(store, type_.value, found))
        except (TypeError, ValueError) as error:
            raise LinkError(f"incompatible import type: {name} is a global: {error}") from None
    raise LinkError(f"incompatible import type: {name} is expected to be {type_} and is {type(found).__name__}")
