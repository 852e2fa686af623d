"""Damages modules, each by its seed alone: raw bytes, or the inside of sections and bodies while lengths stay right.

Raw damage is mostly found by the first length that no longer fits; the other kind comes as far as validation.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import cache
from importlib.metadata import files
from itertools import pairwise
from pathlib import Path

from differential.campaign import FOUND, generate
from support.programs import program
from support.samples import everything, section_ends
from support.suite import bad_modules, good_modules
from support.wasm import CODE, section, sized, u, vec

_SUITE_FILES = (
    "array", "binary", "br_on_cast", "br_table", "call_indirect", "data", "elem", "global", "memory64",
    "return_call_ref", "select", "simd_lane", "struct", "table_init", "try_table", "type-rec",
)  # fmt: skip
_HELLO = Path(__file__).parents[2] / "examples" / "plugins" / "hello" / "hello.wasm"
_LARGEST = 20_000
"""Bytes of a module or a section that is damaged; in larger ones most damage would be to data."""
_BYTES = (0x00, 0x01, 0x02, 0x0B, 0x10, 0x1A, 0x20, 0x40, 0x6A, 0x70, 0x7E, 0x7F, 0x80, 0xD0, 0xFB, 0xFC, 0xFD, 0xFF)
_COUNTS = (0, 1, 2, 0x7F, 0x80, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF)


def damaged(seed: int) -> bytes:
    """Return the case of a seed."""
    chance = random.Random(seed)
    module = chance.choice(_modules())
    for _ in range(chance.choice((1, 1, 2, 3))):
        module = (_raw if chance.random() < 0.1 else _inside)(module, chance)
    return module


def shrink(binary: bytes, fails: Callable[[bytes], bool]) -> bytes:
    """Drop runs of bytes, long ones first, for as long as it still fails."""
    length = len(binary) // 2
    while length:
        at = 0
        while at < len(binary):
            smaller = binary[:at] + binary[at + length :]
            if fails(smaller):
                binary = smaller
            else:
                at += length
        length //= 2
    return binary


def save(name: str, binary: bytes) -> Path:
    """Save a case among those that are replayed."""
    FOUND.mkdir(exist_ok=True)
    path = FOUND / name
    path.write_bytes(binary)
    return path


@cache
def _modules() -> tuple[bytes, ...]:
    found = [everything(), _HELLO.read_bytes(), *_quickjs()]
    found += [generate(seed) for seed in range(20)]
    found += [program(random.Random(seed).randbytes(300)).binary for seed in range(10)]
    for file in _SUITE_FILES:
        found += [binary for _, binary in good_modules(file) if len(binary) > 30][:4]
        found += [bad.binary for bad in bad_modules(file) if len(bad.binary) > 30][:1]
    return tuple(binary for binary in found if len(binary) <= _LARGEST)


def _quickjs() -> list[bytes]:
    """Return QuickJS's small sections, and a piece of its code."""
    listed = files("qjs-wasi-reactor.wasm")
    assert listed is not None
    binary = Path(str(next(file for file in listed if file.suffix == ".wasm").locate())).read_bytes()
    sections = _sections(binary)
    small = b"".join(section(id_, contents) for id_, contents in sections if len(contents) < _LARGEST // 2)
    bodies = _bodies(dict(sections)[CODE])
    return [binary[:8] + small, binary[:8] + section(CODE, vec([sized(it) for it in bodies[:20]]))]


def _sections(module: bytes) -> list[tuple[int, bytes]]:
    ends = section_ends(module)
    found = []
    for start, end in pairwise(ends):
        _, contents = _count(module, start + 1)
        found.append((module[start], module[contents:end]))
    return found


def _bodies(code: bytes) -> list[bytes]:
    found = []
    count, at = _count(code, 0)
    for _ in range(min(count, len(code))):
        size, at = _count(code, at)
        found.append(code[at : at + size])
        at += size
    return found


def _count(data: bytes, at: int) -> tuple[int, int]:
    """Read an unsigned LEB128; return it and the offset after it."""
    value = shift = 0
    while data[at] & 0x80:
        value |= (data[at] & 0x7F) << shift
        at, shift = at + 1, shift + 7
    return value | data[at] << shift, at + 1


def _inside(module: bytes, chance: random.Random) -> bytes:
    try:
        sections = _sections(module)
        index = chance.randrange(len(sections))
        if chance.random() < 0.5:
            index = next((at for at, (id_, _) in enumerate(sections) if id_ == CODE), index)
        id_, contents = sections[index]
        bodies = _bodies(contents) if id_ == CODE else []
    except (IndexError, ValueError):  # earlier damage was to the lengths
        return _raw(module, chance)
    if bodies:
        which = chance.randrange(len(bodies))
        bodies[which] = _change(bodies[which], chance)
        contents = vec([sized(it) for it in bodies])
    else:
        contents = _change(contents, chance)
    sections[index] = id_, contents
    if chance.random() < 0.03:
        chance.shuffle(sections)
    return module[:8] + b"".join(section(id_, contents) for id_, contents in sections)


def _raw(module: bytes, chance: random.Random) -> bytes:
    if chance.random() < 0.1:
        return module[: chance.randrange(len(module) + 1)]
    return module[:8] + _change(module[8:], chance)


def _change(data: bytes, chance: random.Random) -> bytes:
    """Invert a bit, put another byte, drop or copy some, or write a count over some."""
    at = chance.randrange(len(data) + 1)
    before, after = data[:at], data[at:]
    match chance.randrange(6):
        case 0 | 1 if after:
            return before + bytes((after[0] ^ 1 << chance.randrange(8),)) + after[1:]
        case 2:
            return before + bytes((chance.choice(_BYTES),)) + after[1:]
        case 3:
            return before + after[chance.randrange(20) :]
        case 4:
            other = chance.choice(_modules())
            start = chance.randrange(len(other))
            return before + other[start : start + chance.randrange(100)] + after[chance.randrange(40) :]
        case _:
            return before + u(chance.choice(_COUNTS)) + after[chance.randrange(5) :]
