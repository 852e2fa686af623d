"""Comparison of two modules by function; names replace indexes, so a function that only moved is not a difference."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from difflib import unified_diff
from enum import Enum
from functools import cached_property
from typing import Final

from attrs import evolve, frozen

from zenowasm.interp.binary import decode, decode_names
from zenowasm.interp.binary.raw_sections import raw_sections
from zenowasm.interp.progress import Progress
from zenowasm.interp.syntax.module import ExternKind
from zenowasm.interp.text.printer import ModulePrinter
from zenowasm.tools.naming import find_function, function_names

_UNNAMED: Final = "func["


class Change(Enum):
    """The kind of a difference between two modules."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@frozen
class FunctionChange:
    """A changed function: its name, and the size of its code in each module that has it."""

    change: Change
    name: str
    before: int | None
    after: int | None


@frozen
class Difference:
    """The differences of two modules; false if they differ only in their encoding."""

    functions: tuple[FunctionChange, ...]
    imports: tuple[tuple[Change, str], ...]
    exports: tuple[tuple[Change, str], ...]
    sections: tuple[tuple[str, int, int], ...]

    def __bool__(self) -> bool:
        return bool(self.functions or self.imports or self.exports or self.sections)


class Side:
    """One of the two modules; its functions are texts in which names common to both modules replace indexes."""

    def __init__(self, binary: bytes, progress: Progress | None = None) -> None:
        """Decode a module; raises ``DecodeError`` or ``LimitError``."""
        self.binary = binary
        self.module = decode(binary, progress=progress)
        names = decode_names(self.module)
        self.names = function_names(self.module, names)
        self.first = len(self.module.imported(ExternKind.FUNC))
        types = {index: str(subtype.composite) for index, subtype in enumerate(self.module.subtypes())}
        known = {index: name for index, name in enumerate(self.names) if not name.startswith(_UNNAMED)}
        self.printer = ModulePrinter(self.module, evolve(names, functions=known, types=types))

    def text(self, function: int) -> list[str]:
        """Return a function's text without indexes: its type, locals and instructions."""
        body = self.module.codes[function - self.first].body()
        head = [str(self.printer.function_type(function)), self.printer.locals_text(function, body)]
        return [*filter(None, head), *(line.indented for line in self.printer.instructions(function, body))]

    def size(self, function: int) -> int:
        """Return the size of a function's code."""
        return self.module.codes[function - self.first].size

    @cached_property
    def functions(self) -> Mapping[str, int]:
        """The functions that the module defines, by name; duplicate names get a number, except the first."""
        seen: Counter[str] = Counter()
        found: dict[str, int] = {}
        for index in range(self.first, self.first + len(self.module.codes)):
            name = self.names[index]
            seen[name] += 1
            found[name if seen[name] == 1 else f"{name} #{seen[name]}"] = index
        return found

    @cached_property
    def imports(self) -> Counter[str]:
        """The imports with their types."""
        counts = dict.fromkeys(ExternKind, 0)
        found: Counter[str] = Counter()
        for entry in self.module.imports:
            found[f"{entry.module}.{entry.name} {self.printer.extern_type(entry.kind, counts[entry.kind])}"] += 1
            counts[entry.kind] += 1
        return found

    @cached_property
    def exports(self) -> Counter[str]:
        """The exports with their types."""
        return Counter(f"{it.name} {self.printer.extern_type(it.kind, it.index)}" for it in self.module.exports)

    @cached_property
    def sections(self) -> Mapping[str, bytes]:
        """The parts compared as raw bytes: data and custom sections."""
        return {
            it.title if it.name is None else f"Custom {it.name!r}": self.binary[it.offset : it.end]
            for it in raw_sections(self.binary)
            if it.name not in (None, "name") or it.title == "Data"
        }


def compare(first: Side, second: Side) -> Difference:
    """Return the differences of the second module from the first; raises ``DecodeError`` if a body is malformed."""
    names = [*dict.fromkeys([*first.sections, *second.sections])]
    return Difference(
        tuple(_functions(first, second)),
        _entries(first.imports, second.imports),
        _entries(first.exports, second.exports),
        tuple(
            (name, len(first.sections.get(name, b"")), len(second.sections.get(name, b"")))
            for name in names
            if first.sections.get(name) != second.sections.get(name)
        ),
    )


def unified(first: Side, second: Side, function: str, names: tuple[str, str]) -> list[str]:
    """Return a function's change in the format of ``diff -u``; raises ``ValueError`` for an unknown function."""
    before, after = (
        side.text(side.functions[function]) if function in side.functions else [] for side in (first, second)
    )
    if not before and not after:
        defined = {name: index for side in (first, second) for name, index in side.functions.items()}
        find_function(first.module, [*defined], function)
    return list(unified_diff(before, after, *names, lineterm=""))


def _functions(first: Side, second: Side) -> list[FunctionChange]:
    """Pair functions by name; pair unnamed ones by content, then by order."""
    found: list[FunctionChange] = []
    before, after = dict(first.functions), dict(second.functions)
    _drop_equal_unnamed(first, second, before, after)
    for name, index in before.items():
        there = after.get(name)
        if there is None:
            found.append(FunctionChange(Change.REMOVED, name, first.size(index), None))
        elif first.text(index) != second.text(there):
            found.append(FunctionChange(Change.CHANGED, name, first.size(index), second.size(there)))
    found += [
        FunctionChange(Change.ADDED, name, None, second.size(index))
        for name, index in after.items()
        if name not in before
    ]
    return sorted(found, key=lambda it: (-abs((it.after or 0) - (it.before or 0)), it.name))


def _drop_equal_unnamed(first: Side, second: Side, before: dict[str, int], after: dict[str, int]) -> None:
    """Drop unnamed functions that are in both modules, wherever they are."""
    by_text: dict[tuple[str, ...], list[str]] = {}
    for name, index in after.items():
        if name.startswith(_UNNAMED):
            by_text.setdefault(tuple(second.text(index)), []).append(name)
    for name, index in list(before.items()):
        equal = by_text.get(tuple(first.text(index))) if name.startswith(_UNNAMED) else None
        if equal:
            del before[name]
            del after[equal.pop()]


def _entries(before: Counter[str], after: Counter[str]) -> tuple[tuple[Change, str], ...]:
    removed: Sequence[str] = [*(before - after).elements()]
    added: Sequence[str] = [*(after - before).elements()]
    return (*((Change.REMOVED, it) for it in removed), *((Change.ADDED, it) for it in added))
