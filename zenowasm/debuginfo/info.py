"""A module's functions, their variables and their lines, from its debugging information.

Addresses are offsets in the module, as everywhere else; DWARF counts from the contents of the code section.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, Final

from attrs import define, frozen
from elftools.dwarf import locationlists, ranges
from elftools.dwarf.compileunit import CompileUnit
from elftools.dwarf.die import DIE
from elftools.dwarf.dwarf_expr import DWARFExprParser
from elftools.dwarf.dwarfinfo import DWARFInfo

from zenowasm.debuginfo.errors import UnavailableError
from zenowasm.debuginfo.expressions import Computed, InMemory, Machine, Place, evaluate
from zenowasm.debuginfo.lines import SourceLine, UnitLines
from zenowasm.debuginfo.reading import reading
from zenowasm.debuginfo.sections import GONE, dwarf_of
from zenowasm.debuginfo.types import Type, Types, children, name_of
from zenowasm.debuginfo.values import SourceValue
from zenowasm.interp.syntax.module import Module

_BLOCKS: Final = ("DW_TAG_lexical_block", "DW_TAG_try_block", "DW_TAG_catch_block")
_VARIABLES: Final = ("DW_TAG_formal_parameter", "DW_TAG_variable")
_OUTER: Final = ("DW_TAG_namespace", "DW_TAG_module", "DW_TAG_structure_type", "DW_TAG_class_type")
_DEEPEST: Final = 64
_MOST_UNITS: Final = 100_000


@frozen
class Range:
    """Addresses from ``start`` up to ``end``."""

    start: int
    end: int

    def __contains__(self, address: int) -> bool:
        return self.start <= address < self.end


@define(eq=False)
class SourceVariable:
    """A source variable that is visible at an address."""

    name: str
    _die: DIE
    _function: SourceFunction | None
    _unit: _Unit

    @property
    def type(self) -> Type:
        """The variable's type."""
        with reading(f"the type of {self.name}"):
            return self._unit.types.of(origin(self._die, "DW_AT_type"))

    def value(self, machine: Machine, address: int) -> SourceValue:
        """Return the value in a frame at an address; raises ``UnavailableError`` if the variable has none there."""
        with reading(f"the value of {self.name}"):
            return SourceValue.of(self.type, self._place(machine, address), machine.read)

    def _place(self, machine: Machine, address: int) -> Place:
        constant = origin(self._die, "DW_AT_const_value").attributes.get("DW_AT_const_value")
        if constant is not None and "DW_AT_location" not in self._die.attributes:
            value = constant.value
            return Computed(value if isinstance(value, int) else int.from_bytes(bytes(value), "little"))
        expression = self._unit.expression(self._die, "DW_AT_location", address)
        if expression is None:
            raise UnavailableError("it was optimised out")
        return evaluate(self._unit.parsed(expression), machine, lambda: self._frame_base(machine, address))

    def _frame_base(self, machine: Machine, address: int) -> int:
        function = self._function
        expression = None if function is None else self._unit.expression(function.die, "DW_AT_frame_base", address)
        if expression is None:
            raise UnavailableError("its function has no frame base")
        place = evaluate(self._unit.parsed(expression), machine, lambda: 0, as_value=True)
        return place.value if isinstance(place, Computed) else place.address if isinstance(place, InMemory) else 0


@define(eq=False)
class SourceFunction:
    """A source function: its name and the addresses of its code."""

    name: str
    ranges: Sequence[Range]
    die: DIE
    _unit: _Unit

    def variables(self, address: int) -> list[SourceVariable]:
        """Return the parameters and variables that are visible at an address, those of inner blocks first."""
        with reading(f"the variables of {self.name}"):
            return list(self._visible(self.die, address, set(), 0))

    def _visible(self, die: DIE, address: int, seen: set[str], depth: int) -> Iterator[SourceVariable]:
        entries = children(die) if depth < _DEEPEST else ()
        for entry in entries:
            if entry.tag in (*_BLOCKS, "DW_TAG_inlined_subroutine") and self._unit.covers(entry, address):
                yield from self._visible(entry, address, seen, depth + 1)
        for entry in (*entries, *_parameters_inlined_at(die)):
            if entry.tag in _VARIABLES:
                name = name_of(origin(entry, "DW_AT_name"))
                if name and name not in seen:
                    seen.add(name)
                    yield SourceVariable(name, entry, self, self._unit)

    def inlined(self, address: int) -> list[str]:
        """Return the names of the functions inlined at an address, innermost first."""
        with reading(f"what was inlined into {self.name}"):
            return self._inlined(self.die, address, 0)

    def _inlined(self, die: DIE, address: int, depth: int) -> list[str]:
        for entry in children(die) if depth < _DEEPEST else ():
            if entry.tag in (*_BLOCKS, "DW_TAG_inlined_subroutine") and self._unit.covers(entry, address):
                inner = self._inlined(entry, address, depth + 1)
                is_call = entry.tag == "DW_TAG_inlined_subroutine"
                return [*inner, name_of(origin(entry, "DW_AT_name"))] if is_call else inner
        return []


