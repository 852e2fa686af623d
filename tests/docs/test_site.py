"""The documentation as a site: it is built without a warning, complete, and loads nothing from another host."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from docs.blocks import ROOT

import zenowasm
from zenowasm import plugin
from zenowasm.backends import protocol
from zenowasm.plugin import errors

_TAG = re.compile(r"<(?:script|link|img|iframe|source)\b[^>]*>")
_CSP = "default-src 'self' 'unsafe-inline' blob: data: file:"
HELPERS = {"__version__", "described"}
"""Public names that are no part of the reference."""


def build(folder: Path, site: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(site)]
    variables = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    return subprocess.run(command, cwd=folder, env=variables, capture_output=True, encoding="utf-8", check=False)


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = build(ROOT, folder)
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    return folder


@pytest.fixture(scope="session")
def pages(site: Path) -> dict[str, str]:
    return {path.relative_to(site).as_posix(): path.read_text() for path in site.rglob("*.html")}


def test_every_page_of_the_repository_is_a_page(pages: dict[str, str]) -> None:
    there = {path.relative_to(ROOT).with_suffix(".html").as_posix() for path in ROOT.glob("docs/**/*.md")}
    there |= {f"{path.stem}.html" for path in ROOT.glob("*.md")}
    there = {path.replace("README.html", "index.html") for path in there}
    assert there | {"404.html", "spec-tests/abi/index.html"} == set(pages)


def test_every_public_name_has_an_entry_with_its_signature_and_docstring(pages: dict[str, str]) -> None:
    reference = {page: text for page, text in pages.items() if page.startswith("docs/api/")}
    entries = {it for text in reference.values() for it in re.findall(r'<h3 id="(zenowasm[\w.]+)"', text)}
    top = {f"zenowasm.{name}" for name in zenowasm.__all__}
    described = {f"zenowasm.plugin.{name}" for name in plugin.__all__ if name not in zenowasm.__all__}
    described |= {f"zenowasm.backends.protocol.{name}" for name in protocol.__all__}
    described |= {
        f"zenowasm.plugin.errors.{name}"
        for name, cls in vars(errors).items()
        if isinstance(cls, type) and issubclass(cls, errors.PluginError) and name not in zenowasm.__all__
    }
    helpers = {it for it in top | described if it.rpartition(".")[2] in HELPERS}
    assert (top | described) - helpers <= entries
    host = reference["docs/api/host.html"]
    assert "Several threads and event loops may use a host at once." in host
    assert "PluginLimits(memory_bytes:int=100*MIB,seconds:float|None=10.0," in re.sub(r"<[^>]+>|\s", "", host)


def test_doctests_are_shown_as_python(pages: dict[str, str]) -> None:
    assert "&gt;&gt;&gt; </span>" in pages["docs/api/embedding.html"]
    assert not any("<blockquote>\n<blockquote>" in text for text in pages.values())


def test_blocks_that_are_files_show_their_names(pages: dict[str, str]) -> None:
    assert '<span class="filename">counting/counting_engine.py</span>' in pages["docs/engine-implementer.html"]
    assert not any("```" in text for text in pages.values())


def test_nothing_is_loaded_from_another_host(site: Path, pages: dict[str, str]) -> None:
    for page, text in pages.items():
        assert f'<meta http-equiv="Content-Security-Policy" content="{_CSP}">' in text, page
        for tag in _TAG.findall(text):
            assert not re.search(r"""=["']?(https?:)?//""", tag), f"{page}: {tag}"
    for style in [*site.rglob("*.css"), *site.rglob("*.svg")]:
        assert not re.search(r"url\(\s*[\"']?(https?:)?//|@import", style.read_text()), style


def test_the_search_knows_pages_and_names(site: Path) -> None:
    documents = json.loads((site / "search" / "search_index.json").read_text())["docs"]
    found = {it["location"]: it for it in documents}
    assert "counter" in found["docs/python-api.html#the-host"]["text"]
    assert found["docs/api/embedding.html#zenowasm.Memory.read_string"]["title"].endswith("read_string")


def test_links_that_lead_nowhere_end_the_build(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "docs" / "site", tmp_path / "docs" / "site")
    settings = (ROOT / "mkdocs.yml").read_text()
    (tmp_path / "mkdocs.yml").write_text(re.sub(r"^(nav|watch):.*\n(  .*\n)*", "", settings, flags=re.MULTILINE))
    links = ["nowhere.md", "page.md#nowhere", "../nowhere.md", "/docs/page.md", "../README.md#a-heading"]
    (tmp_path / "docs" / "page.md").write_text("# Page\n\n" + "\n".join(f"[link]({it})" for it in links))
    (tmp_path / "README.md").write_text("# Home\n\n## A heading\n")
    done = build(tmp_path, tmp_path / "site")
    assert done.returncode == 1
    assert sorted(re.findall(r"WARNING +-.*'docs/page.md'.*? link '(.*?)'", done.stderr)) == sorted(links[:-1])
