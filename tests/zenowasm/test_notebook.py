from __future__ import annotations

from xml.etree import ElementTree as Xml

from zenowasm import Host
from zenowasm.notebook import html_table


def test_what_others_chose_is_no_html() -> None:
    page = html_table("<i>", [("<b>", "a\x1b")], ("<u>",))
    table = Xml.fromstring(page)
    assert [it.text for it in table.iter("code")] == ["<b>", "a\\x1b"]
    assert (table.find("caption").text, table.find("tr/th").text) == ("<i>", "<u>")


def test_a_long_table_is_cut() -> None:
    assert html_table("", [(str(it), "") for it in range(100)]).count("<code>") == 80
    assert "<td colspan=2>and 60 more</td>" in html_table("", [(str(it), "") for it in range(100)])


def test_a_hosts_statistics(examples_plugins="examples/plugins") -> None:
    with Host(examples_plugins, log=lambda record: None) as host:
        host.call("hello.greet", name="World")
        table = Xml.fromstring(host.stats()._repr_html_())
    rows = [[cell.text for cell in row.iter("code")] for row in table.iter("tr")]
    assert ["hello.greet", "1", "0"] in [row[:3] for row in rows]
