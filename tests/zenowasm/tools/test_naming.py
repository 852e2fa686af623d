"""Names of functions, and what they tell of packages. The mangled names are what rustc and Go's compiler write."""

from __future__ import annotations

import pytest
from support.wasm import wat

from zenowasm.interp.binary import decode, decode_names
from zenowasm.tools.naming import OTHER, find_function, function_names, package_of, readable

MODULE = decode(
    wat(
        """(module (import "env" "log" (func)) (import "env" "named" (func $mine))
        (func $inner (export "outer")) (func (export "only")) (func) (func $inner2))"""
    )
)
NAMES = function_names(MODULE, decode_names(MODULE))


def test_every_function_has_a_name() -> None:
    assert NAMES == ["env.log", "mine", "inner", "only", "func[4]", "inner2"]


@pytest.mark.parametrize(
    ("wanted", "index"),
    [("inner", 2), ("$inner", 2), ("outer", 2), ("only", 3), ("4", 4), ("func[4]", 4), ("env.log", 0)],
)
def test_a_function_is_found_by_name_export_or_index(wanted: str, index: int) -> None:
    assert find_function(MODULE, NAMES, wanted) == index


@pytest.mark.parametrize(
    ("wanted", "hint"),
    [
        ("iner", "did you mean inner?"),
        ("outre", "did you mean outer?"),
        ("6", "name or an index"),
        ("9" * 5000, "name"),
        ("²", "name"),
    ],
)
def test_an_unknown_function(wanted: str, hint: str) -> None:
    with pytest.raises(ValueError, match="no function") as caught:
        find_function(MODULE, NAMES, wanted)
    assert hint in str(caught.value)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("_ZN4core3fmt9Formatter3pad17h0123456789abcdefE", "core::fmt::Formatter::pad"),
        (
            "_ZN58_$LT$alloc..string..String$u20$as$u20$core..fmt..Write$GT$9write_str17h0123456789abcdefE",
            "<alloc::string::String as core::fmt::Write>::write_str",
        ),
        ("core::fmt::write::h0123456789abcdef", "core::fmt::write"),
        ("main", "main"),
        ("_ZN99999coreE", "_ZN99999coreE"),
        ("_ZNE", "_ZNE"),
        ("_ZN4coreXE", "_ZN4coreXE"),
        ("_ZN" + "9" * 5000 + "E", "_ZN" + "9" * 5000 + "E"),
    ],
)
def test_readable_names(name: str, expected: str) -> None:
    assert readable(name) == expected


@pytest.mark.parametrize(
    ("name", "languages", "package"),
    [
        ("_ZN4core3fmt9Formatter3pad17h0123456789abcdefE", {"Rust"}, "core"),
        (
            "_ZN58_$LT$alloc..string..String$u20$as$u20$core..fmt..Write$GT$9write_str17h0123456789abcdefE",
            {"Rust"},
            "alloc",
        ),
        ("<&mut W as core::fmt::Write>::write_str", {"Rust"}, "core"),
        ("std[a1b2c3]::io::print", {"Rust"}, "std"),
        ("fmt.Println", {"Go"}, "fmt"),
        ("internal/poll.(*FD).Write", {"Go"}, "internal/poll"),
        ("github.com/user/module.Func", {"Go"}, "github.com/user/module"),
        ("(*runtime.gcWork).put", {"Go"}, "runtime"),
        ("memchr.1", {"C11"}, OTHER),
        ("fmt.Println", set(), OTHER),
        ("~lib/rt/tlsf/allocate", {"AssemblyScript"}, "~lib/rt/tlsf"),
        ("main", {"Go"}, OTHER),
        ("", {"Go"}, OTHER),
        ("::", {"Rust"}, OTHER),
        ("(" * 5000 + "a", {"Go"}, OTHER),
    ],
)
def test_packages(name: str, languages: set[str], package: str) -> None:
    assert package_of(name, languages) == package
