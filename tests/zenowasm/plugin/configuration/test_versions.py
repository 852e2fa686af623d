"""Version ranges of ``requires.zeno``."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zenowasm.plugin.configuration.versions import ZENO_VERSION, RangeError, parse_version, satisfies


@pytest.mark.parametrize(
    ("wanted", "inside", "outside"),
    [
        (">=0.3.0", "0.3.0 0.6.3 9.0.0", "0.2.9"),
        ("> 0.3", "0.4.0", "0.3.9"),
        ("<1", "0.9.9", "1.0.0"),
        ("<=1.2", "1.2.9", "1.3.0"),
        ("^1.2", "1.2.0 1.9.0", "2.0.0 1.1.9"),
        ("^0.2.3", "0.2.3 0.2.9", "0.3.0 0.2.2"),
        ("^0.0.3", "0.0.3", "0.0.4"),
        ("^0", "0.9.9", "1.0.0"),
        ("~1.2.3", "1.2.3 1.2.9", "1.3.0"),
        ("~1", "1.9.0", "2.0.0"),
        ("1.x", "1.0.0 1.9.9", "2.0.0"),
        ("1.2.*", "1.2.9", "1.3.0"),
        ("*", "0.0.0 99.0.0", ""),
        ("", "1.0.0", ""),
        ("=1.2.3", "1.2.3", "1.2.4"),
        ("!=1.2.3", "1.2.4", "1.2.3"),
        (">=1.0, <2.0", "1.5.0", "2.0.0"),
        (">=1 <2 || >=3", "1.5.0 3.0.0", "2.5.0"),
        ("v1.2.3", "1.2.3", "1.2.2"),
        ("1.2.3-beta.1", "1.2.3", "1.2.4"),
    ],
)
def test_ranges(wanted, inside, outside):
    for version in inside.split():
        assert satisfies(version, wanted), version
    for version in outside.split():
        assert not satisfies(version, wanted), version


@pytest.mark.parametrize("wanted", ["foo", ">=", ">=>=1", "1.2.3.4", ">=1 || foo", "1..2", "-1", ">" * 300])
def test_malformed_ranges(wanted):
    with pytest.raises(RangeError):
        satisfies("1.0.0", wanted)


versions = st.tuples(*[st.integers(0, 20)] * 3)


@given(versions, versions)
def test_order(left, right):
    one, other = (".".join(map(str, version)) for version in (left, right))
    assert satisfies(one, f">={other}") == (left >= right)
    assert satisfies(one, f"<{other}") == (left < right)
    assert parse_version(one) == left


@given(st.text(max_size=30))
def test_no_text_makes_another_exception(text):
    with contextlib.suppress(RangeError):
        satisfies("1.2.3", text)


def test_the_declared_version_is_one():
    assert parse_version(ZENO_VERSION) >= (0, 3, 0)
