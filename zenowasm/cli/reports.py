"""The reports that ``spec`` and ``conformance`` write to files."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from zenowasm import __version__
from zenowasm.cli.color import Invocation
from zenowasm.cli.errors import CliError

OUTPUT = click.Path(dir_okay=False, writable=True, path_type=Path)


def reports(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options ``--junit`` and ``--html``."""
    command = click.option("--html", type=OUTPUT, metavar="FILE", help="Write a self-contained HTML report.")(command)
    return click.option("--junit", type=OUTPUT, metavar="FILE", help="Write JUnit XML.")(command)


def run_facts() -> dict[str, str]:
    """Return the facts of this run for a report: date, version and command."""
    invocation: Invocation = click.get_current_context().find_root().obj
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "zenowasm": __version__,
        "command": shlex.join(["zenowasm", *invocation.words]),
    }


def write_report(path: Path, document: bytes) -> None:
    """Write a report; raises ``CliError``."""
    try:
        path.write_bytes(document)
    except OSError as error:
        raise CliError(f"cannot write {path}: {error.strerror}") from error
