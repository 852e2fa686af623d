"""Validation of modules (specification, 3.5)."""

# ruff: noqa: E501 - modules in the text format are easier to read in one line

from __future__ import annotations

import pytest
from support.wasm import (
    CODE,
    DATA,
    ELEMENT,
    EXPORT,
    FUNCTION,
    GLOBAL,
    I32,
    IMPORT,
    TYPE,
    functype,
    module,
    name,
    section,
    sized,
    u,
    vec,
    wat,
)

from zenowasm.interp.binary import decode
from zenowasm.interp.errors import ValidationError
from zenowasm.interp.validation import validate_module

VALID = {
    "empty": "(module)",
    "imports of every kind": """(module (import "m" "f" (func (param i32))) (import "m" "t" (table 1 2 funcref))
        (import "m" "m" (memory 1 65536)) (import "m" "g" (global (mut f64))))""",
    "a global read from an import": '(module (import "m" "g" (global i32)) (global i32 (global.get 0)))',
    "globals of every type": """(module (global i32 (i32.const 1)) (global i64 (i64.const 1)) (global f32 (f32.const 1))
        (global f64 (f64.const 1)) (global funcref (ref.null func)) (global externref (ref.null extern)))""",
    "segments at an imported place": """(module (import "m" "g" (global i32)) (table 1 funcref) (memory 1)
        (elem (global.get 0) func) (data (global.get 0) ""))""",
    "the largest memory and table": "(module (memory 65536 65536) (table 4294967295 4294967295 funcref))",
    "a start function": "(module (func) (start 0))",
    "an imported start function": '(module (import "m" "f" (func)) (start 0))',
    "names that differ in one character": '(module (func (export "a") (export "b") (export "") (export "A")))',
    "a function referred to in a global": "(module (func) (global funcref (ref.func 0)) (func ref.func 0 drop))",
    "a function referred to in an export": '(module (func (export "f")) (func ref.func 0 drop))',
    "a function referred to in a segment": "(module (func) (elem declare func 0) (func ref.func 0 drop))",
    "an import called and exported": '(module (import "m" "f" (func $f)) (export "f" (func $f)) (func call $f))',
    "a constant reference to a later function": "(module (global funcref (ref.func 1)) (func) (func))",
}

INVALID = {
    "duplicate export name": '(module (func (export "a")) (memory (export "a") 1))',
    "unknown function 1": '(module (func) (export "f" (func 1)))',
    "unknown table 0": '(module (export "t" (table 0)))',
    "unknown memory 0": '(module (export "m" (memory 0)))',
    "unknown global 0": '(module (export "g" (global 0)))',
    "unknown function 3": "(module (start 3))",
    "start function": "(module (func (param i32)) (start 0))",
    "start function: .*result": "(module (func (result i32) i32.const 0) (start 0))",
    "size minimum must not be greater than maximum: 2": "(module (memory 2 1))",
    "size minimum must not be greater than maximum: 9": "(module (table 9 8 funcref))",
    "size minimum must not be greater than maximum: 7": '(module (import "m" "m" (memory 7 6)))',
    "memory size must be at most 65536 pages": "(module (memory 65537))",
    "memory size": "(module (memory 0 65537))",
    "type mismatch: i32 is expected, i64": "(module (global i32 (i64.const 0)))",
    "type mismatch: i32 is expected, the block": "(module (global i32))",
    "type mismatch: 1 values too many": "(module (global i32 (i32.const 0) (i32.const 0)))",
    "constant expression required: i32.ctz": "(module (global i32 (i32.ctz (i32.const 0))))",
    "constant expression required: .*mutable": '(module (import "m" "g" (global (mut i32))) (global i32 (global.get 0)))',
    "unknown global 5": "(module (global i32 (global.get 5)))",
    "unknown function 4": "(module (global funcref (ref.func 4)))",
    "unknown function 5": "(module (table 1 funcref) (elem (i32.const 0) 5))",
    "unknown memory": '(module (data (i32.const 0) ""))',
    "unknown table": "(module (elem (i32.const 0) func))",
    "type mismatch": '(module (memory 1) (data (i64.const 0) ""))',
    "type mismatch: i32": "(module (table 1 funcref) (elem (f32.const 0) func))",
    "type mismatch: a segment of externref": "(module (table 1 funcref) (elem (i32.const 0) externref))",
    "type mismatch: funcref": "(module (elem funcref (ref.null extern)))",
    "constant expression required": '(module (memory 1) (data (memory.size) ""))',
    "undeclared function reference": "(module (func) (func ref.func 0 drop))",
    "undeclared function reference: function 0": "(module (func $f) (start $f) (func ref.func $f drop))",
}


@pytest.mark.parametrize("what", VALID)
def test_valid(what: str) -> None:
    validate_module(decode(wat(VALID[what])))


@pytest.mark.parametrize("words", INVALID)
def test_invalid(words: str) -> None:
    with pytest.raises(ValidationError, match=f"^{words}"):
        validate_module(decode(wat(INVALID[words])))


@pytest.mark.parametrize(
    ("binary", "words"),
    [
        (module(section(IMPORT, vec([name("m") + name("f") + b"\0" + u(0)]))), "unknown type"),
        (
            module(
                section(TYPE, vec([functype()])), section(FUNCTION, vec([u(1)])), section(CODE, vec([sized(b"\0\x0b")]))
            ),
            "unknown type",
        ),
        (module(section(GLOBAL, vec([I32 + b"\0\x41\0\x01\x0b"]))), "constant expression required: nop"),
        (module(section(GLOBAL, vec([I32 + b"\0\x02\x7f\x41\0\x0b\x0b"]))), "constant expression required: block"),
        (module(section(GLOBAL, vec([I32 + b"\0\x03\x7f\x41\0\x0b\x0b"]))), "constant expression required: loop"),
        (
            module(section(GLOBAL, vec([I32 + b"\0\x41\1\x04\x7f\x41\0\x05\x41\0\x0b\x0b"]))),
            "constant expression required: if",
        ),
        (module(section(GLOBAL, vec([I32 + b"\0\x41\0\x0f\x0b"]))), "constant expression required: return"),
    ],
)
def test_invalid_in_binary_only(binary: bytes, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        validate_module(decode(binary))


def test_an_error_outside_of_bodies_knows_its_offset_and_no_function() -> None:
    prefix = module(section(DATA, b"")[:1])[:8]
    bad = section(DATA, vec([u(0) + b"\x41\0\x0b" + sized(b"")]))
    with pytest.raises(ValidationError) as caught:
        validate_module(decode(prefix + bad))
    assert caught.value.function is None
    assert caught.value.offset == len(prefix) + 3
    bad = section(EXPORT, vec([name("f") + b"\0" + u(0)]))
    with pytest.raises(ValidationError) as caught:
        validate_module(decode(prefix + bad))
    assert caught.value.offset == len(prefix) + 3
    bad = section(ELEMENT, vec([u(0) + b"\x41\0\x0b" + vec([])]))
    with pytest.raises(ValidationError) as caught:
        validate_module(decode(prefix + bad))
    assert caught.value.offset == len(prefix) + 3


def test_the_first_bad_function_is_named() -> None:
    text = '(module (import "m" "f" (func)) (func) (func i32.const 1) (func i64.const 1))'
    with pytest.raises(ValidationError, match="type mismatch") as caught:
        validate_module(decode(wat(text)))
    assert caught.value.function == 2
