"""WASI for the module of a command: folders, environment and arguments from the command line."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import click
from attrs import frozen

from zenowasm.cli.errors import CliError
from zenowasm.paths import UNUSABLE, reason
from zenowasm.resources.files.folder import Folder
from zenowasm.wasi.context import Preopen, WasiContext

_SEPARATOR = "::"


def options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--dir``, ``--env`` and ``--arg``, each of which can be repeated."""
    for option in (
        click.option("--arg", "args", multiple=True, metavar="ARG", help="Argument of the program, after its name."),
        click.option("--env", multiple=True, metavar="NAME=VALUE", callback=_variables, help="Environment variable."),
        click.option(
            "--dir",
            "dirs",
            multiple=True,
            metavar="HOST[::GUEST]",
            help="Folder that the program may use, and the program's name for it.",
        ),
    ):
        command = option(command)
    return command


@frozen
class Granted:
    """The resources that the command line grants to a module, with the rest of its time limit."""

    file: Path
    dirs: tuple[str, ...]
    env: tuple[str, ...]
    args: tuple[str, ...]
    remaining: Callable[[], float | None] = lambda: None


@contextmanager
def context(granted: Granted, streams: Mapping[str, Any]) -> Iterator[WasiContext]:
    """Make the WASI context of a module; its folders are open during the ``with`` block."""
    with preopens(granted.dirs) as opened:
        yield WasiContext(
            arguments=arguments(granted.file, granted.args),
            environ=environ(granted.env),
            preopens=opened,
            remaining=granted.remaining,
            **streams,
        )


@contextmanager
def preopens(dirs: tuple[str, ...]) -> Iterator[tuple[Preopen, ...]]:
    """Open the folders of ``--dir`` during the ``with`` block; raises ``CliError``."""
    with ExitStack() as stack:
        opened = []
        for text in dirs:
            host, _, guest = text.partition(_SEPARATOR)
            try:
                folder = stack.enter_context(Folder.open(Path(host)))
            except UNUSABLE as error:
                raise CliError(f"cannot open the folder {host}: {reason(error)}") from error
            opened.append(Preopen(_bytes(guest or host), folder))
        yield tuple(opened)


def arguments(file: Path, args: tuple[str, ...]) -> tuple[bytes, ...]:
    """Return a program's arguments, its name first."""
    return tuple(map(_bytes, (file.name, *args)))


def environ(env: tuple[str, ...]) -> tuple[bytes, ...]:
    """Return the entries of an environment as bytes."""
    return tuple(map(_bytes, env))


def remaining(seconds: float | None) -> Callable[[], float | None]:
    """Return a function that returns how much of ``seconds`` from now is left, ``None`` without a limit."""
    if seconds is None:
        return lambda: None
    deadline = time.monotonic() + seconds
    return lambda: deadline - time.monotonic()


def _variables(context: click.Context, option: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        if value.find("=") < 1:
            raise click.BadParameter(f"expected NAME=VALUE, found {value!r}", context, option)
    return values


def _bytes(text: str) -> bytes:
    """Return the bytes that the shell passed."""
    return text.encode("utf-8", "surrogateescape")
