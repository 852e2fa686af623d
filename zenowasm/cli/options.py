"""Options that several commands share."""

from __future__ import annotations

import json
import math
from pathlib import Path

import click

from zenowasm.backends import registry

path = click.Path(readable=False, path_type=Path)
"""A path that is not looked at before it is used, so that one that cannot be read is reported as any other."""
backend = click.option(
    "--backend",
    default=registry.DEFAULT,
    show_default=True,
    metavar="NAME",
    help=f"Engine: {', '.join(registry.names())}.",
)
plugin_dir = click.option(
    "--plugin-dir",
    type=path,
    metavar="DIR",
    help="Folder with a folder for each plugin; without it, ZENO_PLUGIN_DIR if ZENO_PLUGINS_ENABLED is true.",
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def positive_seconds(context: click.Context, option: click.Parameter, value: float | None) -> float | None:
    """Return a finite number of seconds greater than 0, or ``None`` where none is given; a click callback."""
    if value is not None and not 0 < value < math.inf:
        raise click.BadParameter(f"expected a number of seconds greater than 0, found {value}", context, option)
    return value


def print_json(value: object) -> None:
    """Print a JSON document, in ASCII: no name in it can drive a terminal or fail to be shown."""
    print(json.dumps(value, indent=2))
