"""The errors for an embedder's mistakes, so that every engine reports the same mistake in the same words."""

from __future__ import annotations

from zenowasm.interp.errors import LinkError
from zenowasm.interp.types import ExternType, FuncType, ImportType, TagType


def argument_count(type: FuncType, count: int) -> TypeError:
    """Return the error for calling a function with ``count`` arguments."""
    return TypeError(f"a function of type {type} was called with {count} argument{'' if count == 1 else 's'}")


def field_count(type: TagType, count: int) -> TypeError:
    """Return the error for creating an exception with ``count`` values."""
    return TypeError(f"an exception of {type} was made with {count} value{'' if count == 1 else 's'}")


def outside_memory(address: int, length: int, size: int) -> IndexError:
    """Return the error for accessing ``length`` bytes at ``address`` of a memory of ``size`` bytes."""
    return IndexError(f"{length} bytes at {address} are not inside the memory of {size} bytes")


def outside_table(index: int, size: int) -> IndexError:
    """Return the error for an index into a table of ``size`` elements."""
    return IndexError(f"index {index} is not inside the table of {size} elements")


def unknown_import(wanted: ImportType) -> LinkError:
    """Return the error for a missing import."""
    return LinkError(f"unknown import: {wanted.module}.{wanted.name} of type {wanted.type}")


def foreign_import(wanted: ImportType, found: object) -> LinkError | TypeError:
    """Return the error for an import that is not in the store: from another store, or no engine object at all."""
    if hasattr(found, "type"):
        return LinkError(f"incompatible import type: {wanted.module}.{wanted.name} belongs to another store")
    hint = "make one with Store.host_function" if callable(found) else "expected an export, or what a store makes"
    return TypeError(f"the import {wanted.module}.{wanted.name} of type {wanted.type} is given as {found!r}: {hint}")


def misfit_import(wanted: ImportType, found: ExternType) -> LinkError:
    """Return the error for an import whose type does not match."""
    return LinkError(
        f"incompatible import type: {wanted.module}.{wanted.name} is expected to be {wanted.type} and is {found}"
    )
