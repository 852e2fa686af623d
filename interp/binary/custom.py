"""Custom sections (specification, appendix on custom sections). Their contents never make a module malformed."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import Factory, frozen

from zenowasm.interp.binary.reader import Reader
from zenowasm.interp.errors import DecodeError, LimitError
from zenowasm.interp.limits import ModuleLimits
from zenowasm.interp.syntax.module import Module

_MODULE, _FUNCTIONS, _LOCALS = 0, 1, 2


@frozen
class Names:
    """The names of the name section: of the module, of functions, and of locals by function; absent where unknown."""

    module: str | None = None
    functions: Mapping[int, str] = Factory(dict)
    locals: Mapping[int, Mapping[int, str]] = Factory(dict)


def decode_names(module: Module, limits: ModuleLimits | None = None) -> Names:
    """Return what the name section says, as far as it is well-formed (specification, name section)."""
    limits = limits or ModuleLimits()
    section = next((custom for custom in module.customs if custom.name == "name"), None)
    if section is None:
        return Names()
    found: dict[int, Reader] = {}
    reader = Reader(section.data, section.offset)
    try:
        while reader.left:
            identifier = reader.byte()
            size = reader.u32()
            base = reader.offset
            found[identifier] = Reader(reader.bytes(size), base)
    except DecodeError:
        pass  # what was read so far stands
    module_name = None
    functions: dict[int, str] = {}
    local_names: dict[int, dict[int, str]] = {}
    try:
        if _MODULE in found:
            module_name = found[_MODULE].name(limits.string_bytes)
        if _FUNCTIONS in found:
            _name_map(found[_FUNCTIONS], functions, limits)
        if _LOCALS in found:
            reader = found[_LOCALS]
            for _ in range(reader.count(limits.functions, "functions with names")):
                _name_map(reader, local_names.setdefault(reader.u32(), {}), limits)
    except (DecodeError, LimitError):
        pass  # what was read so far stands
    return Names(module_name, functions, local_names)


def _name_map(reader: Reader, names: dict[int, str], limits: ModuleLimits) -> None:
    for _ in range(reader.count(limits.functions, "names")):
        index = reader.u32()
        names[index] = reader.name(limits.string_bytes)
