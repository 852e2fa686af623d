"""Options that several commands share."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from zenowasm.backends import registry

path = click.Path(readable=False, path_type=Path)
"""A path that is not checked before use, so that an unreadable one is reported like any other error."""


class BackendOption(click.Option):
    """An option for the name of an engine; its help says which engines are installed."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """Return the option and its help."""
        record = super().get_help_record(ctx)
        return None if record is None else (record[0], f"{record[1]} {_engines_here()}")

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Return the engines whose names have that prefix."""
        return [CompletionItem(it) for it in (*registry.known(), registry.AUTO) if it.startswith(incomplete)]


def _engines_here() -> str:
    absent = {name: registry.missing(name) for name in registry.names()}
    installed = [name for name in registry.known() if not absent.get(name)]
    why = [
        f" {name} needs the package {' and '.join(packages)}: `{registry.install_command(name)}`."
        for name, packages in absent.items()
        if packages
    ]
    return f"Installed here: {', '.join(installed)}.{''.join(why)}"


_HELP = f"Engine: {', '.join(registry.names())}, or {registry.AUTO} for the fastest that is installed; see `engines`."
backend = click.option(
    "--backend", cls=BackendOption, default=registry.DEFAULT, show_default=True, metavar="NAME", help=_HELP
)
backends = click.option(
    "--backend", "backends", cls=BackendOption, multiple=True, metavar="NAME", help=f"{_HELP} May be repeated."
)
plugin_dir = click.option(
    "--plugin-dir",
    type=path,
    metavar="DIR",
    help="Folder with one subfolder per plugin; without it, ZENO_PLUGIN_DIR if ZENO_PLUGINS_ENABLED is true.",
)
config = click.option(
    "--config",
    type=path,
    metavar="FILE",
    help="Settings file of the host; without it, ZENO_PLUGINS_CONFIG, else config/plugins.yaml if it exists.",
)
lazy_validation = click.option(
    "--lazy-validation", is_flag=True, help="Validate each function before its first call (engine reference)."
)
record = click.option("--record", type=path, metavar="FILE", help="Record the run in this file, for `debug --replay`.")
coredump = click.option(
    "--coredump",
    type=path,
    metavar="FILE",
    help="When a guest traps, write a coredump to this file, for `debug --core` (engine reference).",
)
replay = click.option(
    "--replay", type=path, metavar="RECORDING", help="Replay a recording of `run`, `exec` or a host instead."
)
source_maps = click.option(
    "--source-map",
    "source_maps",
    multiple=True,
    metavar="OLD=NEW",
    help="Look in the folder NEW for the sources that were compiled in OLD. Repeatable.",
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def source_map(text: str) -> tuple[str, str]:
    """Return the two folders of ``--source-map``; raises ``click.UsageError``."""
    old, equals, new = text.partition("=")
    if not (old and equals and new):
        raise click.UsageError(f"--source-map expects OLD=NEW, such as /build=src, and not {text!r}")
    return old, new


def core_hint(coredump: Path | None) -> str:
    """Return the hint for a trap that wrote a coredump, empty without one."""
    return "" if coredump is None else f"`zenowasm debug --core {coredump}` shows the calls, locals and memory"


def measure(parse: Callable[[str], Any]) -> Callable[[click.Context, click.Parameter, str | None], Any]:
    """Return a click callback that parses an option as in a settings file."""

    def callback(context: click.Context, option: click.Parameter, value: str | None) -> Any:
        if value is None:
            return None
        try:
            return parse(value)
        except ValueError as error:
            raise click.BadParameter(f"{error}, found {value[:40]!r}", context, option) from error

    return callback


def examples(*commands: str) -> str:
    """Return the examples that end a command's help, one a line; click would otherwise fill them into paragraphs."""
    return "\n".join(["\b", "Examples:", *(f"  {command}" for command in commands)])


def positive_seconds(context: click.Context, option: click.Parameter, value: float | None) -> float | None:
    """Return a finite number of seconds greater than 0, or ``None`` if the option is missing; a click callback."""
    if value is not None and not 0 < value < math.inf:
        raise click.BadParameter(f"expected a number of seconds greater than 0, found {value}", context, option)
    return value


def print_json(value: object) -> None:
    """Print a JSON document in ASCII, so that no name in it can control a terminal or fail to be shown."""
    print(json.dumps(value, indent=2))
