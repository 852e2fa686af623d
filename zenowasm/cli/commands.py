"""Commands and command groups, with the options common to all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import click

from zenowasm.cli import color

SHORT: Final = 1000
"""The maximum length of a summary in characters; click's default, 45, cuts most first sentences."""


class Command(click.Command):
    """A command with ``--color``."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Return the options; the last two, ``--color`` and ``--help``, are common to all commands."""
        *own, help_ = super().get_params(ctx)
        return [*own, color.OPTION, help_]


class Group(Command, click.Group):
    """A command group with ``--color``."""

    command_class = Command

    def sections(self, ctx: click.Context) -> Mapping[str, Mapping[str, str]]:
        """Return the commands listed in the help, with their summaries, by heading."""
        found = {name: self.get_command(ctx, name) for name in self.list_commands(ctx)}
        return {"Commands": {name: "" if it is None else it.get_short_help_str(SHORT) for name, it in found.items()}}

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands."""
        for title, commands in self.sections(ctx).items():
            with formatter.section(title):
                formatter.write_dl(list(commands.items()))


def command(name: str | None = None, **settings: Any) -> Callable[[Callable[..., Any]], Command]:
    """Return a decorator that turns a function into a command."""
    return click.command(name, **{"cls": Command, **settings})


def group(**settings: Any) -> Callable[[Callable[..., Any]], Group]:
    """Return a decorator that turns a function into a command group."""
    return click.command(cls=settings.pop("cls", Group), **settings)
