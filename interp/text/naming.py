"""Names as identifiers: how the text format binds and uses the names in the name section (appendix, name section)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cache

from attrs import evolve

from zenowasm.interp.binary import Names
from zenowasm.interp.instructions import Structure
from zenowasm.interp.syntax.module import ExternKind, Module
from zenowasm.interp.text.lexer import ID_CHARACTERS
from zenowasm.interp.types import FuncType, StructType

_OPENS = (Structure.BLOCK, Structure.IF)


def identifier(name: str) -> str:
    """Return a name as an identifier of the text format (6.3.5), quoted if it has unusual characters."""
    return f"${name}" if name and ID_CHARACTERS.issuperset(name) else f"${quoted(name)}"


def quoted(name: str) -> str:
    """Return a name as a string of the text format (6.3.3)."""
    return f'"{"".join(map(_character, name))}"'


def _character(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    return character if character.isprintable() else f"\\u{{{ord(character):x}}}"


class Identifiers:
    """The identifiers of an index space.

    They are all different: a name that is already taken gets its index appended, and an annotation with the original
    name. An empty name has only an annotation.
    """

    def __init__(self, names: Mapping[int, str]) -> None:
        """Choose an identifier for each name."""
        self._identifiers: dict[int, str] = {}
        self._annotations: dict[int, str] = {}
        taken: set[str] = set()
        for index, name in names.items():
            unique = name
            while unique in taken:
                unique = f"{unique}#{index}"
            if unique != name or not name:
                self._annotations[index] = f"(@name {quoted(name)})"
            if name:
                taken.add(unique)
                self._identifiers[index] = identifier(unique)

    def use(self, index: int) -> str:
        """Return a reference to an entry: its identifier, or its index if it has none."""
        return self._identifiers.get(index, str(index))

    def has(self, index: int) -> bool:
        """Return whether an entry has an identifier."""
        return index in self._identifiers

    def binding(self, index: int) -> str:
        """Return the identifier and name annotation that bind an entry, empty if it has neither."""
        parts = (self._identifiers.get(index), self._annotations.get(index))
        return " ".join(part for part in parts if part is not None)

    def header(self, index: int) -> str:
        """Return the text after the keyword of an entry's definition: its binding, and its index as a comment."""
        return f"{self.binding(index)} (;{index};)".lstrip()


def bindable(module: Module, names: Names) -> Names:
    """Return the names that a text of the module can bind: those of existing entries.

    Raises ``DecodeError`` or ``LimitError`` if the body of a function with named locals or labels is malformed.
    """
    composites = [subtype.composite for subtype in module.subtypes()]
    functions = module.function_types()
    imported = len(module.imported(ExternKind.FUNC))

    @cache
    def counts(function: int) -> tuple[int, int]:
        """Return the numbers of a function's locals and labels."""
        if function >= len(functions):
            return 0, 0
        parameters = len(members(functions[function], FuncType))
        if function < imported:
            return parameters, 0
        body = module.codes[function - imported].body()
        labels = sum(opcode.structure in _OPENS for opcode, _ in body.expression.instructions)
        return parameters + sum(count for count, _ in body.locals), labels

    def members(typeidx: int, kind: type[FuncType] | type[StructType]) -> Collection[object]:
        composite = composites[typeidx] if typeidx < len(composites) else None
        if not isinstance(composite, kind):
            return ()
        return composite.parameters if isinstance(composite, FuncType) else composite.fields

    return evolve(
        names,
        functions=_first(names.functions, len(functions)),
        locals=_groups({it: _first(names.locals[it], counts(it)[0]) for it in names.locals}),
        labels=_groups({it: _first(names.labels[it], counts(it)[1]) for it in names.labels}),
        types=_first(names.types, len(composites)),
        tables=_first(names.tables, len(module.table_types())),
        memories=_first(names.memories, len(module.memory_types())),
        globals=_first(names.globals, len(module.global_types())),
        elements=_first(names.elements, len(module.elements)),
        data=_first(names.data, len(module.data)),
        tags=_first(names.tags, len(module.tag_types())),
        fields=_groups({it: _first(names.fields[it], len(members(it, StructType))) for it in names.fields}),
        parameters=_groups({it: _first(names.parameters[it], len(members(it, FuncType))) for it in names.parameters}),
    )


def _first(names: Mapping[int, str], count: int) -> dict[int, str]:
    return {index: name for index, name in names.items() if index < count}


def _groups(groups: Mapping[int, Mapping[int, str]]) -> dict[int, Mapping[int, str]]:
    return {index: names for index, names in groups.items() if names}


def with_generated(module: Module, names: Names) -> Names:
    """Return the names, adding ``func0``, ``type0`` and so on for unnamed entries; for locals, ``p0`` and ``l1``.

    Raises the errors of ``bindable``.
    """
    composites = [subtype.composite for subtype in module.subtypes()]
    types = module.function_types()
    imported = len(module.imported(ExternKind.FUNC))
    locals_: dict[int, Mapping[int, str]] = {}
    for function, typeidx in enumerate(types):
        composite = composites[typeidx] if typeidx < len(composites) else None
        parameters = len(composite.parameters) if isinstance(composite, FuncType) else 0
        declared = (
            module.codes[function - imported].body().locals if 0 <= function - imported < len(module.codes) else ()
        )
        count = parameters + sum(count for count, _ in declared)
        given = names.locals.get(function, {})
        locals_[function] = {at: given.get(at, f"{'p' if at < parameters else 'l'}{at}") for at in range(count)}
    return evolve(
        names,
        functions=_filled(names.functions, "func", len(types)),
        locals=_groups(locals_),
        types=_filled(names.types, "type", len(composites)),
        tables=_filled(names.tables, "table", len(module.table_types())),
        memories=_filled(names.memories, "memory", len(module.memory_types())),
        globals=_filled(names.globals, "global", len(module.global_types())),
        elements=_filled(names.elements, "elem", len(module.elements)),
        data=_filled(names.data, "data", len(module.data)),
        tags=_filled(names.tags, "tag", len(module.tag_types())),
    )


def _filled(names: Mapping[int, str], word: str, count: int) -> dict[int, str]:
    return {index: names.get(index, f"{word}{index}") for index in range(count)}
