"""Code and data as a client refers to them: disassemblies by number, instructions and memory by address."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from typing import Any, Final, Generic, TypeVar

from attrs import frozen

from zenowasm.debugger import FrameView
from zenowasm.debugger.program import Program
from zenowasm.frontends.addresses import Address
from zenowasm.frontends.dap.errors import RequestError
from zenowasm.interp.runtime.instances import ModuleInstance
from zenowasm.interp.text.printer import InstructionLine

_LARGEST_OFFSET: Final = (1 << 32) - 1
_MOST_INSTRUCTIONS: Final = 10_000
_MOST_SOURCES: Final = 10_000
_T = TypeVar("_T")


class _Numbered(Generic[_T]):
    """Objects by number, counted from ``first``; each keeps its number."""

    def __init__(self, first: int) -> None:
        self._first = first
        self._objects: list[_T] = []

    def number(self, object_: _T) -> int:
        if object_ not in self._objects:
            self._objects.append(object_)
        return self._first + self._objects.index(object_)

    def __iter__(self) -> Iterator[_T]:
        return iter(self._objects)

    def at(self, number: int) -> _T | None:
        index = number - self._first
        return self._objects[index] if 0 <= index < len(self._objects) else None


@frozen
class Place:
    """An instruction of a module."""

    program: Program
    function: int
    pc: int

    @property
    def location(self) -> str:
        """The instruction as a breakpoint's location."""
        name = self.program.function_name(self.function)
        return f"{name if self.program.find(name) == [self.function] else self.function}+{self.pc}"


@frozen
class Disassembly:
    """A function's code as a source."""

    program: Program
    function: int

    @property
    def text(self) -> str:
        """The instructions, one a line."""
        return "".join(f"{line.indented}\n" for line in self.program.function(self.function).lines)


