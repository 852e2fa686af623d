from pathlib import Path

import pytest

from zenowasm.spec.expectations import differences, parse, render
from zenowasm.spec.runner import Outcome, ScriptResult, Status


def result(*lines, name="a.wast"):
    passed = Outcome(1, "module", Status.PASS)
    failed = [Outcome(it, "assert_return", Status.FAIL, f"wrong {it}") for it in lines]
    return ScriptResult(Path(name), (passed, *failed), 0.1)


def test_listed_lines_are_exact():
    (expected,) = parse("# why\n\na.wast:3 known\na.wast:5    known too\n").values()
    assert differences(result(3, 5), expected) == []
    assert differences(result(3), expected) == ["a.wast:5: stale, this no longer fails"]
    assert differences(result(3, 5, 8), expected) == ["a.wast:8: assert_return: wrong 8"]


def test_counts_are_exact():
    expected = parse("a.wast*2 not built")["a.wast"]
    assert differences(result(3, 5), expected) == []
    assert differences(result(3), expected)[0] == "a.wast: 1 commands fail, 2 are expected to"
    assert differences(result(3, 4, 5), expected)[0] == "a.wast: 3 commands fail, 2 are expected to"


def test_nothing_is_expected_of_a_script_that_is_not_listed():
    assert differences(result(), None) == []
    assert differences(result(3), None) == ["a.wast:3: assert_return: wrong 3"]


@pytest.mark.parametrize(
    "text", ["a.wast", "a.wast:3", "a.wast:x y", "a.wast*1 x\na.wast:2 y", "a.wast:2 y\na.wast*1 x", "nonsense"]
)
def test_what_is_not_understood_names_its_line(text):
    with pytest.raises(ValueError, match=r"^line [12]: "):
        parse(text)


def test_rendering_is_read_back_and_keeps_reasons():
    results = [result(3, 5), result(*range(2, 40), name="b.wast"), result(name="c.wast")]
    former = parse("a.wast:3 because\nb.wast*7 vectors\nc.wast:9 gone\n")
    text = render(results, former)
    assert text == "a.wast:3    because\na.wast:5    wrong 5\nb.wast*38    vectors\n"
    expected = parse(text)
    assert all(differences(it, expected.get(it.path.name)) == [] for it in results)
