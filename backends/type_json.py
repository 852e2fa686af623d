"""The types of imports and exports as JSON, for types that have the same meaning in all modules."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product, starmap
from types import MappingProxyType
from typing import Any, Final

from zenowasm.interp.types import (
    AbsHeapType,
    ExternType,
    FuncType,
    GlobalType,
    Limits,
    MemType,
    NumType,
    RefType,
    ResultType,
    TableType,
    TagType,
    ValType,
    VecType,
)

_VALUES: Final[Mapping[str, ValType]] = MappingProxyType(
    {it.value: it for it in NumType}
    | {it.value: it for it in VecType}
    | {str(it): it for it in starmap(RefType, product((True, False), AbsHeapType))}
)
"""Every value type that has the same meaning in all modules, by its text."""


class DefinedTypeError(Exception):
    """Raised for a reference to a type that a module defines, which has no meaning outside that module."""


def type_to_json(type: ExternType) -> list[Any]:
    """Return a type as JSON; raises ``DefinedTypeError``."""
    match type:
        case FuncType(parameters, results):
            return ["func", _names(parameters), _names(results)]
        case TableType(element, Limits(minimum, maximum), address):
            return ["table", *_names((element,)), minimum, maximum, address.value]
        case MemType(Limits(minimum, maximum), address):
            return ["memory", minimum, maximum, address.value]
        case GlobalType(value, mutable):
            return ["global", *_names((value,)), mutable]
        case TagType(FuncType(parameters)):
            return ["tag", _names(parameters)]


def type_from_json(written: list[Any]) -> ExternType:
    """Return the type that ``type_to_json`` wrote; raises ``KeyError``, ``TypeError`` or ``ValueError`` for others."""
    match written:
        case ["func", parameters, results]:
            return FuncType(_types(parameters), _types(results))
        case ["table", element, minimum, maximum, address]:
            type = _VALUES[element]
            if not isinstance(type, RefType):
                raise ValueError(f"no type of a table's elements: {element}")
            return TableType(type, Limits(minimum, maximum), NumType(address))
        case ["memory", minimum, maximum, address]:
            return MemType(Limits(minimum, maximum), NumType(address))
        case ["global", value, mutable]:
            return GlobalType(_VALUES[value], mutable)
        case ["tag", parameters]:
            return TagType(FuncType(_types(parameters)))
        case _:
            raise ValueError(f"no type of an import or export: {written!r}")


def _names(types: ResultType) -> list[str]:
    names = [str(it) for it in types]
    if any(name not in _VALUES for name in names):
        raise DefinedTypeError
    return names


def _types(names: list[str]) -> ResultType:
    return tuple(_VALUES[name] for name in names)
