"""An example has its own copy of the one-file SDK, since a plugin's folder stands alone; the copy is the template's."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEMPLATES = {path.name: path for path in (ROOT / "zenowasm" / "toolchains" / "template_files").glob("*/zeno.*")}
COPIES = sorted((ROOT / "examples").glob("*/*/zeno.*"))


@pytest.mark.parametrize("copy", COPIES, ids=lambda path: path.parent.name)
def test_the_copy_is_the_template(copy: Path) -> None:
    assert copy.read_bytes() == TEMPLATES[copy.name].read_bytes()


def test_every_language_has_an_example() -> None:
    assert {copy.name for copy in COPIES} == set(TEMPLATES)