class _Unit:
    """A compilation unit."""

    def __init__(self, dwarf: DWARFInfo, unit: CompileUnit, types: Types) -> None:
        self._dwarf = dwarf
        self._unit = unit
        self._parser = DWARFExprParser(unit.structs)
        self.types = types
        self.lines = UnitLines(dwarf, unit)

    @cached_property
    def top(self) -> DIE:
        with reading("a unit"):
            return self._unit.get_top_DIE()

    @cached_property
    def ranges(self) -> Sequence[Range]:
        with reading("the ranges of a unit"):
            return self._ranges(self.top)

    @cached_property
    def _base(self) -> int:
        found = self.top.attributes.get("DW_AT_low_pc")
        return found.value if found is not None else 0

    def covers(self, die: DIE, address: int) -> bool:
        return any(address in it for it in self._ranges(die))

    def _ranges(self, die: DIE) -> list[Range]:
        attributes = die.attributes
        if "DW_AT_ranges" in attributes:
            return list(self._listed(die))
        if "DW_AT_low_pc" not in attributes or "DW_AT_high_pc" not in attributes:
            return []
        start, high = attributes["DW_AT_low_pc"].value, attributes["DW_AT_high_pc"]
        if start in GONE:
            return []
        return [Range(start, high.value if high.form == "DW_FORM_addr" else start + high.value)]

    def _listed(self, die: DIE) -> Iterator[Range]:
        lists = self._dwarf.range_lists()
        if lists is None:
            return
        base = self._base
        attribute = die.attributes["DW_AT_ranges"]
        for entry in lists.get_range_list_at_offset(attribute.value, cu=self._unit):
            if isinstance(entry, ranges.BaseAddressEntry):
                base = entry.base_address
                continue
            add = 0 if entry.is_absolute else base
            start, end = entry.begin_offset + add, entry.end_offset + add
            if start not in GONE and start < end:
                yield Range(start, end)

    @cached_property
    def functions(self) -> Sequence[SourceFunction]:
        with reading("the functions of a unit"):
            return list(self._functions(self.top, 0))

    def _functions(self, die: DIE, depth: int) -> Iterator[SourceFunction]:
        for entry in children(die) if depth < _DEEPEST else ():
            if entry.tag == "DW_TAG_subprogram":
                ranges = self._ranges(entry)
                if ranges:
                    yield SourceFunction(name_of(origin(entry, "DW_AT_name")), ranges, entry, self)
            elif entry.tag in _OUTER:
                yield from self._functions(entry, depth + 1)

    @cached_property
    def variables(self) -> dict[str, SourceVariable]:
        """The variables declared outside functions, by name."""
        with reading("the variables of a unit"):
            return {it.name: it for it in self._variables(self.top, 0)}

    def _variables(self, die: DIE, depth: int) -> Iterator[SourceVariable]:
        for entry in children(die) if depth < _DEEPEST else ():
            if entry.tag == "DW_TAG_variable" and "DW_AT_location" in entry.attributes:
                name = name_of(origin(entry, "DW_AT_name"))
                if name:
                    yield SourceVariable(name, entry, None, self)
            elif entry.tag == "DW_TAG_namespace":
                yield from self._variables(entry, depth + 1)

    def expression(self, die: DIE, attribute: str, address: int) -> Any:
        """Return the bytes of the expression that holds at an address, or ``None``."""
        found = die.attributes.get(attribute)
        if found is None:
            return None
        lists = self._dwarf.location_lists()
        parsed = locationlists.LocationParser(lists).parse_from_attribute(found, self._unit["version"], die)
        if isinstance(parsed, locationlists.LocationExpr):
            return parsed.loc_expr
        base = self._base
        for entry in parsed:
            if isinstance(entry, locationlists.BaseAddressEntry):
                base = entry.base_address
            if not isinstance(entry, locationlists.LocationEntry):
                continue
            add = 0 if entry.is_absolute else base
            if entry.begin_offset + add <= address < entry.end_offset + add:
                return entry.loc_expr
        return None

    def parsed(self, expression: Any) -> Any:
        """Return the operations of an expression."""
        return self._parser.parse_expr(expression)


