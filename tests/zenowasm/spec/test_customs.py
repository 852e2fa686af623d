"""Custom sections by the specification's appendix, and branch hints by their document.

The bytes are written by hand from the grammar: a subsection is its number, its size and its contents.
"""

from __future__ import annotations

import pytest
from support.wasm import wat

from zenowasm.backends import registry
from zenowasm.interp.errors import DecodeError, ValidationError
from zenowasm.spec.customs import check_customs
from zenowasm.spec.runner import Status, run_script
from zenowasm.spec.wast_reader import assemble, read_script

MODULE = """
(type $s (struct (field i32))) (type $f (func (param i32)))
(import "m" "f" (func (type $f)))
(func (param i32) (local i64) (block (loop (br 0))))
(table 1 funcref) (memory 1) (global i32 (i32.const 0)) (elem func 0) (data "x") (tag (type $f))
"""
SECTION = '(module {module} (@custom "{name}" ({place}) "{data}"))'


def check(data: str, name: str = "name", place: str = "after data", module: str = MODULE) -> None:
    escaped = "".join(f"\\{byte:02x}" for byte in bytes.fromhex(data))
    check_customs(assemble(SECTION.format(module=module, name=name, place=place, data=escaped)))


@pytest.mark.parametrize(
    "data",
    [
        "",
        "00 02 01 4d",
        "01 07 02 00 01 61 01 01 61",
        "02 09 01 01 02 00 01 70 01 01 6c",
        "02 06 01 00 01 00 01 70",
        "03 09 01 01 02 00 01 61 01 01 62",
        "04 04 01 01 01 54",
        "0a 06 01 00 01 00 01 66",
        "0b 04 01 00 01 78",
        "0c 06 01 01 01 00 01 70",
        "00 02 01 4d 01 01 00 0b 01 00",
        "01 03 01 00 00",
    ],
)
def test_well_formed_names(data: str) -> None:
    check(data)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("01 01 00 00 02 01 4d", "invalid name subsection id 0"),
        ("01 01 00 01 01 00", "invalid name subsection id 1"),
        ("20 01 00", "invalid name subsection id 32"),
        ("01 04 01 00 03 66", "unexpected end"),
        ("01 04 02 00 01 66", "unexpected end"),
        ("01 09 01 00 01 66", "unexpected end"),
        ("01 05 01 00 01 66 ff", "size mismatch"),
        ("00 03 01 4d 4d", "size mismatch"),
        ("01 04 01 00 01 ff", "UTF-8"),
        ("01 07 02 00 01 61 00 01 62", "increasing"),
        ("01 07 02 01 01 61 00 01 62", "increasing"),
        ("02 09 01 01 02 01 01 61 00 01 62", "increasing"),
        ("02 0b 02 01 01 00 01 61 01 01 00 01 62", "increasing"),
    ],
)
def test_malformed_names(data: str, words: str) -> None:
    with pytest.raises(DecodeError, match=words):
        check(data)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("01 04 01 02 01 3f", "invalid function index 2"),
        ("02 06 01 01 01 02 01 3f", "invalid local index 2"),
        ("02 06 01 00 01 01 01 3f", "invalid local index 1"),
        ("03 06 01 01 01 02 01 3f", "invalid label index 2"),
        ("03 06 01 00 01 00 01 3f", "invalid label index 0"),
        ("04 04 01 05 01 3f", "invalid type index 5"),
        ("05 04 01 01 01 3f", "invalid table index 1"),
        ("06 04 01 01 01 3f", "invalid memory index 1"),
        ("07 04 01 01 01 3f", "invalid global index 1"),
        ("08 04 01 01 01 3f", "invalid element segment index 1"),
        ("09 04 01 01 01 3f", "invalid data segment index 1"),
        ("0a 06 01 00 01 01 01 3f", "invalid field index 1"),
        ("0a 06 01 01 01 00 01 3f", "no structure type"),
        ("0b 04 01 01 01 3f", "invalid tag index 1"),
        ("0c 06 01 00 01 00 01 3f", "no function type"),
        ("0c 06 01 01 01 01 01 3f", "invalid parameter index 1"),
    ],
)
def test_names_of_what_the_module_has_not(data: str, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        check(data)


def test_the_name_section_comes_once_and_last() -> None:
    with pytest.raises(DecodeError, match="misplaced name section"):
        check("", place="before code")
    twice = '(module (@custom "name" (after data) "") (@custom "name" (after data) ""))'
    with pytest.raises(DecodeError, match="duplicate name section"):
        check_customs(assemble(twice))


HINTED = "(func (param i32) (block (br_if 0 (local.get 0))))"  # 00 | 02 40 | 20 00 | 0d 00 | 0b 0b
HINTS = "metadata.code.branch_hint"


@pytest.mark.parametrize("hint", ["00", "01"])
def test_branch_hints(hint: str) -> None:
    check(f"01 00 01 05 01 {hint}", HINTS, "before code", HINTED)


@pytest.mark.parametrize(
    ("data", "place", "error"),
    [
        ("01 00 01 05 01 02", "before code", DecodeError),
        ("01 00 01 05 02 00 00", "before code", DecodeError),
        ("01 00 01 05 01 00", "after code", DecodeError),
        ("01 00 02 05 01 00 05 01 00", "before code", DecodeError),
        ("01 00 01 05 01 00 00", "before code", DecodeError),
        ("01 00 01 03 01 00", "before code", ValidationError),
        ("01 00 01 04 01 00", "before code", ValidationError),
        ("01 01 01 05 01 00", "before code", ValidationError),
    ],
)
def test_wrong_branch_hints(data: str, place: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        check(data, HINTS, place, HINTED)


SCRIPT = r"""
(assert_malformed_custom
  (module quote "(func (@metadata.code.branch_hint \"\\00\") (@metadata.code.branch_hint \"\\00\") block end)")
  "@metadata.code.branch_hint annotation: duplicate annotation")
(assert_malformed_custom (module quote "(@metadata.code.branch_hint \"\\01\") (func)") "not in a function")
(assert_invalid_custom (module (func (@metadata.code.branch_hint "\01") nop)) "invalid target")
(module (func) (@custom "name" (after data) "\01\04\01\00\01f"))
(assert_malformed_custom (module quote "(@custom)") "@custom annotation: missing section name")
(assert_malformed_custom (module quote "(func (nop (@custom \"bla\")))") "misplaced @custom annotation")
(assert_malformed_custom (module quote "(module (@name \"M1\") (@name \"M2\"))") "@name annotation: multiple module")
(assert_malformed_custom (module quote "(func) (@custom \"name\" (after data) \"\\01\\01\\00\\01\\01\\00\")") "id")
(assert_invalid_custom (module (func) (@custom "name" (after data) "\01\04\01\01\01f")) "invalid function index 1")
(assert_malformed_custom (module (func)) "nothing is wrong")
(assert_invalid_custom (module (func)) "nothing is wrong")
(assert_invalid_custom (module quote "(func) (@custom \"name\" (after data) \"\\01\\01\\00\\01\\01\\00\")") "malformed")
(assert_malformed_custom (module quote "(func) (@custom \"name\" (after data) \"\\01\\04\\01\\01\\01f\")") "invalid")
"""


@pytest.mark.parametrize("backend", ["reference", "wasmtime"])
def test_assertions_of_a_script(tmp_path, backend: str) -> None:
    file = tmp_path / "custom.wast"
    file.write_text(SCRIPT)
    result = run_script(read_script(file), registry.engine(backend), assemble=assemble)
    assert [it.status for it in result.outcomes] == [Status.PASS] * 9 + [Status.FAIL] * 4
    assert [it.command for it in result.outcomes[7:9]] == ["assert_malformed_custom", "assert_invalid_custom"]


def test_names_that_another_tool_wrote_are_valid() -> None:
    check_customs(wat("(module $m (func $f (param $p i32) (local $l i64) (block $b)) (memory $mem 1))"))
