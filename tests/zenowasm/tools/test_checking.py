"""What is wrong with a module; wasm-tools says which modules are valid."""

from __future__ import annotations

import pytest
from support.modules import scripts
from support.wasm import wat

from zenowasm.interp.features import WASM_3, Feature
from zenowasm.spec.script import AssertInvalid, AssertMalformed, BinaryModule
from zenowasm.tools.checking import Kind, Problem, problems

THREE = wat(
    """(module
      (func $good) (func $one (result i32) i64.const 1) (func nop drop nop drop) (func $two (export "f") (local.get 9))
      (global i32 (i64.const 0)) (export "g" (func 77)) (export "f" (func 0)) (memory 1) (data (offset i64.const 0)))"""
)


def found(binary: bytes, **options: bool) -> list[Problem]:
    return list(problems(binary, **options))


def test_the_first_error() -> None:
    (only,) = found(THREE)
    assert only.message.startswith("type mismatch")
    assert only.function is None


def test_every_error_of_sections_and_the_first_of_each_function() -> None:
    every = found(THREE, every=True)
    assert [(it.function, it.name, it.message.partition(":")[0]) for it in every] == [
        (None, None, "type mismatch"),
        (None, None, "type mismatch"),
        (None, None, "unknown function 77"),
        (None, None, "duplicate export name 'f'"),
        (1, "one", "type mismatch"),
        (2, None, "type mismatch"),
        (3, "two", "unknown local 9"),
    ]
    assert all(it.kind is Kind.INVALID for it in every)
    assert THREE[every[5].offset] == 0x1A  # `drop`
    assert "(at function 3 (two), byte 0x" in str(every[6])


@pytest.mark.parametrize("every", [False, True])
def test_malformed_bytes(every: bool) -> None:
    (only,) = found(THREE[:-3], every=every)
    assert only.kind is Kind.MALFORMED
    assert only.offset is not None


def test_a_malformed_body_is_one_of_the_errors() -> None:
    binary = wat("(module (func nop) (func i64.const 1) (func nop))").replace(b"\x01\x0b", b"\xff\x0b", 1)
    assert [it.kind for it in found(binary, every=True)] == [Kind.MALFORMED, Kind.INVALID]


def test_invalid_types_are_all_that_can_be_said() -> None:
    (only,) = found(wat("(module (func (type 7)) (func drop))"), every=True)
    assert "unknown type 7" in only.message


def test_of_the_official_suite_just_the_invalid_modules_have_problems() -> None:
    wrong = []
    for script in scripts():
        for command in script.commands:
            module = getattr(command, "module", None)
            if isinstance(module, BinaryModule):
                is_bad = isinstance(command, AssertInvalid | AssertMalformed)
                if bool(found(module.binary, every=True)) is not is_bad:
                    wrong.append(f"{script.path.name}:{command.line}")
    assert wrong == []


def test_features() -> None:
    binary = wat("(module (func $f (result i32 i32) i32.const 1 i32.extend8_s i32.const 2) (memory 1) (memory 1))")
    assert list(problems(binary, WASM_3)) == []
    allowed = WASM_3 & ~(Feature.SIGN_EXTENSION | Feature.MULTI_VALUE)
    (first,) = problems(binary, allowed)
    assert (first.kind, first.message) == (Kind.FEATURE, "type 0 needs the feature multi-value")
    every = list(problems(binary, allowed, every=True))
    assert str(every[1]) == "i32.extend8_s needs the feature sign-extension (at function 0 (f), byte 0x22)"
    assert binary.index(0xC0) == 0x22
    assert len(every) == 2
