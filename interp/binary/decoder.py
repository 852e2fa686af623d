"""Decodes modules (specification, 5.5.16). Function bodies are located here and decoded only on demand."""

from __future__ import annotations

from typing import Any

from attrs import define, field

from zenowasm.interp import proposals
from zenowasm.interp.binary.instructions import expression
from zenowasm.interp.binary.reader import ENTRY_BYTES, Reader
from zenowasm.interp.binary.sections import (
    CODE,
    CUSTOM,
    MAGIC,
    READERS,
    SECTIONS,
    VERSION,
    SectionReader,
    section_header,
)
from zenowasm.interp.binary.types import valtype
from zenowasm.interp.errors import DecodeError, LimitError
from zenowasm.interp.features import WASM_3, Feature
from zenowasm.interp.limits import ModuleLimits
from zenowasm.interp.progress import Progress
from zenowasm.interp.syntax.module import Body, CustomSection, Module, Section
from zenowasm.interp.types import ValType

_LOCALS_PER_BYTE = 4
_RANK = {number: rank for rank, number in enumerate(SECTIONS)}


@define(eq=False)
class LazyCode:
    """An entry of the code section that is decoded on demand (specification, 5.5.13)."""

    binary: bytes = field(repr=False)
    offset: int
    size: int
    features: Feature = field(repr=False)
    limits: ModuleLimits = field(repr=False)
    has_data_count: bool

    def body(self, progress: Progress | None = None) -> Body:
        """Decode the body, without caching it; raises ``DecodeError`` or ``LimitError``."""
        reader = Reader(self.binary[self.offset : self.offset + self.size], self.offset, progress)
        runs = _runs(reader, self.limits)
        body = expression(reader, self.features, nesting_limit=self.limits.nesting, has_data_count=self.has_data_count)
        if reader.left:
            raise reader.error("section size mismatch: END opcode expected at the end of the function")
        return Body(runs, body)


def _runs(reader: Reader, limits: ModuleLimits) -> tuple[tuple[int, ValType], ...]:
    """Read a function's declarations of locals (specification, 5.5.13); a few bytes may declare many locals."""
    start = reader.offset
    runs: list[tuple[int, ValType]] = []
    total = 0
    declared = reader.count(reader.left, "runs of locals")
    reader.progress.hold(declared * ENTRY_BYTES)
    for _ in range(declared):
        count = reader.u32()
        total += count
        if total >= 1 << 32:
            raise reader.error("too many locals")
        runs.append((count, valtype(reader)))
    if total > limits.locals:
        raise LimitError(f"too many locals: {total} at byte 0x{start:x}, at most {limits.locals} are allowed")
    return tuple(runs)


def decode(
    binary: bytes,
    features: Feature = WASM_3,
    limits: ModuleLimits | None = None,
    progress: Progress | None = None,
) -> Module:
    """Decode a module in the binary format, except for the function bodies.

    Parameters: the bytes; the features that the module may use; limits on the module; the counter of the work, which
    may end it. The result's ``codes`` decode themselves on demand. Raises ``DecodeError`` if the bytes are malformed,
    ``LimitError`` if they exceed the limits (specification, 5.5.16), and any error of ``progress``.
    """
    limits = limits or ModuleLimits()
    if len(binary) > limits.module_bytes:
        raise LimitError(f"a module of {len(binary)} bytes: at most {limits.module_bytes} are allowed")
    if binary[:4] != MAGIC:
        raise DecodeError("magic header not detected" if len(binary) >= 4 else "unexpected end of magic header", 0)
    if binary[4:8] != VERSION:
        unknown = f"unknown binary version{proposals.of_version(binary[4:8])}"
        raise DecodeError(unknown if len(binary) >= 8 else "unexpected end of version", 4)
    return _ModuleDecoder(binary, features, limits, progress or Progress()).decode()


class _ModuleDecoder:
    def __init__(self, binary: bytes, features: Feature, limits: ModuleLimits, progress: Progress) -> None:
        self.binary = binary
        self.features = features
        self.limits = limits
        self.progress = progress
        self.parts: dict[str, Any] = {}
        self.customs: list[CustomSection] = []
        self.sections: list[Section] = []
        self.last: str | None = None

    def decode(self) -> Module:
        reader = Reader(self.binary, progress=self.progress)
        reader.pos = len(MAGIC) + len(VERSION)
        last = -1
        while reader.left:
            start = reader.pos
            number, size = section_header(reader)
            offset = reader.offset
            self.progress.hold(size + ENTRY_BYTES)
            contents = Reader(reader.bytes(size), offset, self.progress)
            if number == CUSTOM:
                self._custom(contents)
                continue
            if _RANK[number] <= last:
                raise reader.error(f"unexpected content after last section: {SECTIONS[number]} section", start)
            last = _RANK[number]
            self._section(number, contents)
        self._check_counts(reader)
        self.parts.pop("data_count", None)  # already checked, and not part of the module
        return Module(**self.parts, customs=tuple(self.customs), sections=tuple(self.sections), binary=self.binary)

    def _custom(self, contents: Reader) -> None:
        offset = contents.offset
        name = contents.name(self.limits.string_bytes)
        start = contents.offset
        self.customs.append(CustomSection(name, contents.bytes(contents.left), start, self.last))
        self.sections.append(Section(f"custom {name!r}", offset, len(contents.data)))

    def _section(self, number: int, contents: Reader) -> None:
        name = SECTIONS[number]
        part: Any
        if number == CODE:
            part = self._codes(contents)
        else:
            part = READERS[name](SectionReader(self.features, self.limits), contents)
        if contents.left:
            raise contents.error(f"section size mismatch: {contents.left} bytes too many in the {name} section")
        self.parts[name] = part
        self.last = name
        self.sections.append(
            Section(name, contents.base, len(contents.data), len(part) if isinstance(part, tuple) else None)
        )

    def _codes(self, contents: Reader) -> tuple[LazyCode, ...]:
        has_data_count = "data_count" in self.parts
        most_locals = max(self.limits.all_locals, _LOCALS_PER_BYTE * len(self.binary))
        locals_ = 0

        def entry(reader: Reader) -> LazyCode:
            size = reader.u32()
            if size > self.limits.function_bytes:
                raise LimitError(
                    f"a function of {size} bytes at byte 0x{reader.offset:x}: "
                    f"at most {self.limits.function_bytes} are allowed"
                )
            if size > reader.left:
                raise reader.error("unexpected end of section or function")
            offset = reader.offset
            nonlocal locals_
            held = self.progress.held
            locals_ += sum(count for count, _ in _runs(Reader(reader.bytes(size), offset, self.progress), self.limits))
            self.progress.held = held  # the runs are discarded; only their total is kept
            if locals_ > most_locals:
                raise LimitError(
                    f"too many locals: {locals_} in the functions up to byte 0x{reader.offset:x} together, "
                    f"at most {most_locals} are allowed in a module of {len(self.binary)} bytes"
                )
            return LazyCode(self.binary, offset, size, self.features, self.limits, has_data_count)

        return contents.vector(self.limits.functions, "function bodies", entry)

    def _check_counts(self, reader: Reader) -> None:
        functions, codes = len(self.parts.get("functions", ())), len(self.parts.get("codes", ()))
        if functions != codes:
            raise reader.error(
                f"function and code section have inconsistent lengths: {functions} declared, {codes} defined"
            )
        announced, found = self.parts.get("data_count"), len(self.parts.get("data", ()))
        if announced is not None and announced != found:
            raise reader.error(
                f"data count and data section have inconsistent lengths: {announced} announced, {found} defined"
            )
