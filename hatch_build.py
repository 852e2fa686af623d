"""What the repository does not hold: manual pages for the wheel, folders in place of links for the sources."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class BuildHook(BuildHookInterface):
    """Makes files before a distribution is built, and removes them after it."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Make the files in a temporary folder, and name what they become."""
        self._temporary = TemporaryDirectory()
        folder, root = Path(self._temporary.name), Path(self.root)
        if self.target_name == "wheel":
            sys.path.insert(0, self.root)
            from zenowasm.cli.man import write_pages

            write_pages(folder)
            build_data["shared_data"][str(folder)] = "share/man/man1"
            return
        links = [it for it in (root / "zenowasm").rglob("*") if it.is_symlink() and it.is_dir()]
        for number, link in enumerate(links):  # hatchling leaves them out
            copy = shutil.copytree(link, folder / str(number), ignore=shutil.ignore_patterns("__pycache__"))
            build_data["force_include"][str(copy)] = str(link.relative_to(root))

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove the files."""
        self._temporary.cleanup()
