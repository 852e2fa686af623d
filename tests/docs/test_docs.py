"""Does what every page of the documentation says, as a reader would, in a folder of its own."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from docs.blocks import ROOT, Reader, blocks

PAGES = [*sorted((ROOT / "docs").glob("*.md")), ROOT / "README.md"]
OPENING = re.compile(r"^(```.*?)$\n.*?^```$", re.MULTILINE | re.DOTALL)
ELSEWHERE = ("zenolang",)
"""Pages that another test runs: tests/zenowasm/zenolang/test_page.py."""
_LINK = re.compile(r"\]\(([^)#\s]*)(?:#([^)\s]*))?\)")


def _name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", [page for page in PAGES if page.stem not in ELSEWHERE], ids=_name)
def test_what_a_page_says_can_be_done(page: Path, tmp_path: Path) -> None:
    text = page.read_text()
    for folder in ("examples", "spec-tests/abi"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    assert len(OPENING.findall(text)) == len(list(blocks(text)))  # none without a language
    reader = Reader(tmp_path, page.name)
    try:
        for block in blocks(text):
            reader.do(block)
    finally:
        reader.close()


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_links_lead_somewhere(page: Path) -> None:
    for path, anchor in _LINK.findall(page.read_text()):
        if "://" in path:
            continue
        target = page.parent / path if path else page
        assert target.exists(), path
        if anchor:
            headings = re.findall(r"^#+ (.*)$", target.read_text(), re.MULTILINE)
            anchors = {re.sub(r"[^\w -]", "", it.lower()).replace(" ", "-") for it in headings}
            assert anchor in anchors, f"{path}#{anchor}"


def test_a_block_that_nothing_runs_is_found(tmp_path: Path) -> None:
    (block,) = blocks("text\n\n```yaml\na: 1\n```\n")
    with pytest.raises(AssertionError, match="page:3: a block in yaml that nothing runs"):
        Reader(tmp_path, "page").do(block)


@pytest.mark.parametrize(
    "page",
    [
        "```console\n$ echo a\nb\n```\n",
        "```console\n$ false\n```\n",
        "```console exit=1\n$ true\n```\n",
        "```console\n$ pip install 'zenowasm[nonsense]'\n```\n",
        "```python\nprint(1)  # 2\n```\n",
        "```python\nraise SystemExit(1)\n```\n",
    ],
)
def test_what_does_not_hold_is_found(page: str, tmp_path: Path) -> None:
    (block,) = blocks(page)
    with pytest.raises(AssertionError, match="page:1"):
        Reader(tmp_path, "page").do(block)
