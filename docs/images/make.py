"""Draws the pictures of the documentation: what commands print, as a terminal shows it. Run with ``make pictures``."""

from __future__ import annotations

import re
import subprocess
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.text import Text

FOLDER = Path(__file__).parent
ROOT = FOLDER.parents[1]
WIDTH = 110
_FONT = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)
PICTURES = {
    "first-minutes": (
        "zenowasm run examples/hello.zl --plugin-dir examples/plugins",
        "zenowasm size --by function --top 4 examples/plugins/hello/hello.wasm",
        "printf 'break greet\\ncontinue\\nbacktrace\\nlocals\\nquit\\n' | "
        "zenowasm debug examples/hello.zl --plugin-dir examples/plugins",
        "zenowasm engines",
    ),
}


def draw(commands: tuple[str, ...], title: str) -> str:
    """Return a picture of what the commands print, one after the other."""
    console = Console(record=True, width=WIDTH, file=StringIO())
    for command in commands:
        console.print(Text(f"$ {command}", style="bold green"))
        done = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, text=True, check=False)
        console.print(Text((done.stdout + done.stderr).rstrip()))
    # A picture asks no other host for a font; the terminal's own stands behind it.
    return _FONT.sub("", console.export_svg(title=title))


if __name__ == "__main__":
    for name, commands in PICTURES.items():
        (FOLDER / f"{name}.svg").write_text(draw(commands, "zenowasm"), encoding="utf-8")
