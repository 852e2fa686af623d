"""Listings of a module: its sections, their contents, their bytes, and code beside its bytes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, Final

from zenowasm.interp.binary import decode, decode_names
from zenowasm.interp.binary.raw_sections import RawSection, raw_sections
from zenowasm.interp.binary.sections import CODE, CUSTOM, SECTIONS
from zenowasm.interp.progress import Progress
from zenowasm.interp.syntax.module import ExternKind
from zenowasm.interp.text.printer import Form, ModulePrinter
from zenowasm.tools.relocations import Relocation, relocations

_BYTES_A_LINE: Final = 16
_BYTES_OF_INSTRUCTION: Final = 9
"""The maximum number of instruction bytes shown in one line."""
_START: Final = 8


class Listing:
    """The listings of one module. The module may be invalid; each listing decodes only what it shows."""

    def __init__(self, binary: bytes, wanted: str | None = None, progress: Progress | None = None) -> None:
        """Prepare to list all sections or those named ``wanted``, such as ``code``; raises ``DecodeError``."""
        self.binary = binary
        self._progress = progress
        self.sections = list(raw_sections(binary))
        self.chosen = [it for it in self.sections if wanted is None or _is_named(it, wanted)]

    @cached_property
    def _printer(self) -> ModulePrinter:
        module = decode(self.binary, progress=self._progress)
        return ModulePrinter(module, decode_names(module))

    @cached_property
    def _relocations(self) -> list[Relocation]:
        return relocations(self.binary, self._printer.module, self.sections)

    def headers(self) -> Iterator[str]:
        """Yield a line for each section: its position and its number of entries."""
        for it in self.chosen:
            place = f"start=0x{it.offset:08x} end=0x{it.end:08x} (size=0x{it.size:08x})"
            count = f"{'start' if it.number == _START else 'count'}: {it.count}"
            yield f"{it.title:>9} {place} {count if it.name is None else repr(it.name)}"

    def headers_data(self) -> list[dict[str, Any]]:
        """Return the output of ``headers`` as data."""
        return [
            {
                "section": it.title,
                "name": it.name,
                "offset": it.offset,
                "size": it.size,
                "count": it.count if it.number not in (CUSTOM, _START) else None,
            }
            for it in self.chosen
        ]

    def contents(self) -> Iterator[str]:
        """Yield the bytes of each section in hexadecimal, with their offsets in the file."""
        for it in self.chosen:
            yield f"Contents of section {it.title}{'' if it.name is None else f' {it.name!r}'}:"
            yield from hexadecimal(self.binary[it.offset : it.end], it.offset)

    def details(self) -> Iterator[str]:
        """Yield the entries of each section, in the syntax of the text format."""
        entries = self._entries()
        for it in self.chosen:
            yield f"{it.title}[{it.count}]" if it.name is None else f"{it.title} {it.name!r}"
            yield from (f" - {entry}" for entry in entries.get(it.number, ()) if it.number != CUSTOM)
            if it.name is not None and it.name.startswith("reloc."):
                yield from (f" - {entry.offset:06x}: {entry}" for entry in self._of(it))

    def _of(self, section: RawSection) -> Iterator[Relocation]:
        title = section.name and section.name.partition(".")[2]
        for entry in self._relocations:
            target = self.sections[entry.section]
            if title == (target.name if target.name is not None else target.title.upper()):
                yield entry

    def _entries(self) -> Mapping[int, Sequence[str]]:
        """Return a line for each entry of the sections, by section number."""
        module, printer = self._printer.module, self._printer
        imported = len(module.imported(ExternKind.FUNC))
        by_word: dict[str, list[str]] = {}
        for line in ModulePrinter(module, printer.names, form=Form.SKELETON).declarations(lambda _: ()):
            by_word.setdefault(line.lstrip("( ").partition(" ")[0], []).append(line.strip())
        functions = [
            f"(func {printer.function_name(imported + at)} (;{imported + at};) (type {typeidx}))"
            for at, typeidx in enumerate(module.functions)
        ]
        codes = [
            f"(func {printer.function_name(imported + at)} (;{imported + at};)) {code.size} bytes at 0x{code.offset:x}"
            for at, code in enumerate(module.codes)
        ]
        words = {"types": "type", "elements": "elem", "memories": "memory"}
        found = {number: by_word.get(words.get(name, name.removesuffix("s")), []) for number, name in SECTIONS.items()}
        return {**found, 3: functions, CODE: codes, 8: by_word.get("start", []), 11: by_word.get("data", [])}

    def disassembly(self, *, with_relocations: bool = False, function: int | None = None) -> Iterator[str]:
        """Yield every instruction beside its offset and its bytes, for all functions or one.

        Raises ``DecodeError`` or ``LimitError`` if a body is malformed.
        """
        module, printer = self._printer.module, self._printer
        imported = len(module.imported(ExternKind.FUNC))
        marks: dict[int, list[Relocation]] = {}
        for entry in self._relocations if with_relocations else ():
            marks.setdefault(entry.offset, []).append(entry)
        for index, code in enumerate(module.codes, imported):
            if function not in (None, index):
                continue
            yield f"{code.offset:06x} func[{index}] <{printer.function_name(index)}>:"
            body = code.body()
            lines = list(printer.instructions(index, body))
            if not lines:
                continue
            if lines[0].offset > code.offset + 1:
                yield from self._beside(code.offset, lines[0].offset, printer.locals_text(index, body))
            ends = [line.offset for line in lines[1:]] + [code.offset + code.size]
            for line, end in zip(lines, ends, strict=True):
                yield from self._beside(line.offset, end, line.indented)
                if marks:
                    for at in range(line.offset, end):
                        yield from (f"           {at:06x}: {entry}" for entry in marks.get(at, ()))

    def _beside(self, start: int, end: int, text: str) -> Iterator[str]:
        for at in range(start, max(end, start + 1), _BYTES_OF_INSTRUCTION):
            data = self.binary[at : min(end, at + _BYTES_OF_INSTRUCTION)].hex(" ")
            yield f" {at:06x}: {data:<26} | {text}".rstrip() if at == start else f" {at:06x}: {data:<26} |"


def hexadecimal(data: bytes, offset: int = 0) -> Iterator[str]:
    """Yield a hexadecimal dump, 16 bytes per line."""
    for at in range(0, len(data), _BYTES_A_LINE):
        line = data[at : at + _BYTES_A_LINE]
        shown = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in line)
        yield f"{offset + at:07x}: {line.hex(' ', -2):<40} {shown}"


def _is_named(section: RawSection, wanted: str) -> bool:
    return section.title.lower() == wanted.lower() or section.name == wanted
