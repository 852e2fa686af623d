import json
import re
from html import escape
from io import StringIO
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest
from rich.console import Console

from zenowasm.spec import report
from zenowasm.spec.html import About, to_html
from zenowasm.spec.junit import to_junit
from zenowasm.spec.runner import Outcome, ScriptResult, Status
from zenowasm.spec.summary import Counts, SuiteResult, proposal_of


@pytest.fixture
def suites(tmp_path):
    path = tmp_path / "simd_<x>.wast"
    path.write_text('(module)\n(assert_return (invoke "f") (i32.const 1))\n')
    outcomes = (
        Outcome(1, "module", Status.PASS),
        Outcome(2, "assert_return", Status.FAIL, 'expected "<1>" & got \x00'),
        Outcome(3, "assert_malformed", Status.SKIP, "text format"),
    )
    good = (Outcome(1, "module", Status.PASS),) * 3
    other = ScriptResult(Path("fac.wast"), good, 0.5)
    return [
        SuiteResult("one", "1.0", (ScriptResult(path, outcomes, 1.5), other)),
        SuiteResult("two", "2.0", (ScriptResult(path, good, 1.5), other)),
    ]


def test_counts(suites):
    assert [it.counts for it in suites] == [Counts(4, 1, 1), Counts(6, 0, 0)]


def test_table(suites):
    output = StringIO()
    Console(file=output, width=120).print(report.table(suites))
    lines = [line.split() for line in output.getvalue().splitlines()]
    assert ["fac.wast", *["3", "0", "0", "0", "0.5"] * 2] in lines
    assert ["total", *["4", "1", "1", "0", "2.0"], *["6", "0", "0", "0", "2.0"]] in lines


def test_failure_lines_begin_with_the_place(suites):
    (line,) = report.failure_lines(suites[0])
    assert line.startswith(f"{suites[0].scripts[0].path}:2: one: assert_return: expected")


def test_json(suites):
    document = json.loads(json.dumps(report.as_json(suites)))
    first = document["backends"][0]
    assert (first["backend"], first["passed"], first["failed"], first["skipped"]) == ("one", 4, 1, 1)
    assert first["scripts"][0]["proposal"] == "SIMD"
    assert [it["line"] for it in first["scripts"][0]["outcomes"]] == [2, 3]


def test_junit_is_well_formed_and_complete(suites):
    root = Xml.fromstring(to_junit(suites))
    assert len(root.findall("testsuite")) == 4
    assert len(root.findall("testsuite/testcase")) == 12
    assert [it.attrib["message"] for it in root.iter("failure")] == ['expected "<1>" & got \\x00']
    assert [it.attrib["message"] for it in root.iter("skipped")] == ["text format"]
    counts = [(it.attrib["tests"], it.attrib["failures"], it.attrib["skipped"]) for it in root]
    assert counts[0] == ("3", "1", "1")


def test_html_links_failures_and_escapes(suites):
    page = to_html(suites, About(source_url="https://example.org/suite"))
    assert 'href="https://example.org/suite/simd_%3Cx%3E.wast#L2"' in page
    assert "<x>" not in page
    assert "&lt;1&gt;" in page
    assert "(assert_return (invoke &quot;f&quot;)" in page
    assert "src=" not in page


@pytest.mark.parametrize(
    ("name", "proposal"),
    [
        ("i64.wast", "core"),
        ("f64_cmp.wast", "core"),
        ("load64.wast", "memory64"),
        ("load0.wast", "multiple memories"),
        ("simd_load.wast", "SIMD"),
        ("i8x16_relaxed_swizzle.wast", "relaxed SIMD"),
        ("ref_cast.wast", "garbage collection"),
        ("return_call_ref.wast", "tail calls"),
        ("ref_func.wast", "core"),
    ],
)
def test_proposals(name, proposal):
    assert proposal_of(name) == proposal


ODD = "odd\n<b>\x1b[2J\x01\ufffe\udcff\u202e[red].wast"
SHOWN = r"odd\n<b>\x1b[2J\x01\ufffe\udcff\u202e[red].wast"


