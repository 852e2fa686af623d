"""Commands and groups of commands, with the options that all of them have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from zenowasm.cli import color


class Command(click.Command):
    """A command with ``--color``."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Return the options, the last two of which every command has: ``--color`` and ``--help``."""
        *own, help_ = super().get_params(ctx)
        return [*own, color.OPTION, help_]


class Group(Command, click.Group):
    """A group of such commands."""

    command_class = Command


def command(name: str | None = None, **settings: Any) -> Callable[[Callable[..., Any]], Command]:
    """Return a decorator that makes a command of a function."""
    return click.command(name, **{"cls": Command, **settings})


def group(**settings: Any) -> Callable[[Callable[..., Any]], Group]:
    """Return a decorator that makes a group of a function."""
    return click.command(cls=settings.pop("cls", Group), **settings)
