"""`zenowasm conformance`: the scenarios that come with it, and those of a user."""

from __future__ import annotations

import json
from xml.etree import ElementTree as Xml

WRONG = """\
about: mine
source: a document
scenarios:
  - name: the answer
    expect: {data: {answer: 41}}
"""


def test_scenarios_that_come_with_it(zenowasm):
    result = zenowasm("conformance", "--only", "environment", "--json")
    assert result.code == 0, result.err
    document = result.json
    assert [it["name"] for it in document["backends"]] == ["reference", "wasmtime"]
    assert document["passed"] >= 17
    assert document["failed"] == 0


def test_what_does_not_hold_is_told_with_its_place(zenowasm, tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text(WRONG)
    result = zenowasm("conformance", file, "--backend", "reference")
    assert result.code == 1
    assert f"{file}:4: the answer: reference: steps[0].data: expected {{'answer': 41}}" in result.out


def test_scenarios_are_exported(zenowasm, tmp_path):
    result = zenowasm("conformance", "--only", "fuel", "--export", tmp_path / "out")
    assert result.code == 0, result.err
    documents = list((tmp_path / "out" / "fuel").glob("*/scenario.json"))
    assert len(documents) >= 9
    assert all(json.loads(it.read_text())["format"] == 1 for it in documents)


def test_no_scenario_is_an_error(zenowasm):
    result = zenowasm("conformance", "--only", "nothing of this name")
    assert result.code == 1
    assert result.error.startswith("no scenario was found")


def test_reports_are_those_of_spec(zenowasm, tmp_path):
    (tmp_path / "mine.yaml").write_text(WRONG.replace("the answer", r'"the \x1b <answer>"'))
    command = ["conformance", "mine.yaml", "--html", "r.html", "--junit", "r.xml"]
    assert zenowasm(*command).code == 1
    root = Xml.fromstring((tmp_path / "r.xml").read_bytes())
    assert [it.attrib["name"] for it in root] == ["reference: mine.yaml", "wasmtime: mine.yaml"]
    assert [(it.attrib["tests"], it.attrib["failures"]) for it in root] == [("1", "1")] * 2
    assert root[0][0].attrib["name"] == r"line 4: the \x1b <answer>"
    assert root[0][0][0].attrib["message"].startswith("steps[0].data: expected {'answer': 41}")
    page = (tmp_path / "r.html").read_text()
    assert "<h1>ZenoEngine plugin ABI</h1>" in page
    assert '<h2 id="mine">mine</h2>' in page
    assert r"line 4 <b>reference</b> the \x1b &lt;answer&gt;: steps[0].data: expected" in page
    assert "<dt>command</dt><dd>zenowasm conformance mine.yaml" in page
