"""What takes the bytes: every byte is counted once, and section by section as wasm-tools tells."""

from __future__ import annotations

import re
import subprocess

import pytest
from docs.blocks import ROOT
from support.json_reader import converter
from support.modules import well_formed
from support.wasm import custom, wat

from zenowasm.tools.size import Grouping, grouped, sizes
from zenowasm.tools.treemap import to_html

EXAMPLES = sorted((ROOT / "examples/plugins").glob("*/*.wasm"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda it: it.name)
@pytest.mark.parametrize("grouping", Grouping)
def test_the_sizes_add_up(path, grouping: Grouping) -> None:
    binary = path.read_bytes()
    rows = grouped(sizes(binary), grouping)
    assert sum(size for _, size in rows) == len(binary)
    assert [size for _, size in rows] == sorted((size for _, size in rows), reverse=True)


def test_the_sizes_of_the_suites_modules_add_up() -> None:
    wrong = []
    for place, binary in well_formed():
        items = sizes(binary)
        if sum(it.size for it in items) != len(binary) or any(it.size < 0 for it in items):
            wrong.append(place)
    assert wrong == []


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda it: it.name)
def test_sections_are_as_large_as_wasm_tools_says(path) -> None:
    binary = path.read_bytes()
    done = subprocess.run([str(converter()), "objdump"], input=binary, stdout=subprocess.PIPE, check=True)
    theirs = {line.split()[0]: int(re.search(r"(\d+) bytes", line)[1]) for line in done.stdout.decode().splitlines()}
    ours = dict(grouped(sizes(binary), Grouping.SECTION))
    for section in ("code", "data"):
        size = theirs[section]
        assert ours[section.title()] == size + 1 + max((size.bit_length() + 6) // 7, 1)


def test_functions_segments_and_sections_are_items() -> None:
    binary = wat(
        """(module (memory 1) (func $small nop) (func $large nop nop nop nop nop)
        (data $greeting (i32.const 0) "hello") (data "0123456789"))"""
    ) + custom("build_id", b"12345")
    items = {it.name: it.size for it in sizes(binary)}
    assert items["small"] == 4
    assert items["large"] == 8
    assert items["data[0] greeting"] == 5 + 5
    assert items["data[1]"] == 2 + 10
    assert items["build_id"] == 2 + 9 + 5


def test_packages_and_functions_of_one_name_are_added_up() -> None:
    binary = wat(
        """(module (func $core::fmt::a nop) (func $core::b nop) (func $alloc::c nop nop)
        (func (@name "twice") nop) (func (@name "twice") nop))"""
    )
    assert dict(grouped(sizes(binary), Grouping.PACKAGE))["core"] == 8
    assert dict(grouped(sizes(binary), Grouping.FUNCTION))["twice"] == 8


def test_the_page_shows_hostile_names_as_text() -> None:
    binary = wat('(module (func (@name "<script>alert(1)</script>\\1b[2J\\u{202e}") nop) (func $b nop))')
    page = to_html("<b>\x1b", sizes(binary))
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert not set("\x1b\u202e") & set(page)
    assert "<svg" in page
    assert "http" not in re.sub(r'xmlns(:\w+)?="[^"]*"', "", re.sub(r"<!--.*?-->", "", page, flags=re.DOTALL))


def test_thousands_of_functions_make_a_page() -> None:
    functions = " ".join(f"(func $package{at % 100}::f{at} nop)" for at in range(5_000))
    page = to_html("m", sizes(wat(f"(module {functions})")))
    assert len(page) < 3_000_000
    assert "package99" in page
