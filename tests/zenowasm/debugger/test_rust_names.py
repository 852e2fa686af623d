"""Breakpoints at Rust's functions: the names are those that rustc's documentation of both manglings gives."""

from __future__ import annotations

import time

import pytest
from support.wasm import wat

from zenowasm.debugger.breakpoints import ENTRY, Site, sites
from zenowasm.debugger.program import Program
from zenowasm.debugger.rust_names import suffixes
from zenowasm.interp.binary import decode
from zenowasm.interp.validation import validate_module

LEGACY = "_ZN6plugin5greet17h0123456789abcdefE"
V0 = "_RNvCs1234_6plugin4part"
METHOD = "_RNvMs_CsX_6pluginNtB4_4Type5greet"
DISPLAY = "_ZN51_$LT$plugin..Json$u20$as$u20$core..fmt..Display$GT$3fmt17h0123456789abcdefE"
GENERIC = "_RINvCs1_6plugin3fooaE"


@pytest.mark.parametrize(
    ("mangled", "found"),
    [
        (LEGACY, ["greet", "plugin::greet"]),
        (V0, ["part", "plugin::part"]),
        (METHOD, ["greet", "Type::greet", "plugin::Type::greet"]),
        (DISPLAY, ["fmt", "Json::fmt", "plugin::Json::fmt"]),
        (GENERIC, ["foo", "plugin::foo"]),
        ("greet", []),
        ("_ZN3foo3barEi", []),
        ("_R", []),
        ("_ZN", []),
    ],
)
def test_a_name_is_found_by_the_ends_of_its_path(mangled: str, found: list[str]) -> None:
    assert list(suffixes(mangled)) == found


@pytest.mark.parametrize(
    "hostile", ["_RNv" * 400, "_R" + "NvC1a1b" * 200, "_ZN" + "1a" * 900 + "E", "_RIC1a" + "TB3_B3_E" * 200 + "E",
                "_ZN" + "1a" * 500_000 + "E", "_RY" * 600, "_RIC1a" + "T" * 900, "_ZN9_$LT$$LT$17h0123456789abcdefE"]
)  # fmt: skip
def test_a_hostile_name_ends_soon(hostile: str) -> None:
    started = time.monotonic()
    assert sum(map(len, suffixes(hostile))) < 4_000_000
    assert time.monotonic() - started < 20


def test_a_breakpoint_is_set_by_the_end_of_the_path() -> None:
    functions = " ".join(f'(func (@name "{name}") nop)' for name in (LEGACY, V0, METHOD))
    program = Program(validate_module(decode(wat(f"(module {functions} (func $part nop))"))))
    assert sites(program, "greet") == [Site(0, ENTRY), Site(2, ENTRY)]
    assert sites(program, "plugin::greet") == [Site(0, ENTRY)]
    assert sites(program, "Type::greet+1") == [Site(2, 1)]
    assert sites(program, "reet") == []
    assert sites(program, "part") == [Site(3, ENTRY)]  # a name as it is comes first
    assert sites(program, LEGACY) == [Site(0, ENTRY)]
    assert program.function_name(0) == LEGACY  # what backtraces say
