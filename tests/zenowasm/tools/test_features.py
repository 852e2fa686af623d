"""What modules use of proposals, judged by wasm-tools: a module is valid with what it uses, and not without it."""

from __future__ import annotations

import subprocess

import pytest
from support.json_reader import converter
from support.wasm import wat

from zenowasm.interp.binary import decode
from zenowasm.interp.features import WASM_2, WASM_3, Feature
from zenowasm.tools.features import FEATURES, feature_name, first_uses, parse_features

# What wasm-tools calls a feature, where it has another name.
THEIRS = {"mutable-globals": "mutable-global", "nontrapping-conversions": "saturating-float-to-int"}
NEEDS = {
    Feature.REFERENCE_TYPES: (),
    Feature.FUNCTION_REFERENCES: ("reference-types",),
    Feature.GC: ("reference-types", "function-references"),
    Feature.EXCEPTIONS: ("reference-types",),
    Feature.RELAXED_SIMD: ("simd",),
}
"""What a feature is of no use without."""
IMPLIED_BY = {Feature.FUNCTION_REFERENCES: Feature.GC}
USES = {
    "(func (drop (i32.extend8_s (i32.const 1))))": Feature.SIGN_EXTENSION,
    "(func (drop (i32.trunc_sat_f32_s (f32.const 1))))": Feature.NONTRAPPING_CONVERSIONS,
    "(func (result i32 i32) i32.const 1 i32.const 2)": Feature.MULTI_VALUE,
    "(func (block (param) (result i32 i32) i32.const 1 i32.const 2) drop drop)": Feature.MULTI_VALUE,
    "(memory 1) (func (memory.fill (i32.const 0) (i32.const 0) (i32.const 0)))": Feature.BULK_MEMORY,
    '(memory 1) (data "a")': Feature.BULK_MEMORY,
    "(func (param externref))": Feature.REFERENCE_TYPES,
    "(table 1 funcref) (table 1 funcref)": Feature.REFERENCE_TYPES,
    "(table 1 funcref) (func (drop (table.get 0 (i32.const 0))))": Feature.REFERENCE_TYPES,
    '(global (export "g") (mut i32) (i32.const 0))': Feature.MUTABLE_GLOBALS,
    '(import "a" "b" (global (mut i32)))': Feature.MUTABLE_GLOBALS,
    "(func (param v128))": Feature.SIMD,
    "(func (local v128))": Feature.SIMD,
    "(func (param v128) (drop (i8x16.relaxed_swizzle (local.get 0) (local.get 0))))": Feature.RELAXED_SIMD,
    "(type $f (func)) (func (param (ref null $f)))": Feature.FUNCTION_REFERENCES,
    "(func (param (ref func)))": Feature.FUNCTION_REFERENCES,
    "(type $f (func)) (func (param (ref $f)) (call_ref $f (local.get 0)))": Feature.FUNCTION_REFERENCES,
    "(type (struct))": Feature.GC,
    "(func (param anyref))": Feature.GC,
    "(rec (type (func)) (type (func)))": Feature.GC,
    "(tag)": Feature.EXCEPTIONS,
    "(func (param exnref))": Feature.EXCEPTIONS,
    "(func $f return_call $f)": Feature.TAIL_CALL,
    "(memory 1) (memory 1)": Feature.MULTI_MEMORY,
    "(memory i64 1)": Feature.MEMORY64,
    "(table i64 1 funcref)": Feature.MEMORY64,
    "(global i32 (i32.add (i32.const 1) (i32.const 1)))": Feature.EXTENDED_CONST,
    "(memory 1) (data (offset i32.const 1 i32.const 1 i32.add))": Feature.EXTENDED_CONST,
}


def accepts(binary: bytes, features: list[str]) -> bool:
    command = [str(converter()), "validate", "--features", ",".join(THEIRS.get(it, it) for it in features), "-"]
    return not subprocess.run(command, input=binary, capture_output=True, check=False).returncode


@pytest.mark.parametrize("text", USES)
def test_what_a_module_uses(text: str) -> None:
    binary = wat(f"(module {text})")
    feature = USES[text]
    used = {feature_name(it) for it in first_uses(decode(binary))}
    assert feature_name(feature) in used
    assert used <= {feature_name(feature), *NEEDS.get(feature, ())}
    assert accepts(binary, ["mvp", *used, *NEEDS.get(feature, ())])
    without = {feature_name(feature), feature_name(IMPLIED_BY.get(feature, feature))}
    assert not accepts(binary, ["mvp", *(FEATURES.keys() - without)])


def test_every_feature_is_used_by_one_of_the_examples() -> None:
    assert set(USES.values()) == set(Feature)


def test_the_place_of_the_first_use() -> None:
    binary = wat("(module (func nop) (func i32.const 1 i32.extend8_s i32.extend8_s drop))")
    use = first_uses(decode(binary))[Feature.SIGN_EXTENSION]
    assert (use.what, use.function) == ("i32.extend8_s", 1)
    assert binary[use.offset] == 0xC0
    assert use.offset == binary.index(b"\xc0")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", WASM_3),
        ("all", WASM_3),
        ("-simd", WASM_3 & ~Feature.SIMD),
        ("mvp", Feature.MVP),
        ("mvp,simd, multi_value", Feature.SIMD | Feature.MULTI_VALUE),
        ("wasm2,-simd", WASM_2),
        ("wasm1,SATURATING-float-to-int", Feature.MUTABLE_GLOBALS | Feature.NONTRAPPING_CONVERSIONS),
    ],
)
def test_lists_of_features(text: str, expected: Feature) -> None:
    assert parse_features(text) == expected


@pytest.mark.parametrize(("text", "hint"), [("smid", "did you mean simd?"), ("-mvp", "mvp"), ("q", "expected some of")])
def test_unknown_features(text: str, hint: str) -> None:
    with pytest.raises(ValueError, match=f"unknown feature '{text}'.*{hint}"):
        parse_features(text)
