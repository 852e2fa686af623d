"""Whether output is coloured: by ``--color``, else by the environment, else if the stream is a terminal."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, TextIO

import click
from attrs import define

if TYPE_CHECKING:
    from rich.console import Console


@define
class Invocation:
    """One run of the command line, stored as click's context object: its arguments, and the choice of colour."""

    words: tuple[str, ...]
    color: bool | None


def wanted_by(variables: Mapping[str, str]) -> bool | None:
    """Return the choice of NO_COLOR, FORCE_COLOR and TERM; ``None`` if none of them decides."""
    if variables.get("NO_COLOR"):
        return False
    if variables.get("FORCE_COLOR"):
        return True
    return False if variables.get("TERM") == "dumb" else None


def _decide(context: click.Context, option: click.Parameter, value: str) -> None:
    if value != "auto":
        context.color = value == "always"
        invocation = context.find_object(Invocation)
        if invocation is not None:
            invocation.color = context.color


OPTION: Final = click.Option(
    ["--color"],
    type=click.Choice(["auto", "always", "never"]),
    default="auto",
    metavar="WHEN",
    is_eager=True,
    expose_value=False,
    callback=_decide,
    help="Colour the output: always, never, or auto: as NO_COLOR or FORCE_COLOR says, else on a terminal.",
)
"""An option of every command, like ``--help``."""


def colored(stream: TextIO, color: bool | None = None) -> bool:
    """Return whether to colour output to a stream: ``color``, by default the command's choice."""
    if color is None:
        context = click.get_current_context(silent=True)
        color = None if context is None else context.color
    return stream.isatty() if color is None else color


def styled(text: str, *, stream: TextIO | None = None, color: bool | None = None, **style: Any) -> str:
    """Return text in click's ``style`` if the stream, by default stdout, is coloured."""
    return click.style(text, **style) if colored(stream or sys.stdout, color) else text


def console(*, stderr: bool = False, piped_width: int | None = None) -> Console:
    """Return a console for tables and progress; without a terminal, it has ``piped_width`` columns, by default 80."""
    from rich.console import Console  # this import would delay the help

    stream = sys.stderr if stderr else sys.stdout
    terminal = stream.isatty()
    return Console(
        stderr=stderr,
        width=None if terminal else piped_width,
        color_system=("auto" if terminal else "standard") if colored(stream) else None,
        no_color=False,
        force_terminal=terminal,  # FORCE_COLOR would also make rich animate in files
    )
