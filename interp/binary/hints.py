"""Branch hints: the custom section ``metadata.code.branch_hint`` (WebAssembly's branch hinting proposal)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeAlias

from zenowasm.interp.binary.reader import Reader
from zenowasm.interp.binary.writer import Writer
from zenowasm.interp.limits import ModuleLimits
from zenowasm.interp.syntax.module import CustomSection

HINT_SECTION = "metadata.code.branch_hint"

Hints: TypeAlias = Mapping[int, Mapping[int, int]]
"""By function and instruction: 1 for a likely branch, 0 for an unlikely one.

An instruction is identified by its distance in bytes from the beginning of the function's locals.
"""


def decode_hints(section: CustomSection, limits: ModuleLimits | None = None) -> Hints:
    """Return a section's hints without checking their targets; raises ``DecodeError`` if it is malformed."""
    reader, most = Reader(section.data, section.offset), (limits or ModuleLimits()).functions
    hints = {index: dict(_of_function(reader, most)) for index in reader.increasing(most, "function")}
    if reader.left:
        raise reader.error("branch hints: section size mismatch")
    return hints


def _of_function(reader: Reader, most: int) -> Iterator[tuple[int, int]]:
    for offset in reader.increasing(most, "instruction"):
        start = reader.pos
        size, hint = reader.u32(), reader.byte()
        if size != 1 or hint > 1:
            raise reader.error("malformed branch hint: expected one byte, 0 or 1", start)
        yield offset, hint


def encode_hints(hints: Hints) -> bytes:
    """Return the contents of a section, empty if there are no hints."""
    out = Writer()
    if hints:
        out.vector(sorted(hints.items()), _function)
    return bytes(out.data)


def _function(out: Writer, entry: tuple[int, Mapping[int, int]]) -> None:
    index, hints = entry
    out.unsigned(index)
    out.vector(sorted(hints.items()), _hint)


def _hint(out: Writer, entry: tuple[int, int]) -> None:
    offset, hint = entry
    out.unsigned(offset)
    out.sized(bytes((hint,)))
