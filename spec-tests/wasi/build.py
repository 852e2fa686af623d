"""Builds the C programs into a folder for the upstream runner: each with its JSON file and its own empty root.

Usage: ``python spec-tests/wasi/build.py FOLDER``, then ``wasi_test_runner.py -t FOLDER -r .../adapter/zenowasm.py``.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))
from support.wasi import PROGRAMS, Specification, compiled


def build(folder: Path) -> None:
    """Make or replace everything in ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    for source in sorted(PROGRAMS.glob("*.c")):
        shutil.copyfile(compiled(source), folder / f"{source.stem}.wasm")
        description = source.with_suffix(".json")
        if description.exists():
            shutil.copyfile(description, folder / description.name)
        root = Specification.beside(source).root
        if root is not None:
            shutil.rmtree(folder / root, ignore_errors=True)
            (folder / root).mkdir()
    (folder / "manifest.json").write_text(json.dumps({"name": "zenowasm C programs"}) + "\n", "utf-8")


if __name__ == "__main__":
    build(Path(sys.argv[1]))
