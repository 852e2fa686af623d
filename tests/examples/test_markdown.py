"""markdown (C): what the examples of CommonMark give with markdown-it-py, the second implementation, is given here.

The texts are examples of the specification 0.31 for the part that the plugin knows, and a few of our own.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from support.toolchains import ROOT, PluginBench, use_toolchains

from zenowasm.toolchains.build import build_plugin

TEXTS = Path(__file__).with_name("commonmark.txt").read_text().rstrip("\n").split("\n====\n")
# From the specification itself, so that not both implementations are wrong together.
SPECIFICATION = {
    "*foo**bar**baz*": "<p><em>foo<strong>bar</strong>baz</em></p>\n",
    "***foo** bar*": "<p><em><strong>foo</strong> bar</em></p>\n",
    "**foo*bar**": "<p><strong>foo*bar</strong></p>\n",
    "__foo, __bar__, baz__": "<p><strong>foo, <strong>bar</strong>, baz</strong></p>\n",
    "- foo\n  - bar\n    - baz\n\n\n      bim": "<ul>\n<li>foo\n<ul>\n<li>bar\n<ul>\n<li>\n<p>baz</p>\n<p>bim</p>\n"
    "</li>\n</ul>\n</li>\n</ul>\n</li>\n</ul>\n",
    "> # Foo\n> bar\n> baz": "<blockquote>\n<h1>Foo</h1>\n<p>bar\nbaz</p>\n</blockquote>\n",
    "`` foo ` bar ``": "<p><code>foo ` bar</code></p>\n",
    '[link](/uri "title")': '<p><a href="/uri" title="title">link</a></p>\n',
    "*foo`*`": "<p>*foo<code>*</code></p>\n",
    "foo\\\nbaz": "<p>foo<br />\nbaz</p>\n",
}


@pytest.fixture(scope="module", params=["committed", "zig", "ppci"])
def render(request, tmp_path_factory):
    """Return what renders on every engine, with the binary that is kept here or one from either compiler."""
    source = ROOT / "examples" / "plugins" / "markdown"
    folder = tmp_path_factory.mktemp(request.param) / "markdown"
    shutil.copytree(source, folder)
    if request.param != "committed":
        with pytest.MonkeyPatch.context() as patch:
            use_toolchains(patch)
            build_plugin(folder, toolchain=request.param)
    bench = PluginBench(folder)
    yield lambda text: bench.data("markdown.html", {"text": text})["html"]
    bench.close()


def test_as_markdown_it_does(render) -> None:
    other = MarkdownIt("commonmark", {"html": False})
    wrong = {text: (ours, theirs) for text in TEXTS if (ours := render(text)) != (theirs := other.render(text))}
    assert not wrong
    assert len(TEXTS) > 70


def test_as_the_specification_says(render) -> None:
    for text, html in SPECIFICATION.items():
        assert render(text) == html


def test_nothing_that_runs_comes_through(render) -> None:
    for text in ("<script>alert(1)</script>", "[a](javascript:alert(1))", "[a](JaVaScRiPt:x)", "![a](data:text/html,x)",
                 "<javascript:alert(1)>", "[a](<javascript:x>)", "[a](java\\script:x)", "[a](vbscript:x)"):  # fmt: skip
        html = render(text)
        assert "<script" not in html
        assert "href" not in html
        assert "src" not in html
    assert render('[a](/x"onclick="y)') == '<p><a href="/x%22onclick=%22y">a</a></p>\n'


ODD = ["", "\n\n", "*" * 300, "[" * 200, "> " * 50, "- " * 50, "`" * 199 + "a", "<" * 100, "![](" * 50, "\\", "a\\",
       "[a](", "1" * 50 + ". a", "\x00\x01"]  # fmt: skip


def test_odd_texts_end(render) -> None:
    for text in ODD:
        assert isinstance(render(text), str)
