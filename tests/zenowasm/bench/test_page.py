"""The HTML report, by its structure."""

import re
from html.parser import HTMLParser
from xml.etree import ElementTree

from zenowasm.bench.charts import charts
from zenowasm.bench.page import to_html


class Reader(HTMLParser):
    """Collects what a page would fetch, and its scripts."""

    def __init__(self):
        super().__init__()
        self.fetched, self.tags = [], []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        values = dict(attributes)
        self.fetched += [values[name] for name in ("src", "href", "xlink:href", "data", "action") if values.get(name)]


def test_nothing_is_fetched(results):
    page = to_html(results)
    reader = Reader()
    reader.feed(page)
    assert [it for it in reader.fetched if not it.startswith("#")] == []
    assert not {"script", "link", "iframe", "img", "object"} & set(reader.tags)
    assert re.findall(r"@import|url\((?!['\"]?#)", page) == []


def test_facts_and_absent_peers(results):
    page = to_html(results)
    assert "<dt>CPU</dt><dd>abacus &lt;1&gt;</dd>" in page
    assert "<dt>wasm3</dt><dd>absent: pip install pywasm3</dd>" in page


def test_every_part_has_its_charts(results):
    drawn = list(charts(results))
    assert [it.section for it in drawn] == [
        "Warm slot calls",
        "Warm slot calls",
        "First slot results",
        "Computations",
        "Calls between host and guest",
        "Growth with the input",
    ]
    for it in drawn:
        assert ElementTree.fromstring(it.svg).tag == "{http://www.w3.org/2000/svg}svg"


def test_charts_show_the_figures(results):
    by_section = {it.section: it.svg for it in charts(results)}
    assert "2.00 ×" in by_section["Computations"]
    assert "reference ^2.00" in by_section["Growth with the input"]
    for label in ("reference", "extism"):
        assert label in by_section["Warm slot calls"]
