"""Every example of docs/zenolang.md prints what the page says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from zenowasm.plugin import Host, HostEnvironment
from zenowasm.zenolang import ZenoError

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "zenolang.md").read_text()
BLOCK = re.compile(r"^```(\w+)(?: file=(\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def examples():
    """Each script of the page with what it prints, and the files that stand before it."""
    files, script, line = {}, None, 0
    for match in BLOCK.finditer(PAGE):
        kind, file, text = match.groups()
        assert kind in ("zenolang", "text")
        if file is not None:
            files[file] = text
        elif kind == "zenolang":
            assert script is None, f"line {line}: nothing says what this prints"
            script, line = text, PAGE.count("\n", 0, match.start()) + 1
        else:
            assert script is not None
            yield pytest.param(script, text, dict(files), id=f"line {line}")
            script = None
    assert script is None


@pytest.mark.parametrize(("script", "printed", "files"), list(examples()))
def test_an_example_prints_what_the_page_says(tmp_path, script, printed, files):
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "script.zl").write_text(script)
    lines = []
    environment = HostEnvironment({"HOME": "/home/ann"})
    with Host(ROOT / "examples" / "plugins", environment=environment, log=lambda record: None) as host:
        try:
            host.run_script(tmp_path / "script.zl", output=lines.append)
        except ZenoError as error:
            lines.append(f"error: {error}".replace(f"{tmp_path}/", ""))
    assert "".join(f"{line}\n" for line in lines) == printed


def test_the_page_names_every_word_of_the_language():
    from zenowasm.zenolang import default_registry

    missing = [slot.name for slot in default_registry() if not re.search(rf"\b{re.escape(slot.name)}\b", PAGE)]
    assert missing == []
