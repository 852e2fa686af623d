from pathlib import Path

import pytest

from zenowasm.interp.numerics.floats import f32_to_bits
from zenowasm.interp.types import AbsHeapType, NumType
from zenowasm.spec.json_reader import read_script
from zenowasm.spec.script import (
    BinaryModule,
    EitherPattern,
    HostRefPattern,
    NanKind,
    NullPattern,
    NumPattern,
    RefPattern,
    ScriptError,
    TextModule,
    VecPattern,
)


def read(tmp_path: Path, text: str):
    path = tmp_path / "x.wast"
    path.write_text(text)
    return read_script(path).commands


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("i32.const -1", NumPattern(NumType.I32, 0xFFFFFFFF)),
        ("i64.const 0x8000000000000000", NumPattern(NumType.I64, 1 << 63)),
        ("f32.const -0", NumPattern(NumType.F32, 1 << 31)),
        ("f32.const nan:canonical", NumPattern(NumType.F32, NanKind.CANONICAL)),
        ("f64.const nan:arithmetic", NumPattern(NumType.F64, NanKind.ARITHMETIC)),
        ("f64.const nan:0x1", NumPattern(NumType.F64, 0x7FF0000000000001)),
        ("v128.const i64x2 1 -1", VecPattern(64, (1, (1 << 64) - 1))),
        (
            "v128.const f32x4 nan:canonical 0 nan:arithmetic 1",
            VecPattern(32, (NanKind.CANONICAL, 0, NanKind.ARITHMETIC, 0x3F800000)),
        ),
        ("ref.null", NullPattern()),
        ("ref.null extern", NullPattern()),
        ("ref.extern 3", HostRefPattern(3)),
        ("ref.host 3", HostRefPattern(3)),
        ("ref.extern", RefPattern(AbsHeapType.EXTERN)),
        ("ref.func", RefPattern(AbsHeapType.FUNC)),
        ("ref.struct", RefPattern(AbsHeapType.STRUCT)),
        ("ref.array", RefPattern(AbsHeapType.ARRAY)),
        ("ref.i31", RefPattern(AbsHeapType.I31)),
        ("ref.eq", RefPattern(AbsHeapType.EQ)),
        (
            "either (i32.const 1) (i32.const 2)",
            EitherPattern((NumPattern(NumType.I32, 1), NumPattern(NumType.I32, 2))),
        ),
    ],
)
def test_patterns(tmp_path, text, pattern):
    (command,) = read(tmp_path, f'(assert_return (invoke "f") ({text}))')
    assert command.expected == (pattern,)


def test_arguments(tmp_path):
    text = "(i32.const -1) (f32.const nan:0x200000) (v128.const i8x16 1 0 0 0 0 0 0 0 0 0 0 0 0 0 0 2) (ref.extern 4)"
    (command,) = read(tmp_path, f'\n\n(invoke $m "f" {text} (ref.null func))')
    assert (command.line, command.action.instance, command.action.field) == (3, "m", "f")
    i32, f32, v128, extern, null = [it.value for it in command.action.arguments]
    assert (i32, f32_to_bits(f32), v128) == (0xFFFFFFFF, 0x7FA00000, 2 << 120 | 1)
    assert (extern.value, null) == (4, None)


def test_modules(tmp_path):
    text = '(module) (module quote "(func)") (assert_malformed (module quote "(") "unexpected")'
    plain, quoted, malformed = [it.module for it in read(tmp_path, text)]
    assert isinstance(plain, BinaryModule)
    assert isinstance(quoted, BinaryModule)
    assert isinstance(malformed, TextModule)


@pytest.mark.parametrize("text", ["(", "(module) (nonsense)", '(assert_return (invoke "f" (i32.const x)))'])
def test_what_is_no_script_is_one_line(tmp_path, text):
    with pytest.raises(ScriptError) as error:
        read(tmp_path, text)
    assert "\n" not in str(error.value)
    assert "x.wast" in str(error.value)
