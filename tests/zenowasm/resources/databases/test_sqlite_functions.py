"""The functions of ours answer what SQLite's own answer: both are asked."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zenowasm.resources.databases import sqlite_functions

CALLS = ("instr(?1, ?2)", "replace(?1, ?2, ?3)", "trim(?1)", "ltrim(?1)", "rtrim(?1)", "trim(?1, ?2)", "ltrim(?1, ?2)",
         "rtrim(?1, ?2)")  # fmt: skip
texts = st.text("ab é€\N{GRINNING FACE}", max_size=6)
# Floats that both print alike: the fifteenth digit is the machine's to round.
floats = st.sampled_from([0.0, -0.0, 1.0, 0.1, -2.5, 1e15, 1e20, 1.5e-7, 123456.789, float("inf"), float("-inf")])
values = st.none() | texts | texts.map(str.encode) | st.integers(-1000, 1000) | floats


@pytest.fixture(scope="module")
def both() -> Iterator[tuple[sqlite3.Connection, sqlite3.Connection]]:
    with closing(sqlite3.connect(":memory:")) as own, closing(sqlite3.connect(":memory:")) as ours:
        sqlite_functions.install(ours, 1000)
        yield own, ours


@pytest.mark.parametrize("call", CALLS)
def test_they_agree_with_the_built_in_ones(both, call):
    @given(st.tuples(values, values, values))
    def law(arguments):
        used = arguments[: call.count("?")]
        sql = f"SELECT {call}, typeof({call})"
        expected, found = (connection.execute(sql, used).fetchone() for connection in both)
        assert found == expected

    law()


def test_a_text_that_grows_too_long_is_an_error_before_it_is_made(both):
    with pytest.raises(sqlite3.DataError, match="too big"):
        both[1].execute("SELECT replace(?, 'a', ?)", ("a" * 1_000_000, "b" * 1_000_000)).fetchone()
