"""A module's static information for a debugger: names, printed code, and operand types."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING

from attrs import frozen

from zenowasm.debugger.rust_names import suffixes
from zenowasm.debugger.source import Place, Source
from zenowasm.interp.binary import decode_names
from zenowasm.interp.instructions import Effect, Immediate
from zenowasm.interp.runtime.instances import Function, ModuleInstance
from zenowasm.interp.syntax.module import Body, ExternKind
from zenowasm.interp.text.printer import InstructionLine, ModulePrinter
from zenowasm.interp.types import FuncType
from zenowasm.interp.validation import ValidModule
from zenowasm.interp.validation.context import function_type
from zenowasm.interp.validation.function import OperandType
from zenowasm.interp.validation.operands import operands_of

if TYPE_CHECKING:
    from zenowasm.debuginfo.lines import SourceLine


@frozen(eq=False)
class FunctionCode:
    """A function of a module: its instructions as text, and the operand types before each of them."""

    index: int
    body: Body
    lines: Sequence[InstructionLine]
    operands: Sequence[tuple[OperandType, ...]]


class Program:
    """A valid module for a debugger. It prints a function when first asked for it, and keeps the text."""

    def __init__(self, valid: ValidModule, source_maps: Mapping[str, str] = MappingProxyType({})) -> None:
        """Read the module's names; ``source_maps`` maps source folders from compile time to their present paths."""
        module = valid.module
        self.valid = valid
        self.source = Source(module, source_maps)
        self._statements: dict[int, Sequence[SourceLine | None]] = {}
        self._names = decode_names(module)
        self._printer = ModulePrinter(module, self._names)
        self._functions: dict[int, FunctionCode] = {}
        self.imported = len(module.imported(ExternKind.FUNC))
        self.count = self.imported + len(module.codes)
        self._exports = {e.index: e.name for e in reversed(module.exports) if e.kind is ExternKind.FUNC}
        self._by_name: dict[str, list[int]] = {}
        self._by_suffix: dict[str, list[int]] | None = None
        for names in (self._exports, self._names.functions):
            for index, name in names.items():
                found = self._by_name.setdefault(name, [])
                if index not in found and self.imported <= index < self.count:
                    found.append(index)

    @property
    def name(self) -> str | None:
        """The module's own name, or ``None``."""
        return self._names.module

    def function_name(self, index: int) -> str:
        """Return a function's name, else its export name, else ``function N``."""
        return self._names.functions.get(index) or self._exports.get(index) or f"function {index}"

    def function_type(self, index: int) -> FuncType:
        """Return a function's type."""
        return function_type(self.valid.context.functions[index])

    def find(self, name: str) -> list[int]:
        """Return the defined functions with that name, export name or index.

        If there are none, return those whose demangled Rust path ends with the name, else those with that source name.
        """
        if name in self._by_name:
            return self._by_name[name]
        if name.isascii() and name.isdigit() and len(name) < 10 and self.imported <= int(name) < self.count:
            return [int(name)]
        if self._by_suffix is None:
            self._by_suffix = self._suffixes()
        if name not in self._by_suffix:
            self._by_suffix[name] = [self.imported + code for code in self.source.functions_named(name)]
        return self._by_suffix[name]

    def exported(self, name: str) -> list[int]:
        """Return the defined function that is exported by that name, if there is one."""
        found = (it.index for it in self.valid.module.exports if it.name == name and it.kind is ExternKind.FUNC)
        return [index for index in found if index >= self.imported]

    @cached_property
    def imports(self) -> Sequence[str]:
        """The two-level names of the imported functions, in order."""
        return [f"{it.module}.{it.name}" for it in self.valid.module.imported(ExternKind.FUNC)]

    def _suffixes(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for index, name in self._names.functions.items():
            if self.imported <= index < self.count:
                for suffix in suffixes(name):
                    found.setdefault(suffix, []).append(index)
        return found

    @cached_property
    def known_names(self) -> Sequence[str]:
        """The names and export names of the defined functions."""
        return [name for name, functions in self._by_name.items() if functions]

    def nearest(self, name: str) -> str | None:
        """Return the known function name most similar to this one, or ``None``."""
        return next(iter(get_close_matches(name[:100], self.known_names, n=1)), None)

    def local_names(self, function: int) -> Mapping[int, str]:
        """Return the known names of a function's locals by index."""
        return self._names.locals.get(function, {})

    def function(self, index: int) -> FunctionCode:
        """Return the code of a defined function."""
        found = self._functions.get(index)
        if found is None:
            body = self.valid.module.codes[index - self.imported].body()
            operands = [point.types for point in operands_of(self.valid.context, index, body)]
            lines = tuple(self._printer.instructions(index, body))
            found = self._functions[index] = FunctionCode(index, body, lines, operands)
        return found

    def line_at(self, function: int, pc: int) -> SourceLine | None:
        """Return the source line of an instruction."""
        return self.source.line_at(self.function(function).lines[pc].offset)

    def statements(self, function: int) -> Sequence[SourceLine | None]:
        """Return, for each instruction of a function, the source line that begins there, or ``None``."""
        found = self._statements.get(function)
        if found is None:
            offsets = [line.offset for line in self.function(function).lines]
            found = self._statements[function] = self.source.statements(offsets)
        return found

    def first_statement(self, function: int) -> int | None:
        """Return the first instruction at which a function has its arguments; ``None`` if no source is known."""
        if self.source.info is None:
            return None  # without printing the function
        return next((pc for pc, line in enumerate(self.statements(function)) if line is not None), None)

    def instruction_at(self, place: Place) -> tuple[int, int]:
        """Return the function and the index of an instruction."""
        function = self.imported + place.code
        offsets = [line.offset for line in self.function(function).lines]
        return function, min(bisect_left(offsets, place.offset), len(offsets) - 1)

    def function_at(self, offset: int) -> list[int]:
        """Return the function whose body begins, with its locals, at an offset of the module, if one does."""
        starts = [code.offset for code in self.valid.module.codes]
        code = bisect_left(starts, offset)
        return [self.imported + code] if code < len(starts) and starts[code] == offset else []

    def instruction_with(self, offset: int) -> list[tuple[int, int]]:
        """Return the function and the index of the instruction that begins at an offset of the module, if one does."""
        starts = [code.offset for code in self.valid.module.codes]
        code = bisect_right(starts, offset) - 1
        if code < 0:
            return []
        offsets = [line.offset for line in self.function(self.imported + code).lines]
        pc = bisect_left(offsets, offset)
        return [(self.imported + code, pc)] if pc < len(offsets) and offsets[pc] == offset else []

    def import_of(self, module: ModuleInstance, function: Function) -> str | None:
        """Return the two-level name by which an instance of the module imports a function, or ``None``."""
        imported = zip(self.imports, module.functions, strict=False)
        return next((name for name, it in imported if it is function), None)

    def import_called(self, function: int, pc: int) -> str | None:
        """Return the two-level name of the imported function that an instruction calls directly, or ``None``."""
        opcode, immediates = self.function(function).body.expression.instructions[pc]
        if Effect.CALLS not in opcode.effects or opcode.immediates != (Immediate.FUNCIDX,):
            return None
        (index,) = immediates
        return self.imports[index] if index < len(self.imports) else None
