"""What MkDocs needs to read the documentation where it lies: every page has the path that it has in the repository.

So a link that works in the repository works on the site, also between ``docs/`` and the pages outside it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[2]
PATTERNS = (
    *("*.md", "docs/**/*.md", "spec-tests/abi/README.md"),
    *("docs/images/*.svg", "docs/site/*.css", "examples/notebooks/*.ipynb"),
)
_OPENING = re.compile(r"^(\s*```)(\w+) +(\S+)$", re.MULTILINE)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Replace the files of ``docs/`` by those of the repository that are pages or belong to one."""
    theirs = [file for file in files if file.src_dir != config.docs_dir]
    paths = sorted(path for pattern in PATTERNS for path in ROOT.glob(pattern))
    ours = [File.generated(config, path.relative_to(ROOT).as_posix(), abs_src_path=str(path)) for path in paths]
    return Files([*theirs, *ours])


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Show the name of a block that is a file of the reader's, and hide how the tests run the others."""
    return _OPENING.sub(lambda it: f"{it[1]}{it[2]}" + ("" if "=" in it[3] else f' title="{it[3]}"'), markdown)
