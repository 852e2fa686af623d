"""The interface of a compiled module, cached with its code so that the binary need not be decoded."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import product, starmap
from types import MappingProxyType
from typing import Any, Final, Self

from attrs import frozen

from zenowasm.interp.types import (
    AbsHeapType,
    ExportType,
    ExternType,
    FuncType,
    GlobalType,
    ImportType,
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


@frozen
class Interface:
    """The imports and exports of a module, and the initial sizes of an instance.

    ``memory_bytes`` and ``table_elements`` count the module's own memories and tables. ``rewritten`` means that a
    rewritten module was compiled instead of the original (see ``metering``).
    """

    imports: tuple[ImportType, ...]
    exports: tuple[ExportType, ...]
    memory_bytes: int
    table_elements: int
    rewritten: bool

    def to_json(self) -> bytes:
        """Return the interface as one line of JSON, or ``null`` if it refers to a type that a module defines."""
        try:
            imports = [(it.module, it.name, _written(it.type)) for it in self.imports]
            exports = [(it.name, _written(it.type)) for it in self.exports]
        except _DefinedTypeError:
            return b"null"
        return json.dumps((imports, exports, self.memory_bytes, self.table_elements, self.rewritten)).encode()

    @classmethod
    def from_json(cls, text: bytes) -> Self | None:
        """Parse the output of ``to_json``, ``None`` for ``null``; raises ``ValueError`` for any other text."""
        try:
            entry = json.loads(text)
            if entry is None:
                return None
            imports, exports, memory_bytes, table_elements, rewritten = entry
            return cls(
                tuple(ImportType(module, name, _read(type)) for module, name, type in imports),
                tuple(ExportType(name, _read(type)) for name, type in exports),
                memory_bytes,
                table_elements,
                rewritten,
            )
        except (KeyError, TypeError) as error:
            raise ValueError("not the interface of a module") from error


class _DefinedTypeError(Exception):
    """Raised for a reference to a type that a module defines, which has no meaning outside that module."""


def _written(type: ExternType) -> list[Any]:
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


def _names(types: ResultType) -> list[str]:
    names = [str(it) for it in types]
    if any(name not in _VALUES for name in names):
        raise _DefinedTypeError
    return names


def _read(written: list[Any]) -> ExternType:
    match written:
        case ["func", parameters, results]:
            return FuncType(_types(parameters), _types(results))
        case ["table", element, minimum, maximum, address]:
            type = _VALUES[element]
            assert isinstance(type, RefType)
            return TableType(type, Limits(minimum, maximum), NumType(address))
        case ["memory", minimum, maximum, address]:
            return MemType(Limits(minimum, maximum), NumType(address))
        case ["global", value, mutable]:
            return GlobalType(_VALUES[value], mutable)
        case ["tag", parameters]:
            return TagType(FuncType(_types(parameters)))
        case _:
            raise ValueError(f"no type of an import or export: {written!r}")


def _types(names: list[str]) -> ResultType:
    return tuple(_VALUES[name] for name in names)
