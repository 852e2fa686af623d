"""Options that several commands share."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from zenowasm.backends import registry

path = click.Path(readable=False, path_type=Path)
"""A path that is not looked at before it is used, so that one that cannot be read is reported as any other."""
backend = click.option(
    "--backend",
    default=registry.DEFAULT,
    show_default=True,
    metavar="NAME",
    help=f"Engine: {', '.join(registry.names())}, or {registry.AUTO} for the fastest that is installed; see `engines`.",
)
plugin_dir = click.option(
    "--plugin-dir",
    type=path,
    metavar="DIR",
    help="Folder with a folder for each plugin; without it, ZENO_PLUGIN_DIR if ZENO_PLUGINS_ENABLED is true.",
)
config = click.option(
    "--config",
    type=path,
    metavar="FILE",
    help="Settings of the host; without it, ZENO_PLUGINS_CONFIG, else config/plugins.yaml where it exists.",
)
lazy_validation = click.option(
    "--lazy-validation", is_flag=True, help="Validate each function when it is first called (engine reference)."
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def measure(parse: Callable[[str], Any]) -> Callable[[click.Context, click.Parameter, str | None], Any]:
    """Return a click callback that reads an option as a settings file would."""

    def callback(context: click.Context, option: click.Parameter, value: str | None) -> Any:
        if value is None:
            return None
        try:
            return parse(value)
        except ValueError as error:
            raise click.BadParameter(f"{error}, found {value[:40]!r}", context, option) from error

    return callback


def examples(*commands: str) -> str:
    """Return the end of a command's help: examples, one a line, which click would fill into paragraphs otherwise."""
    return "\n".join(["\b", "Examples:", *(f"  {command}" for command in commands)])


def positive_seconds(context: click.Context, option: click.Parameter, value: float | None) -> float | None:
    """Return a finite number of seconds greater than 0, or ``None`` where none is given; a click callback."""
    if value is not None and not 0 < value < math.inf:
        raise click.BadParameter(f"expected a number of seconds greater than 0, found {value}", context, option)
    return value


def print_json(value: object) -> None:
    """Print a JSON document, in ASCII: no name in it can drive a terminal or fail to be shown."""
    print(json.dumps(value, indent=2))
