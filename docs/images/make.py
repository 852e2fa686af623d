"""Draws the pictures of the documentation: what commands print and show in a terminal. Run with ``make pictures``."""

from __future__ import annotations

import asyncio
import re
import subprocess
from functools import partial
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.text import Text

from zenowasm.cli.debugged import reporting, run_under, runnable
from zenowasm.frontends.tui.app import DebuggerApp
from zenowasm.frontends.tui.guest import Guest

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


async def _panes(script: Path, plugins: Path) -> str:
    """Return a picture of the debugger's panes in the plugin of a script."""
    run = reporting(partial(run_under, debugged=runnable(script, None, (), ((), (), ()), plugins, None, None)))
    app = DebuggerApp(lambda view: Guest(view, run, locations=["zeno_run"], source_maps={}))
    async with app.run_test(size=(WIDTH + 30, 46)) as pilot:
        for line in ("next", "next", "print slot", "memory slot.start 64"):
            while app.sub_title != "stopped":
                await pilot.pause(0.05)
            app.action_execute(line)
        await pilot.pause(0.5)
        picture = app.export_screenshot(title="zenowasm debug --tui")
        app.guest.quit()
    return picture


def panes() -> str:
    """Return a picture of the debugger's panes in a new plugin in C."""
    with TemporaryDirectory() as folder:
        subprocess.run(["zenowasm", "plugin", "new", "parrot", "--lang", "c", "--dir", "."], cwd=folder, check=True)
        build = ["zenowasm", "plugin", "build", "parrot", "--compiler", "zig", "--debug"]
        subprocess.run(build, cwd=folder, check=True)
        return _FONT.sub("", asyncio.run(_panes(Path(folder) / "parrot" / "test.zl", Path(folder))))


if __name__ == "__main__":
    (FOLDER / "debugger.svg").write_text(panes(), encoding="utf-8")
    for name, commands in PICTURES.items():
        (FOLDER / f"{name}.svg").write_text(draw(commands, "zenowasm"), encoding="utf-8")
