"""The manual pages: a page for each command, with all of its help, and nothing that groff or man warns of."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import click
import pytest

from zenowasm.backends import registry
from zenowasm.cli.main import cli
from zenowasm.cli.man import write_pages


@pytest.fixture(scope="module")
def pages(tmp_path_factory) -> list[Path]:
    folder = tmp_path_factory.mktemp("man")
    write_pages(folder)
    return sorted(folder.iterdir())


def shown(*pages: Path) -> str:
    """What `man` shows of pages, in lines as long as can be; it must not warn."""
    variables = {**os.environ, "LC_ALL": "C.UTF-8", "MANWIDTH": "2000", "MANROFFOPT": "-ww"}
    ended = subprocess.run(
        ["man", "--warnings", "--pager=cat", "--no-hyphenation", "--no-justification", "--local-file", *pages],
        env=variables, capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert ended.stderr == ""
    return ended.stdout


def test_groff_has_nothing_to_warn_of(pages) -> None:
    groff = ["groff", "-man", "-ww", "-Tutf8", *pages]
    ended = subprocess.run(groff, capture_output=True, text=True, check=True, timeout=60)
    assert ended.stderr == ""


def test_there_is_a_page_for_each_command(pages) -> None:
    names = [it.name for it in pages]
    assert {"zenowasm.1", "zenowasm-diff.1", "zenowasm-plugin.1", "zenowasm-plugin-stats.1"} < set(names)
    main = shown(next(it for it in pages if it.name == "zenowasm.1"))
    for name in cli.list_commands(click.Context(cli)):
        assert f"zenowasm-{name}.1" in names
        assert f"  zenowasm-{name}(1)\n" in main


def test_a_page_has_the_whole_help(pages) -> None:
    (page,) = [it for it in pages if it.name == "zenowasm-diff.1"]
    lines = [line.strip() for line in shown(page).splitlines()]
    assert lines[0].startswith("ZENOWASM-DIFF(1)")
    headings = [line for line in lines if line.isupper()]
    assert headings == ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXAMPLES", "SEE ALSO"]
    assert "zenowasm-diff - Compare two modules by function" in lines
    assert "zenowasm diff [OPTIONS] FIRST SECOND" in lines
    context = click.Context(cli, info_name="zenowasm")
    diff = cli.get_command(context, "diff")
    for paragraph in (diff.help or "").split("\n\n"):
        assert " ".join(paragraph.split()) in lines
    assert lines[lines.index("--function NAME") + 1] == "Show the instructions of this function that changed."
    assert "-h, --help" in "\n".join(lines)
    assert "zenowasm diff old.wasm new.wasm --function greet" in lines
    assert lines[lines.index("SEE ALSO") + 1] == "zenowasm(1)"


def test_characters_with_a_meaning_in_roff_stay(pages) -> None:
    (page,) = [it for it in pages if it.name == "zenowasm-wat2wasm.1"]
    assert "echo '(module)' | zenowasm wat2wasm - -o empty.wasm" in shown(page)
    assert r"zenowasm wat2wasm \- \-o empty.wasm" in page.read_text()  # a hyphen that can be copied


def test_the_pages_are_the_same_on_every_machine(pages, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(registry, "find_spec", lambda name: None)
    monkeypatch.setattr(os, "cpu_count", lambda: 77)
    monkeypatch.chdir(tmp_path)
    write_pages(tmp_path / "again")
    for page in pages:
        assert (tmp_path / "again" / page.name).read_bytes() == page.read_bytes()
