"""Damaged modules: decoding and validating end with an error of theirs or not at all, in proportion to the input.

A case that ends in another way is shrunk and saved in ``found/``; what is there is replayed.
"""

from __future__ import annotations

import tracemalloc
from collections import Counter

import pytest
from differential.campaign import FOUND
from differential.damage import damaged, save, shrink
from support.wasm import START, sized, u

from zenowasm.interp.binary import decode
from zenowasm.interp.errors import DecodeError, LimitError, ValidationError
from zenowasm.interp.validation import validate_module

CASES = 10_000
BATCH = 500
_BYTES_AT_LEAST, _BYTES_PER_BYTE = 100_000, 1_000


def check(binary: bytes) -> str:
    """Decode and validate a module with all its bodies; return what became of it."""
    try:
        validate_module(decode(binary))
    except (DecodeError, ValidationError, LimitError) as error:
        return type(error).__name__
    return "valid"


def breaks(binary: bytes) -> bool:
    """Whether something other than a refusal comes out."""
    try:
        check(binary)
    except Exception:  # noqa: BLE001 - whatever it is
        return True
    return False


@pytest.mark.parametrize("first", range(0, CASES, BATCH))
def test_damage_is_refused_or_harmless(first: int) -> None:
    seen: Counter[str] = Counter()
    for seed in range(first, first + BATCH):
        binary = damaged(seed)
        try:
            seen[check(binary)] += 1
        except Exception as error:
            path = save(f"damaged-{seed}.bin", shrink(binary, breaks))
            raise AssertionError(f"seed {seed} ended with {error!r}: {path}") from error
    # The cases come as far as they should.
    assert min(seen[it] for it in ("DecodeError", "ValidationError", "valid")) > BATCH // 50, seen


def test_what_was_found_stays_repaired() -> None:
    for path in sorted(FOUND.glob("*.bin")):
        check(path.read_bytes())


@pytest.mark.parametrize("first", range(0, 400, 100))
def test_memory_is_in_proportion(first: int) -> None:
    for seed in range(first, first + 100):
        binary = damaged(seed)
        assert peak(binary) < _BYTES_AT_LEAST + _BYTES_PER_BYTE * len(binary), f"seed {seed}"


@pytest.mark.parametrize("count", [10_000, 0x7FFFFFFF, 0xFFFFFFFF])
@pytest.mark.parametrize("id_", [it for it in range(1, 14) if it != START])
def test_counts_without_contents_are_refused_at_once(id_: int, count: int) -> None:
    binary = b"\0asm\1\0\0\0" + bytes((id_,)) + sized(u(count))
    assert peak(binary) < _BYTES_AT_LEAST
    assert check(binary) in ("DecodeError", "LimitError")


def peak(binary: bytes) -> int:
    """Return the most bytes that Python held while a module was checked."""
    tracemalloc.start()
    try:
        check(binary)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
