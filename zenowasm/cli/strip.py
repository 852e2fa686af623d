"""``zenowasm strip``."""

from __future__ import annotations

import re
from pathlib import Path

import click

from zenowasm.cli import commands, options
from zenowasm.cli.errors import CliError
from zenowasm.cli.modules import STDIN, module_errors, read_source
from zenowasm.cli.output import STDOUT, output, write_bytes
from zenowasm.interp.binary.raw_sections import without_customs

_KEPT = re.compile(r"name|component-type:.*|dylink\.0|metadata\.code\..*")
"""The sections kept without options: names, and sections that affect how the module runs or is linked."""


def _pattern(context: click.Context, option: click.Parameter, value: str | None) -> re.Pattern[str] | None:
    try:
        return None if value is None else re.compile(value)
    except re.error as error:
        raise click.BadParameter(f"expected a regular expression: {error}", context, option) from error


@commands.command(
    epilog=options.examples(
        "zenowasm strip plugin.wasm -o small.wasm",
        "zenowasm strip --all --keep producers plugin.wasm -o -",
        "zenowasm strip --delete '^\\.debug' plugin.wasm",
    )
)
@click.argument("file", type=options.path)
@output("Write the module here; without it, FILE is changed.")
@click.option("-a", "--all", "every", is_flag=True, help="Remove names, too.")
@click.option(
    "-d", "--delete", callback=_pattern, metavar="REGEX", help="Remove only custom sections whose names match."
)
@click.option("-k", "--keep", callback=_pattern, metavar="REGEX", help="Keep custom sections whose names match.")
def strip(
    file: Path, output: Path | None, every: bool, delete: re.Pattern[str] | None, keep: re.Pattern[str] | None
) -> None:
    """Remove custom sections from the module FILE: debug information, producers and the rest; - is stdin.

    Without --all, the names stay. Every other byte of the module is unchanged.
    """
    if every and delete is not None:
        raise click.UsageError("--all and --delete cannot be combined")
    source = read_source(file)
    if output is None:
        output = Path(STDOUT) if str(file) == STDIN else file
        if source.text is not None and output is file:
            raise CliError(f"{file} is text and would be overwritten: name a file with -o FILE")

    def drop(name: str) -> bool:
        if keep is not None and keep.search(name):
            return False
        if delete is not None:
            return delete.search(name) is not None
        return every or _KEPT.fullmatch(name) is None

    with module_errors(file):
        stripped = without_customs(source.binary, drop)
    write_bytes(output, stripped)
