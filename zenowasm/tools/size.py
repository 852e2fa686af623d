"""The sizes of a module's parts: every byte belongs to one item."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import Enum
from itertools import pairwise
from types import MappingProxyType
from typing import Final

from attrs import frozen

from zenowasm.interp.binary import decode, decode_names
from zenowasm.interp.binary.raw_sections import RawSection, raw_sections
from zenowasm.interp.binary.sections import CODE, MAGIC, VERSION
from zenowasm.interp.progress import Progress
from zenowasm.interp.syntax.module import ExternKind, Module
from zenowasm.tools.metadata import metadata
from zenowasm.tools.naming import OTHER, function_names, package_of, readable

_DATA: Final = 11


@frozen
class Item:
    """Some bytes of a module: a function, a data segment, a whole section, or the overhead around them."""

    section: str
    name: str
    package: str
    size: int


class Grouping(Enum):
    """The criterion by which sizes are added up."""

    FUNCTION = "function"
    PACKAGE = "package"
    SECTION = "section"


_GROUPS: Final[Mapping[Grouping, Callable[[Item], str]]] = MappingProxyType(
    {
        Grouping.FUNCTION: lambda it: it.name,
        Grouping.PACKAGE: lambda it: it.package if it.section == "Code" else f"({it.section.lower()})",
        Grouping.SECTION: lambda it: it.section if it.section != "Custom" else f"Custom {it.name!r}",
    }
)


def sizes(binary: bytes, progress: Progress | None = None) -> list[Item]:
    """Divide a module's bytes into items; raises ``DecodeError`` or ``LimitError``."""
    module = decode(binary, progress=progress)
    languages = {it.name for it in metadata(binary).producers if it.field == "language"}
    found = [Item("Header", "(header)", OTHER, len(MAGIC + VERSION))]
    for section in raw_sections(binary):
        if section.number == CODE:
            found += _with_frame(section, list(_functions(module, languages)))
        elif section.number == _DATA:
            found += _with_frame(section, list(_segments(module, section)))
        else:
            name = section.name if section.name is not None else f"({section.title.lower()} section)"
            found.append(Item(section.title, name, OTHER, section.end - section.start))
    return found


def divided(items: Sequence[Item], grouping: Grouping) -> dict[str, list[Item]]:
    """Return the items of each group."""
    found: dict[str, list[Item]] = {}
    for item in items:
        found.setdefault(_GROUPS[grouping](item), []).append(item)
    return found


def grouped(items: Sequence[Item], grouping: Grouping) -> list[tuple[str, int]]:
    """Return the total size of each group, the largest first."""
    sums = {group: sum(it.size for it in those) for group, those in divided(items, grouping).items()}
    return sorted(sums.items(), key=lambda it: (-it[1], it[0]))


def _with_frame(section: RawSection, items: Sequence[Item]) -> Iterator[Item]:
    yield from items
    rest = section.end - section.start - sum(it.size for it in items)
    yield Item(section.title, f"({section.title.lower()} section)", OTHER, rest)


def _functions(module: Module, languages: set[str]) -> Iterator[Item]:
    names = function_names(module, decode_names(module))
    for index, code in enumerate(module.codes, len(module.imported(ExternKind.FUNC))):
        name = names[index]
        yield Item("Code", readable(name), package_of(name, languages), _leb_size(code.size) + code.size)


def _segments(module: Module, section: RawSection) -> Iterator[Item]:
    names = decode_names(module).data
    starts = [it.offset for it in module.data]
    for index, (start, end) in enumerate(pairwise([*starts, section.end])):
        name = names.get(index)
        yield Item("Data", f"data[{index}]" if name is None else f"data[{index}] {name}", OTHER, end - start)


def _leb_size(value: int) -> int:
    return max((value.bit_length() + 6) // 7, 1)
