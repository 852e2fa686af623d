"""``zenowasm debug``."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import FrameType

import click

from zenowasm.cli import commands, gdb, options, wasi
from zenowasm.cli.debugged import DebuggedCoredump, Runnable, reporting, run_under, runnable
from zenowasm.cli.errors import CliError, read_file, user_errors
from zenowasm.cli.script import STDIN
from zenowasm.cli.tui import show
from zenowasm.debugger import DebuggerError, DebuggerQuit, Session
from zenowasm.display import visible
from zenowasm.frontends.terminal import Terminal, complete_by_tab, line_reader


# Arguments such as -1 are not options.
@commands.command(context_settings={"ignore_unknown_options": True})
@click.argument("file", type=options.path, required=False)
@click.argument("export", required=False)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[ARGS]...")
@click.option(
    "--break",
    "locations",
    multiple=True,
    metavar="LOCATION",
    help="Stop at FUNCTION, FUNCTION+PC or FILE:LINE. Repeatable; without it, stop at the start.",
)
@options.source_maps
@click.option(
    "-x", "--command", "commands", multiple=True, help="Execute a debugger command before reading any. Repeatable."
)
@click.option(
    "--command-file",
    "command_files",
    multiple=True,
    type=options.path,
    metavar="FILE",
    help="Execute the debugger commands in FILE, one in each line, before those of -x. Repeatable.",
)
@options.replay
@click.option(
    "--core",
    type=options.path,
    metavar="COREDUMP",
    help="Look into a coredump of `run`, `exec` or another tool.",
)
@click.option(
    "--gdb",
    "address",
    metavar="[HOST:]PORT",
    callback=gdb.address,
    help="Let LLDB debug, at this TCP port of the loopback interface or HOST; 0 selects any free port.",
)
@click.option("--tui", is_flag=True, help="Show source, code, variables, calls and memory in panes (extra tui).")
@options.plugin_dir
@options.config
@wasi.options
@click.pass_context
def debug(
    click_context: click.Context,
    file: Path | None,
    export: str | None,
    arguments: tuple[str, ...],
    locations: tuple[str, ...],
    source_maps: tuple[str, ...],
    commands: tuple[str, ...],
    command_files: tuple[Path, ...],
    replay: Path | None,
    core: Path | None,
    address: tuple[str, int] | None,
    tui: bool,
    plugin_dir: Path | None,
    config: Path | None,
    dirs: tuple[str, ...],
    env: tuple[str, ...],
    args: tuple[str, ...],
) -> None:
    """Run the ZenoLang script FILE and step through its plugins, or step through the module FILE, binary or text.

    In a module, the command calls the function EXPORT with ARGS, or _start without EXPORT, as `exec` does. --dir, --env
    and --arg are for modules, --plugin-dir and --config for scripts.

    --replay runs a recording again, with neither a host nor a clock. FILE is then optional: the module to use instead
    of the recorded one, such as a build with debugging information; only custom sections may differ.

    --core shows where a guest trapped: its calls, variables and memory. FILE is its module, by default the file that
    the coredump names.

    --gdb waits for LLDB (`process connect --plugin wasm connect://localhost:PORT`) instead of reading commands.

    Debugger commands come from stdin, which may be a pipe; `help` lists them. The end of the input ends the run.
    Plugins have only the time limit of their manifests; all other settings apply.
    """
    if str(file) == STDIN:
        raise CliError("the debugger reads its commands from stdin: expected a file as FILE")
    debugged: Runnable | DebuggedCoredump
    if core is not None:
        if export or dirs or env or args or plugin_dir or config or replay or locations:
            raise click.UsageError("--core takes only a module as FILE: all else is in the coredump")
        debugged = DebuggedCoredump(core, file)
    else:
        debugged = runnable(file, export, arguments, (dirs, env, args), plugin_dir, config, replay)
    run = reporting(partial(run_under, debugged=debugged))
    if address is not None:
        if locations or source_maps or commands or command_files or tui:
            raise click.UsageError("--gdb takes neither --break, --source-map, --tui nor commands: LLDB has its own")
        click_context.exit(gdb.serve(run, *address, post_mortem=core is not None))
    commands = (*_lines_of(command_files), *commands)
    maps = dict(map(options.source_map, source_maps))
    if tui:
        click_context.exit(show(run, locations, commands, maps, post_mortem=core is not None))
    terminal = Terminal(line_reader(sys.stdin, sys.stdout), _write, commands, repeat=sys.stdin.isatty())
    if sys.stdin.isatty() and sys.stdout.isatty():
        complete_by_tab(terminal.completions)
    session = Session(terminal, stop_at_start=not locations, post_mortem=core is not None, source_maps=maps)
    with user_errors(DebuggerError):
        for location in locations:
            session.add_breakpoint(location)
    what, code = "module" if debugged.is_module else "plugin", 0
    try:
        with _interrupting(session):
            code = run_under(session, debugged)
    except DebuggerQuit:
        if core is None:
            print(f"the run was ended before the {'program' if debugged.is_module else 'script'}'s end")
        return
    missing = [breakpoint_.location for breakpoint_ in session.breakpoints if not breakpoint_.resolved]
    if missing:
        near = session.nearest_function(missing[0])
        hint = f"; did you mean {near}?" if near else ""
        kind = "line" if missing[0].rpartition(":")[2].isdigit() else "function"
        raise CliError(f"no {what} that ran has a {kind} {', '.join(missing)}{hint}")
    click_context.exit(code)


@contextmanager
def _interrupting(session: Session) -> Iterator[None]:
    """Let Ctrl-C stop the guest, not the session; at a stop, or when the guest does not react, it ends the command."""
    former = signal.getsignal(signal.SIGINT)

    def interrupt(number: int, frame: FrameType | None) -> None:
        if session.interrupted or session.is_stopped:
            raise KeyboardInterrupt
        session.interrupt()

    signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, former)


def _lines_of(files: tuple[Path, ...]) -> list[str]:
    return [line for file in files for line in read_file(file).decode(errors="replace").splitlines()]


def _write(text: str) -> None:
    print(visible(text))  # names come from the guest
