import pytest

from zenowasm.bench.errors import BenchError
from zenowasm.bench.markdown import BEGIN, END, Page

PAGE = f"# Title\n\n{BEGIN}\nold\n{END}\n\nafter\n"


def test_only_what_is_between_the_marks_changes(results):
    page = Page.read(PAGE).with_tables(results)
    assert page.startswith(f"# Title\n\n{BEGIN}\n\n| fact | of this run |\n|---|---|\n| CPU | abacus <1> |\n")
    assert page.endswith(f"\n{END}\n\nafter\n")
    assert "old" not in page
    assert "| wasm3 | absent: pip install pywasm3 |\n" in page
    assert "## Computations\n" in page
    assert "|  | wasmtime | 12.0 | 6.00 to 24.0 | 2.00 | 2.00 to 2.00 |\n" in page
    assert Page.read(page).with_tables(results) == page


@pytest.mark.parametrize("page", ["", BEGIN, END, f"{END}\n{BEGIN}"])
def test_a_page_without_both_marks_is_an_error(page):
    with pytest.raises(BenchError, match="the page has no lines"):
        Page.read(page)


def test_every_table_is_one_for_markdown(results):
    """A head, a rule and rows of the same number of cells."""
    for block in Page.read(PAGE).with_tables(results).split("\n\n"):
        lines = [line for line in block.splitlines() if line.startswith("|")]
        assert len({line.count("|") for line in lines}) <= 1, block
