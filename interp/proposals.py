"""Proposals that are not part of WebAssembly 3.0, so that an error can name the one that a module uses."""

from __future__ import annotations

import re

from attrs import field, frozen


@frozen
class Proposal:
    """A proposal, named as in the WebAssembly proposals repository, and the codes by which it is recognized.

    ``opcodes`` are runs of opcodes, each given by its first and last (a byte, or a prefix and a number). ``types`` are
    bytes that begin a type, ``limits`` are bits in the flags of limits, and ``words`` match whole words of the text
    format.
    """

    name: str
    opcodes: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...] = ()
    types: tuple[int, ...] = ()
    limits: int = 0
    words: re.Pattern[str] = field(default=re.compile("(?!)"))


PROPOSALS = (
    Proposal(
        "threads",
        opcodes=(((0xFE, 0x00), (0xFE, 0x4E)),),
        limits=0x02,
        words=re.compile(r"shared|atomic\.fence|(memory|i32|i64)\.atomic\..+"),
    ),
    Proposal(
        "shared-everything threads",
        opcodes=(((0xFE, 0x4F), (0xFE, 0x7F)),),
        types=(0x65,),
        words=re.compile(r"(global|table|struct|array)\.atomic\..+|thread\..+|ref\.i31_shared"),
    ),
    Proposal(
        "legacy exception handling",
        opcodes=(((0x06,), (0x07,)), ((0x09,), (0x09,)), ((0x18,), (0x19,))),
        words=re.compile("try|do|rethrow|delegate"),
    ),
    Proposal(
        "stack switching",
        opcodes=(((0xE0,), (0xE6,)),),
        types=(0x5D, 0x68, 0x75),
        words=re.compile(
            r"cont|nocont|(null)?contref|nullcontref|cont\.(new|bind)|suspend|resume(_throw(_ref)?)?|switch"
        ),
    ),
    Proposal(
        "wide arithmetic",
        opcodes=(((0xFC, 0x13), (0xFC, 0x16)),),
        words=re.compile(r"i64\.(add128|sub128|mul_wide_[su])"),
    ),
    Proposal("custom page sizes", limits=0x08, words=re.compile("pagesize")),
    Proposal("memory control", opcodes=(((0xFC, 0x12), (0xFC, 0x12)),), words=re.compile(r"memory\.discard")),
    Proposal(
        "half precision",
        opcodes=(((0xFC, 0x30), (0xFC, 0x31)), ((0xFD, 0x120), (0xFD, 0x14F))),
        words=re.compile(r"f16x8(\..+)?|f32\.(load|store)_f16"),
    ),
    Proposal("reference-typed strings", types=(0x67,), words=re.compile(r"stringref|string(view_\w+)?\..+")),
    Proposal("custom descriptors", types=(0x4C, 0x4D), words=re.compile("descriptor|describes|exact")),
    Proposal("component model", words=re.compile("component|core")),
)


def of_opcode(*opcode: int) -> str:
    """Return a clause that names the proposal of an opcode, or an empty string."""
    return _clause(
        next((it for it in PROPOSALS if any(low <= opcode <= high for low, high in it.opcodes)), None),
    )


def of_type(byte: int) -> str:
    """Return a clause that names the proposal of a type that begins with this byte, or an empty string."""
    return _clause(next((it for it in PROPOSALS if byte in it.types), None))


def of_limits(flags: int) -> str:
    """Return a clause that names the proposal of the flags of limits, or an empty string."""
    return _clause(next((it for it in PROPOSALS if it.limits & flags), None))


def of_word(word: str) -> str:
    """Return a clause that names the proposal of a word of the text format, or an empty string."""
    return _clause(next((it for it in PROPOSALS if it.words.fullmatch(word)), None))


def of_version(version: bytes) -> str:
    """Return a clause that names the proposal of a binary's version field, or an empty string."""
    # A component has layer 1 in the upper half of the field.
    return _clause(PROPOSALS[-1] if version[2:] == b"\x01\0" else None)


def _clause(proposal: Proposal | None) -> str:
    return "" if proposal is None else f": the proposal {proposal.name!r} is not part of WebAssembly 3.0"
