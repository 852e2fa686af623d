import pytest

from zenowasm.bench.statistics import Spread, exponent, quantile, ratio, spread


def test_spread():
    assert spread([3.0, 1.0, 2.0]) == Spread(2.0, 1.0, 3.0)
    assert spread([1.0, 2.0, 3.0, 10.0]).median == 2.5


def test_ratios_are_taken_within_rounds():
    """A machine that is ten times slower in the second round is so for both sides."""
    assert ratio([20.0, 2.0, 30.0], [10.0, 1.0, 10.0]) == Spread(2.0, 2.0, 3.0)


def test_rounds_must_pair():
    with pytest.raises(ValueError):
        ratio([1.0], [1.0, 2.0])


@pytest.mark.parametrize(("share", "expected"), [(0, 1), (0.5, 50), (0.501, 51), (0.99, 99), (0.991, 100), (1, 100)])
def test_nearest_rank(share, expected):
    """The definition's example: of 1 to 100, the p-th percentile is p."""
    assert quantile(range(1, 101), share) == expected


def test_quantile_of_one_sample():
    assert [quantile([7.0], share) for share in (0, 0.5, 0.99, 1)] == [7.0] * 4


@pytest.mark.parametrize("power", [0, 0.5, 1, 2, 3])
def test_exponent_of_a_power_law(power):
    sizes = [1, 2, 4, 8, 100]
    assert exponent(sizes, [5e-6 * size**power for size in sizes]) == pytest.approx(power)


def test_exponent_is_the_least_squares_line():
    """Through (1, 1), (2, 1), (4, 16) the slope over log 2 is (0*(-1) + 4*1) / 2 = 2."""
    assert exponent([1, 2, 4], [1, 1, 16]) == pytest.approx(2)
