"""Every variable at every line of programs in C and Rust, judged by LLDB; ``make judged-values`` takes all programs."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator

import pytest
from support.debugged import SOURCES, WORKLOADS, judged
from support.judging import UNAVAILABLE, UNKNOWN, Seen, lldb_sees, we_see, without_variants
from support.looking import look

PROGRAMS = {"inventory.c": "5", "json.c": "2", "regex.c": "2", "bank.rs": "4", "tree.rs": "6"}
"""The programs by name, and the argument of their function ``run``."""
_ALL = bool(os.environ.get("ZENOWASM_CAMPAIGN"))
_SAMPLE = [("inventory.c", 0), ("bank.rs", 2), ("tree.rs", 2)]
_MOST = 3 if _ALL else 1
"""The maximum number of stops at one address."""
_FEWEST = 600


@pytest.mark.parametrize(("name", "level"), [(it, level) for it in PROGRAMS for level in (0, 2)] if _ALL else _SAMPLE)
def test_every_variable_at_every_line(name, level, tmp_path) -> None:
    file, arguments = judged(name, level), (PROGRAMS[name],)
    addresses, theirs = lldb_sees(file, arguments, name, _MOST, tmp_path)
    ours = we_see(file, arguments, addresses, _MOST)
    assert [it.pc for it in theirs] == [it.pc for it in ours]
    counts: Counter[str] = Counter()
    wrong = []
    for expected, seen in zip(theirs, ours, strict=True):
        # LLDB 22 confuses several calls of one function, since its frames in WebAssembly have no address.
        if not seen.is_recursive:
            wrong += [f"0x{seen.pc:x}: {it}" for it in differences(expected, seen, counts)]
    assert wrong == []
    assert counts["same"] >= _FEWEST


def differences(theirs: Seen, ours: Seen, counts: Counter[str]) -> Iterator[str]:
    """Yield how two views of a stop differ, and count what agrees."""
    seen = {(it.name, it.line): it.leaves for it in reversed(ours.variables)}
    expected = {(it.name, it.line): it for it in reversed(theirs.variables) if it.name}
    for key in seen.keys() - expected.keys():
        yield f"{key} is visible for us only"
    hidden = {name for name, _ in seen}
    for key, it in expected.items():
        leaves = without_variants(it.leaves)
        if key in seen:
            yield from (f"{key}{text}" for text in _unequal(leaves, seen[key], counts))
        # LLDB also lists variables that an inner one of that name hides.
        elif it.is_of_call and key[0] not in hidden:
            yield f"{key} is visible for LLDB only"


def _unequal(theirs: dict[str, str], ours: dict[str, str], counts: Counter[str]) -> Iterator[str]:
    for path, value in theirs.items():
        mine = ours.get(path)
        # LLDB 22 shows zeros for the parts of a variable that were optimised out.
        is_part = bool(path) and mine == UNAVAILABLE and {*value} == {"0"}
        if value == mine:
            counts["same"] += 1
        elif value != UNKNOWN and not is_part:
            yield f"{path} is {value} for LLDB and {mine} for us"


def test_the_programs_are_large_enough() -> None:
    for name in PROGRAMS:
        folder = SOURCES if (SOURCES / name).exists() else WORKLOADS
        headers = "".join(it.read_text() for it in folder.glob("*.h"))
        assert len(((folder / name).read_text() + headers).splitlines()) >= 150


def test_a_float_on_the_operand_stack() -> None:
    # The optimiser keeps the side of `Square(1.5)` nowhere else.
    assert [it["side"] for it in look(judged("tree.rs", 2), "tree.rs:22", 6).seen] == ["1.5"]


def test_a_parameter_that_has_no_value_in_an_inlined_call() -> None:
    # `open` is inlined into `run`, and the compiler has described no place of its second parameter at all.
    (seen, *_) = look(judged("bank.rs", 2), "bank.rs:92", 4).seen
    assert seen["currency"] == "<it was optimised out>"
