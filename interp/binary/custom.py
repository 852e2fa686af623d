"""Custom sections (specification, appendix on custom sections). Their contents never make a module malformed."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, TypeAlias

from attrs import Factory, frozen

from zenowasm.interp.binary.reader import Reader
from zenowasm.interp.binary.writer import Writer
from zenowasm.interp.errors import DecodeError, LimitError
from zenowasm.interp.limits import ModuleLimits
from zenowasm.interp.syntax.module import Module

NAME_SECTION = "name"
_MODULE = 0

NameMap: TypeAlias = Mapping[int, str]
IndirectNameMap: TypeAlias = Mapping[int, Mapping[int, str]]


@frozen
class Names:
    """The names of the name section, by index; unnamed entries are absent.

    Names of locals and labels are grouped by function, names of fields and of a type's parameters by type.
    """

    module: str | None = None
    functions: NameMap = Factory(dict)
    locals: IndirectNameMap = Factory(dict)
    labels: IndirectNameMap = Factory(dict)
    types: NameMap = Factory(dict)
    tables: NameMap = Factory(dict)
    memories: NameMap = Factory(dict)
    globals: NameMap = Factory(dict)
    elements: NameMap = Factory(dict)
    data: NameMap = Factory(dict)
    fields: IndirectNameMap = Factory(dict)
    tags: NameMap = Factory(dict)
    parameters: IndirectNameMap = Factory(dict)


# The subsections by number, except the module's own: the entries that they name, and whether the map is indirect.
_SUBSECTIONS: Mapping[int, tuple[str, bool]] = {
    1: ("functions", False),
    2: ("locals", True),
    3: ("labels", True),
    4: ("types", False),
    5: ("tables", False),
    6: ("memories", False),
    7: ("globals", False),
    8: ("elements", False),
    9: ("data", False),
    10: ("fields", True),
    11: ("tags", False),
    12: ("parameters", True),
}


def decode_names(module: Module, limits: ModuleLimits | None = None) -> Names:
    """Return the names in the name section, as far as it is well-formed (specification, name section)."""
    limits = limits or ModuleLimits()
    section = next((custom for custom in module.customs if custom.name == NAME_SECTION), None)
    if section is None:
        return Names()
    found: dict[int, Reader] = {}
    reader = Reader(section.data, section.offset)
    with suppress(DecodeError):  # keep the subsections read so far
        while reader.left:
            identifier = reader.byte()
            size = reader.u32()
            base = reader.offset
            found[identifier] = Reader(reader.bytes(size), base)
    names: dict[str, Any] = {what: {} for what, _ in _SUBSECTIONS.values()}
    with suppress(DecodeError, LimitError):
        if _MODULE in found:
            names["module"] = found[_MODULE].name(limits.string_bytes)
        for number, (what, is_indirect) in _SUBSECTIONS.items():
            if number in found:
                (_indirect_name_map if is_indirect else _name_map)(found[number], names[what], limits)
    return Names(**names)


def _name_map(reader: Reader, names: dict[int, str], limits: ModuleLimits) -> None:
    for _ in range(reader.count(limits.functions, "names")):
        index = reader.u32()
        names[index] = reader.name(limits.string_bytes)


def _indirect_name_map(reader: Reader, names: dict[int, dict[int, str]], limits: ModuleLimits) -> None:
    for _ in range(reader.count(limits.functions, "groups of names")):
        _name_map(reader, names.setdefault(reader.u32(), {}), limits)


def encode_names(names: Names) -> bytes:
    """Return the contents of a name section, empty if there are no names (specification, name section)."""
    out = Writer()
    if names.module is not None:
        contents = Writer()
        contents.name(names.module)
        out.byte(_MODULE)
        out.sized(contents.data)
    for number, (what, is_indirect) in _SUBSECTIONS.items():
        entries: Mapping[int, Any] = getattr(names, what)
        if entries:
            contents = Writer()
            contents.vector(sorted(entries.items()), _name_group if is_indirect else _name)
            out.byte(number)
            out.sized(contents.data)
    return bytes(out.data)


def _name(out: Writer, entry: tuple[int, str]) -> None:
    index, name = entry
    out.unsigned(index)
    out.name(name)


def _name_group(out: Writer, entry: tuple[int, Mapping[int, str]]) -> None:
    index, names = entry
    out.unsigned(index)
    out.vector(sorted(names.items()), _name)
