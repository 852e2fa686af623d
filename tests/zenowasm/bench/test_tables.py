import pytest

from zenowasm.bench.results import Results
from zenowasm.bench.tables import figure, tables


def rows(results, title):
    return next(it for it in tables(results) if it.title == title).rows


def test_speeds_and_ratios(results):
    """6 million instructions in 0.5, 1 and 2 s; the other engine takes half of it each time."""
    assert rows(results, "Computations") == (
        ("fib", "reference", "6.00", "3.00 to 12.0", "", ""),
        ("", "wasmtime", "12.0", "6.00 to 24.0", "2.00", "2.00 to 2.00"),
        ("", "ppci-native", "cannot run it", "KeyError: 252", "", ""),
    )


def test_slots_have_ratios_to_extism_and_latencies(results):
    """Ratios by round are 0.1, 0.2 and 0.4."""
    assert rows(results, "Warm slot calls") == (
        ("1", "reference", "100", "100 to 100", "0.200 (0.100 to 0.400)", "2,000", "10,000"),
        ("", "extism", "500", "250 to 1,000", "1.00 (1.00 to 1.00)", "2,000", "10,000"),
    )


def test_the_others(results):
    assert rows(results, "Loading modules") == (
        ("reference", "1", "0.500", "3.00", ""),
        ("", "10", "", "", "left out"),
    )
    assert rows(results, "One more instance") == (("reference", "5.00", "2.00"),)
    assert rows(results, "Growth with the input") == (("fib", "reference", "10 to 100 calls", "1.00 to 100", "2.00"),)
    (start,) = rows(results, "From a process's start to its first slot result")
    assert start == ("C", "reference", "4", "0.600", "0.500 to 0.700", "0.250", "0.250 to 0.250")


def test_every_row_fills_its_head(results):
    for table in tables(results):
        assert all(len(row) == len(table.head) for row in table.rows)


def test_what_was_not_measured_has_no_table():
    assert list(tables(Results({}, {}))) == []


@pytest.mark.parametrize(
    ("value", "shown"),
    [(12345.6, "12,346"), (99.96, "100.0"), (12.34, "12.3"), (0.25, "0.250"), (0.00123, "0.00123"), (0, "0.000")],
)
def test_figures_have_about_three_digits(value, shown):
    assert figure(value) == shown