@pytest.fixture
def odd_suites():
    outcome = Outcome(1, ODD, Status.FAIL, ODD)
    return [SuiteResult("one", "1.0", (ScriptResult(Path(ODD), (outcome,), 0.0),))]


def test_junit_of_odd_names_is_valid(odd_suites):
    root = Xml.fromstring(to_junit(odd_suites))
    (case,) = root.iter("testcase")
    assert (root[0].attrib["name"], case.attrib["name"], case.attrib["file"], case[0].attrib["message"]) == (
        f"one: {SHOWN}",
        f"line 1: {SHOWN}",
        SHOWN,
        SHOWN,
    )


def test_html_of_odd_names_is_safe(odd_suites):
    page = to_html(odd_suites)
    page.encode()
    assert escape(SHOWN) in page
    assert "<b>\\x1b" not in page
    assert not set("\x1b\x01\u202e") & set(page)
    assert "odd%0A%3Cb%3E%1B%5B2J%01%EF%BF%BE%FF" in page


def test_table_of_odd_names(odd_suites):
    output = StringIO()
    Console(file=output, width=120).print(report.table(odd_suites))
    assert SHOWN in output.getvalue()


def cells(page, first):
    """Return the cells of the row of a table that begins so, as a browser shows them on a wide window."""
    (row,) = [row for row in page.replace("\n", "").split("<tr") if f"<td>{first}</td>" in row]
    return [re.sub("<br>", " ", cell) for cell in re.findall(r'<td class="n[^>]*>(.*?)</td>', row)]


def test_html_has_facts_headings_durations_and_a_filter(suites):
    page = to_html(suites, About(facts={"date": "2026-01-02", "suite": "commit 193e551", "command": "zenowasm <spec>"}))
    for fact in ("2026-01-02", "commit 193e551", "zenowasm &lt;spec&gt;", "one 1.0, two 2.0"):
        assert f"<dd>{fact}</dd>" in page
    heads = "".join(f'<th class="n">{head}</th>' for head in ("passed", "failed", "skipped", "seconds"))
    assert heads * 2 in page
    assert cells(page, "simd_&lt;x&gt;.wast") == ["1", "1", "1", "1.5", "3", "0", "0", "1.5"]
    assert cells(page, "<b>total</b>") == ["4", "1", "1", "2.0", "6", "0", "0", "2.0"]
    assert "body:has(#failed:checked) .passed { display: none }" in page
    assert '<section class="passed"><h2 id="core">' in page
    assert '<section><h2 id="SIMD">' in page
    assert '<tr class="passed"><td>fac.wast</td>' in page.replace("\n", "")


def test_a_script_that_is_not_readable_is_its_own_number_in_every_total(suites):
    outcome = Outcome(0, "script", Status.UNREADABLE, "unknown operator")
    broken = ScriptResult(Path("wide-arithmetic.wast"), (outcome,), 0.0)
    results = [SuiteResult(it.backend, it.version, (*it.scripts, broken)) for it in suites]
    assert [it.counts for it in results] == [Counts(4, 1, 1, 1), Counts(6, 0, 0, 1)]
    assert [it.counts.ok for it in results] == [False, False]
    assert [it["unreadable"] for it in report.as_json(results)["backends"]] == [1, 1]
    assert cells(to_html(results), "wide-arithmetic.wast") == ["0", "1 not readable", "0", "0.0"] * 2
    assert cells(to_html(results), "<b>total</b>")[1] == "1 1 not readable"
    output = StringIO()
    Console(file=output, width=140).print(report.table(results))
    assert "total 4 1 1 1 2.0 6 0 0 1 2.0" in " ".join(output.getvalue().split())
    (_, _, suite, *_) = Xml.fromstring(to_junit(results))
    assert (suite.attrib["tests"], suite.attrib["failures"], suite.attrib["errors"]) == ("1", "0", "1")
    assert suite.find("testcase/error").attrib["message"] == "unknown operator"
