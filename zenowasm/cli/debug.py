"""``zenowasm debug``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from zenowasm.cli import options
from zenowasm.cli.errors import CliError, user_errors
from zenowasm.cli.script import STDIN, run_script
from zenowasm.debugger import DebuggerError, DebuggerQuit, Session
from zenowasm.display import visible
from zenowasm.faces.terminal import Terminal, line_reader


@click.command()
@click.argument("script", type=options.path)
@click.option(
    "--break",
    "locations",
    multiple=True,
    metavar="FUNCTION[+PC]",
    help="Stop at a function, by name or index, or at an instruction of it. Repeatable; without it, stop at the start.",
)
@click.option(
    "-x", "--command", "commands", multiple=True, help="Execute a debugger command before any is read. Repeatable."
)
@options.plugin_dir
@options.config
def debug(
    script: Path,
    locations: tuple[str, ...],
    commands: tuple[str, ...],
    plugin_dir: Path | None,
    config: Path | None,
) -> None:
    """Run the ZenoLang file SCRIPT and step through its plugins.

    Commands are read from stdin, which may be a pipe; `help` lists them. The end of the input ends the run.
    Plugins have no time limit here but that of their manifests; all other settings hold.
    """
    if str(script) == STDIN:
        raise CliError("the debugger reads its commands from stdin: expected a file as SCRIPT")
    repeat = sys.stdin.isatty()
    terminal = Terminal(line_reader(sys.stdin, sys.stdout), _write, commands, repeat=repeat)
    session = Session(terminal, stop_at_start=not locations)
    with user_errors(DebuggerError):
        for location in locations:
            session.add_breakpoint(location)
    try:
        run_script(script, plugin_dir, lazy=False, config=config, timed=False, on_store=session.attach)
    except DebuggerQuit:
        print("the run was ended before the script's end")
        return
    missing = [breakpoint_.location for breakpoint_ in session.breakpoints if not breakpoint_.resolved]
    if missing:
        near = session.nearest_function(missing[0])
        hint = f"; did you mean {near}?" if near else ""
        raise CliError(f"no plugin that ran has a function {', '.join(missing)}{hint}")


def _write(text: str) -> None:
    print(visible(text))  # names come from the guest