class DebugInfo:
    """The debugging information of one module, read on demand."""

    def __init__(self, dwarf: DWARFInfo, base: int) -> None:
        """Prepare to read; ``base`` is the offset of the contents of the code section."""
        self._dwarf = dwarf
        self._base = base
        self._types = Types()

    @classmethod
    def of(cls, module: Module) -> DebugInfo | None:
        """Return a module's debugging information, ``None`` if it has none; raises ``DebugInfoError`` if malformed."""
        code = next((section for section in module.sections if section.name == "codes"), None)
        if code is None:
            return None
        with reading("its sections"):
            dwarf = dwarf_of(module)
        return None if dwarf is None else cls(dwarf, code.offset)

    @cached_property
    def _units(self) -> Sequence[_Unit]:
        found: list[_Unit] = []
        with reading("its units"):
            for unit in self._dwarf.iter_CUs():
                if len(found) >= _MOST_UNITS:
                    raise ValueError(f"more than {_MOST_UNITS} units")
                found.append(_Unit(self._dwarf, unit, self._types))
        return found

    def _unit_at(self, address: int) -> _Unit | None:
        return next((it for it in self._units if any(address in its for its in it.ranges)), None)

    def line_at(self, offset: int) -> SourceLine | None:
        """Return the source line of an instruction."""
        unit = self._unit_at(offset - self._base)
        row = None if unit is None else unit.lines.row_at(offset - self._base)
        return None if row is None else row.source

    def function_at(self, offset: int) -> SourceFunction | None:
        """Return the function of an instruction."""
        address = offset - self._base
        unit = self._unit_at(address)
        functions = () if unit is None else unit.functions
        return next((it for it in functions if any(address in its for its in it.ranges)), None)

    def functions_named(self, name: str) -> list[int]:
        """Return the first instructions of the functions with a name: ``area``, ``Item::cost``, ``shop::Item::cost``.

        A function that is inlined everywhere has none.
        """
        last = name.rpartition("::")[2]
        with reading("the names of functions"):
            return [
                function.ranges[0].start + self._base
                for unit in self._units
                if unit.ranges
                for function in unit.functions
                if function.name == last and f"::{qualified_name(function.die)}".endswith(f"::{name}")
            ]

    def variables_at(self, offset: int) -> list[SourceVariable]:
        """Return the variables visible at an instruction, those of inner blocks first."""
        function = self.function_at(offset)
        return [] if function is None else function.variables(offset - self._base)

    def global_at(self, name: str, offset: int) -> SourceVariable | None:
        """Return the global variable with that name, preferring the instruction's own unit."""
        own = self._unit_at(offset - self._base)
        units = [] if own is None else [own]
        return next((it.variables[name] for it in [*units, *self._units] if name in it.variables), None)

    def value(self, variable: SourceVariable, machine: Machine, offset: int) -> SourceValue:
        """Return the value of a variable in a frame at an instruction.

        Raises ``UnavailableError`` if it has none there, and ``DebugInfoError``.
        """
        return variable.value(machine, offset - self._base)

    def statements(self, offsets: Sequence[int]) -> list[SourceLine | None]:
        """Return, for each instruction of one function, the line of the statement that begins there, or ``None``.

        The instructions before the first statement of the body set up the frame and begin no line.
        """
        unit = self._unit_at(offsets[0] - self._base) if offsets else None
        if unit is None:
            return [None] * len(offsets)
        return [unit.lines.statements.get(offset - self._base) for offset in offsets]

    def lines(self, offsets: Sequence[int]) -> list[SourceLine | None]:
        """Return the source line of each instruction of one function."""
        unit = self._unit_at(offsets[0] - self._base) if offsets else None
        if unit is None:
            return [None] * len(offsets)
        rows = (unit.lines.row_at(offset - self._base) for offset in offsets)
        return [None if row is None else row.source for row in rows]

    def files(self) -> set[str]:
        """Return the paths of all source files."""
        return {path for unit in self._units if unit.ranges for path in unit.lines.files.values()}

    def offsets_of(self, path: str, line: int) -> list[int]:
        """Return the instructions at which a line, or the first later line that has code, begins.

        ``path`` is the whole path of a file or the end of it. The result has one instruction for each piece of code: a
        line can be in several functions, and in several places where it was inlined.
        """
        rows = [
            (row.source.line, row.address)
            for unit in self._units
            if unit.ranges and any(is_end_of(path, file) for file in unit.lines.files.values())
            for row in unit.lines.rows
            if row.is_statement
            and row.source is not None
            and row.source.line >= line
            and is_end_of(path, row.source.file)
        ]
        first = min((number for number, _ in rows), default=0)
        return sorted({address + self._base for number, address in rows if number == first})


def is_end_of(path: str, file: str) -> bool:
    """Return whether a path is a file's whole path or the end of it."""
    return file == path or file.endswith(f"/{path.removeprefix('./')}")


def _parameters_inlined_at(die: DIE) -> Sequence[DIE]:
    """Return the parameters of an inlined function: compilers leave those out that have no value in this call."""
    if die.tag != "DW_TAG_inlined_subroutine" or "DW_AT_abstract_origin" not in die.attributes:
        return ()
    function = die.get_DIE_from_attribute("DW_AT_abstract_origin")
    return [it for it in children(function) if it.tag == "DW_TAG_formal_parameter"]


def qualified_name(die: DIE) -> str:
    """Return a function's name, qualified by the namespaces and types around its declaration."""
    names: list[str] = []
    entry: DIE | None = origin(die, "DW_AT_name")
    for _ in range(_DEEPEST):
        if entry is None or entry.tag == "DW_TAG_compile_unit":
            break
        names.insert(0, name_of(entry))
        entry = entry.get_parent()
    return "::".join(filter(None, names))


def origin(die: DIE, attribute: str) -> DIE:
    """Return the entry with an attribute: this one, or the entry that it instantiates or defines."""
    for _ in range(_DEEPEST):
        if attribute in die.attributes:
            return die
        link = next((it for it in ("DW_AT_abstract_origin", "DW_AT_specification") if it in die.attributes), None)
        if link is None:
            return die
        die = die.get_DIE_from_attribute(link)
    return die
