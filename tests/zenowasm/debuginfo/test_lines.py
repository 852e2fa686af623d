"""Source lines: where breakpoints on them are, and which one an instruction belongs to."""

from __future__ import annotations

import pytest
from support.debugged import RECORDS, c_at, stripped_c
from support.looking import look

from zenowasm.debugger import Action
from zenowasm.debuginfo.info import DebugInfo, is_end_of
from zenowasm.interp.binary import decode


@pytest.fixture(scope="module")
def info():
    return DebugInfo.of(decode(c_at("-O0").read_bytes()))


@pytest.mark.parametrize("path", ["records.c", "sources/records.c", "./records.c", "tests/support/sources/records.c"])
def test_a_file_is_named_by_the_end_of_its_path(info, path) -> None:
    (offset,) = info.offsets_of(path, 33)
    line = info.line_at(offset)
    assert (line.file, line.line) == (str(RECORDS), 33)
    assert info.function_at(offset).name == "run"


@pytest.mark.parametrize("path", ["ecords.c", "records.cc", "other/records.c", ""])
def test_other_paths_are_no_end(info, path) -> None:
    assert not is_end_of(path, str(RECORDS))
    assert info.offsets_of(path, 33) == []


def test_a_line_without_code_is_the_next_one_that_has_some(info) -> None:
    assert [info.line_at(it).line for it in info.offsets_of("records.c", 14)] == [15]
    assert info.offsets_of("records.c", 1000) == []


def test_steps_go_from_line_to_line() -> None:
    stepped = look(c_at("-O0"), "records.c:33", 1, action=Action.STEP_LINE).lines
    # Into `area`, whose body begins at line 11, and back to the line after the call.
    assert stepped[:12] == [f"records.c:{line}" for line in (33, 34, 35, 36, 37, 38, 11, 12, 13, 39, 37, 41)]
    over = look(c_at("-O0"), "records.c:33", 1, action=Action.NEXT_LINE).lines
    assert over == [f"records.c:{line}" for line in (33, 34, 35, 36, 37, 38, 39, 37, 41)]


def test_inlined_calls_are_named() -> None:
    info = DebugInfo.of(decode(c_at("-O2").read_bytes()))
    found = [info.function_at(it).inlined(it - info._base) for it in info.offsets_of("records.c", 12)]
    assert found and all(names == ["area"] for names in found)


def test_a_module_without_debugging_information() -> None:
    assert DebugInfo.of(decode(stripped_c().read_bytes())) is None


def test_functions_that_the_linker_removed_have_no_lines(info) -> None:
    module = decode(c_at("-O0").read_bytes())
    code = next(section for section in module.sections if section.name == "codes")
    # The linker keeps the line tables of all of libc, and gives what it removes the addresses 0 and -1.
    addresses = [row.address for unit in info._units for row in unit.lines.rows]
    assert min(addresses) > 0 and max(addresses) <= code.size
