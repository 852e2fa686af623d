"""Sizes, durations and shares: what is read, what is refused, and that what is shown can be read again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zenowasm.plugin.configuration.units import (
    parse_count,
    parse_duration,
    parse_output_size,
    parse_share,
    parse_size,
    show_duration,
    show_size,
)


@pytest.mark.parametrize(
    ("text", "size"),
    [("100MB", 100_000_000), ("64KiB", 65_536), ("64kib", 65_536), ("1 MiB", 1_048_576), ("1.5k", 1500),
     ("0.5MiB", 524_288), ("2G", 2_000_000_000), ("0", 0), ("123", 123), ("7B", 7)],
)  # fmt: skip
def test_sizes(text, size):
    assert parse_size(text) == size


@pytest.mark.parametrize(
    "text", ["", "MB", "-1", "1.5", "1e3", "1 000", "10XB", "1..5MB", "9999999TiB", "٣", "0x10", "1_0"]
)
def test_what_is_no_size(text):
    with pytest.raises(ValueError, match="expected a size such as 100MB"):
        parse_size(text)


@pytest.mark.parametrize(
    ("text", "seconds"), [("30s", 30), ("500ms", 0.5), ("2m", 120), ("1h", 3600), ("10", 10), ("1.5s", 1.5), ("2 S", 2)]
)
def test_durations(text, seconds):
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "0", "0s", "-1s", "1d", "inf", "nan", "1e9", "999999999999h", "s"])
def test_what_is_no_duration(text):
    with pytest.raises(ValueError, match="expected a duration greater than 0"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["0", "1.1", "-0.5", "50%", "", "nan"])
def test_what_is_no_share(text):
    with pytest.raises(ValueError, match="expected a share of one core"):
        parse_share(text)
    assert parse_share("0.5") == 0.5
    assert parse_share("1") == 1


def test_counts_and_the_least_output():
    assert parse_count("10_000") == 10_000
    for text in ("0", "00", "1_", "_1", "1__0", "-1", "1.0", "9" * 19):
        with pytest.raises(ValueError, match="expected a whole number of 1 or more"):
            parse_count(text)
    assert parse_output_size("1MiB") == 1 << 20
    with pytest.raises(ValueError, match="at least 1MiB"):
        parse_output_size("1MB")


@given(
    st.integers(0, (1 << 62) - 1)
    | st.builds(lambda n, u: n * u, st.integers(0, 999), st.sampled_from([1024**3, 10**6]))
)
def test_a_size_that_is_shown_is_read_again(size):
    assert len(show_size(size)) > 17 or parse_size(show_size(size)) == size


@given(st.integers(1, 10**9).map(lambda n: n / 1000) | st.integers(1, 10**9).map(lambda n: n / 10**9))
def test_a_duration_that_is_shown_is_read_again(seconds):
    assert parse_duration(show_duration(seconds)) == pytest.approx(seconds, rel=1e-12)