class Code:
    """The modules that the client has seen, and the references to them."""

    def __init__(self) -> None:
        self._programs: _Numbered[Program] = _Numbered(0)
        self._memories: _Numbered[ModuleInstance] = _Numbered(0)
        self._disassemblies: _Numbered[Disassembly] = _Numbered(1)

    def source(self, view: FrameView) -> dict[str, Any]:
        """Return the source, line and column of a frame: its file if it can be read, otherwise its disassembly."""
        place = view.source_line
        if place is not None and view.program.source.text(place.file) is not None:
            return {
                "source": file_source(view.program, place.file),
                "line": place.line,
                "column": max(place.column, 1),
            }
        disassembly = Disassembly(view.program, view.frame.function.index)
        source = {
            "name": f"{view.function} ({view.owner})",
            "sourceReference": self._disassemblies.number(disassembly),
            "presentationHint": "deemphasize",
        }
        return {"source": source, "line": view.pc + 1, "column": 1}

    def sources(self) -> list[dict[str, Any]]:
        """Return the source files that can be read."""
        found = {
            str(path): {"name": path.name, "path": str(path)}
            for program in self._programs
            for file in program.source.files()
            if (path := program.source.path(file).absolute()).is_file()
        }
        return [found[path] for path in sorted(found)[:_MOST_SOURCES]]

    def disassembly(self, reference: int) -> Disassembly:
        """Return a disassembly; raises ``RequestError`` if there is none with that reference."""
        found = self._disassemblies.at(reference)
        if found is None:
            raise RequestError(f"there is no source with the reference {reference}")
        return found

    def instruction(self, program: Program, offset: int) -> str:
        """Return the reference of an instruction."""
        return hex(int(Address(True, self._programs.number(program), offset)))

    def data(self, module: ModuleInstance, address: int) -> str:
        """Return the reference of an address in a module's first memory."""
        return hex(int(Address(False, self._memories.number(module), address)))

    def memory_at(self, reference: str, offset: int) -> tuple[ModuleInstance, int]:
        """Return a module and an address in its memory; raises ``RequestError``."""
        address = Address.of(_address(reference) + offset)
        module = self._memories.at(address.module)
        if address.is_code or module is None:
            raise RequestError(f"{reference} with the offset {offset} is not an address in a memory")
        return module, address.offset

    def place_at(self, reference: str, offset: int) -> Place:
        """Return the instruction at a reference; raises ``RequestError``."""
        program, address = self._code_at(reference, offset)
        function = _function_at(program, address)
        lines = () if function is None else program.function(function).lines
        pc = bisect_left(lines, address, key=_offset)
        if function is None or pc == len(lines) or lines[pc].offset != address:
            raise RequestError(f"there is no instruction at {reference} with the offset {offset}")
        return Place(program, function, pc)

    def _code_at(self, reference: str, offset: int) -> tuple[Program, int]:
        address = Address.of(_address(reference) + offset)
        program = self._programs.at(address.module) if address.is_code else None
        if program is None:
            raise RequestError(f"{reference} with the offset {offset} is not an address of code")
        return program, address.offset

    def disassemble(self, reference: str, offset: int, skip: int, count: int) -> list[dict[str, Any]]:
        """Return exactly ``count`` instructions, ``skip`` after the one at a reference; the first is at its address.

        Instructions before the first and after the last one of the module are marked as invalid. Raises
        ``RequestError``.
        """
        if not 0 <= count <= _MOST_INSTRUCTIONS or abs(skip) > _LARGEST_OFFSET:
            raise RequestError(f"expected at most {_MOST_INSTRUCTIONS} instructions, found {count} after {skip}")
        program, address = self._code_at(reference, offset)
        before = max(-skip, 0)
        found = [*reversed(_take(_backward(program, address), before))]
        missing = before - len(found)
        forward = _take(_forward(program, address), max(skip + count, 0))
        found = (found + forward)[max(skip, 0) :][: max(count - missing, 0)]
        pads = [self._pad(program, at) for at in range(min(missing, count))]
        shown = [self._instruction(program, function, line) for function, line in found]
        end = found[-1][1].offset + 1 if found else address
        after = [self._pad(program, end + at) for at in range(count - len(pads) - len(shown))]
        return [*pads, *shown, *after]

    def _pad(self, program: Program, offset: int) -> dict[str, Any]:
        return {
            "address": self.instruction(program, offset),
            "instruction": "(no code)",
            "presentationHint": "invalid",
        }

    def _instruction(self, program: Program, function: int, line: InstructionLine) -> dict[str, Any]:
        shown: dict[str, Any] = {
            "address": self.instruction(program, line.offset),
            "instruction": line.indented,
            "symbol": program.function_name(function),
        }
        place = program.line_at(function, line.pc)
        if place is not None:
            shown |= {"location": file_source(program, place.file), "line": place.line}
        return shown


def file_source(program: Program, file: str) -> dict[str, Any]:
    """Return the source for a file of a module."""
    path = program.source.path(file).absolute()
    return {"name": path.name, "path": str(path)}


def _address(reference: str) -> int:
    try:
        return int(reference[:40], 0)
    except ValueError:
        raise RequestError(f"{reference[:40]!r} is not a memory reference") from None


def _offset(line: InstructionLine) -> int:
    return line.offset


def _function_at(program: Program, offset: int) -> int | None:
    """Return the function whose code has the offset, or the last one before it."""
    starts = [code.offset for code in program.valid.module.codes]
    found = bisect_left(starts, offset + 1) - 1
    return program.imported + found if found >= 0 else None


def _forward(program: Program, offset: int) -> Iterator[tuple[int, InstructionLine]]:
    """Yield the instructions from an offset on, with their functions."""
    first = _function_at(program, offset)
    for function in range(program.imported if first is None else first, program.count):
        lines = program.function(function).lines
        start = bisect_left(lines, offset, key=_offset) if function == first else 0
        for line in lines[start:]:
            yield function, line


def _backward(program: Program, offset: int) -> Iterator[tuple[int, InstructionLine]]:
    """Yield the instructions before an offset, the nearest first, with their functions."""
    first = _function_at(program, offset)
    if first is None:
        return
    for function in range(first, program.imported - 1, -1):
        lines = program.function(function).lines
        end = bisect_left(lines, offset, key=_offset) if function == first else len(lines)
        for line in reversed(lines[:end]):
            yield function, line


def _take(lines: Iterator[tuple[int, InstructionLine]], count: int) -> list[tuple[int, InstructionLine]]:
    return [line for _, line in zip(range(count), lines, strict=False)]
