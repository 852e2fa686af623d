import pytest

from zenowasm.interp.numerics.floats import f32_from_bits, f64_from_bits
from zenowasm.interp.runtime.values import ExternRef
from zenowasm.interp.types import AbsHeapType, NumType
from zenowasm.spec.patterns import describe_all, describe_patterns, matches, matches_all
from zenowasm.spec.script import EitherPattern, HostRefPattern, NanKind, NullPattern, NumPattern, RefPattern, VecPattern

I32, I64, F32, F64 = NumType


class FakeFunction:
    def call(self):
        return ()


@pytest.mark.parametrize(
    ("pattern", "value", "expected"),
    [
        (NumPattern(I32, 0xFFFFFFFF), 0xFFFFFFFF, True),
        (NumPattern(I32, 0xFFFFFFFF), -1, False),
        (NumPattern(I32, 1), 1.0, False),
        (NumPattern(I32, 1), True, False),
        (NumPattern(I32, 0), 1 << 32, False),
        (NumPattern(I64, 1 << 63), 1 << 63, True),
        (NumPattern(F64, 0), 0.0, True),
        (NumPattern(F64, 0), -0.0, False),
        (NumPattern(F64, 0), 0, False),
        (NumPattern(F32, 0x3F800000), 1.0, True),
        (NumPattern(F32, 0x3DCCCCCD), 0.1, False),  # 0.1 is no f32: the engine forgot to round
        (NumPattern(F32, 0x7FA00000), f32_from_bits(0x7FA00000), True),
        (NumPattern(F32, 0x7FA00000), f32_from_bits(0x7FE00000), False),
        (NumPattern(F32, NanKind.CANONICAL), f32_from_bits(0x7FC00000), True),
        (NumPattern(F32, NanKind.CANONICAL), f32_from_bits(0xFFC00000), True),
        (NumPattern(F32, NanKind.CANONICAL), f32_from_bits(0x7FC00001), False),
        (NumPattern(F32, NanKind.ARITHMETIC), f32_from_bits(0x7FC00001), True),
        (NumPattern(F32, NanKind.ARITHMETIC), f32_from_bits(0x7F800001), False),
        (NumPattern(F32, NanKind.ARITHMETIC), float("inf"), False),
        (NumPattern(F64, NanKind.CANONICAL), f64_from_bits(0xFFF8000000000000), True),
        (NumPattern(F64, NanKind.CANONICAL), f64_from_bits(0x7FF8000000000001), False),
        (NumPattern(F64, NanKind.ARITHMETIC), f64_from_bits(0x7FFC000000000000), True),
        (NumPattern(F64, NanKind.ARITHMETIC), f64_from_bits(0x7FF4000000000000), False),
        (NumPattern(F64, NanKind.CANONICAL), 1.0, False),
        (VecPattern(32, (1, 2, 3, NanKind.CANONICAL)), 0x7FC00000_00000003_00000002_00000001, True),
        (VecPattern(32, (1, 2, 3, NanKind.CANONICAL)), 0x7FC00001_00000003_00000002_00000001, False),
        (VecPattern(64, (1, 2)), 2 << 64 | 1, True),
        (VecPattern(64, (1, 2)), 1 << 64 | 2, False),
        (VecPattern(64, (0, 0)), 1 << 128, False),
        (NullPattern(), None, True),
        (NullPattern(), 0, False),
        (RefPattern(AbsHeapType.FUNC), FakeFunction(), True),
        (RefPattern(AbsHeapType.FUNC), None, False),
        (RefPattern(AbsHeapType.FUNC), ExternRef(1), False),
        (RefPattern(AbsHeapType.EXTERN), ExternRef(1), True),
        (RefPattern(AbsHeapType.EXTERN), FakeFunction(), False),
        (RefPattern(AbsHeapType.STRUCT), ExternRef(1), False),
        (HostRefPattern(1), ExternRef(1), True),
        (HostRefPattern(1), ExternRef(2), False),
        (HostRefPattern(1), None, False),
        (EitherPattern((NumPattern(I32, 1), NumPattern(I32, 2))), 2, True),
        (EitherPattern((NumPattern(I32, 1), NumPattern(I32, 2))), 3, False),
    ],
)
def test_matches(pattern, value, expected):
    assert matches(value, pattern) is expected


def test_as_many_results_as_patterns():
    assert matches_all((1, 2), (NumPattern(I32, 1), NumPattern(I32, 2)))
    assert not matches_all((1, 2), (NumPattern(I32, 1),))
    assert not matches_all((1,), (NumPattern(I32, 1), NumPattern(I32, 2)))


def test_descriptions():
    patterns = (NumPattern(F32, NanKind.CANONICAL), EitherPattern((NullPattern(), HostRefPattern(3))))
    assert describe_patterns(patterns) == "[f32 nan:canonical, either null or ref 3]"
    assert describe_all((7, None, ExternRef(2), 1.5)) == "[7 (0x7), null, ref 2, 1.5 (0x3ff8000000000000)]"
