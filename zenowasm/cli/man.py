"""Manual pages generated from the help: ``python -m zenowasm.cli.man FOLDER`` writes one for each command.

The pages are the same on every machine, because they leave out the machine-specific parts of help texts.
"""

from __future__ import annotations

import re
import sys
from collections import ChainMap
from collections.abc import Iterator
from inspect import cleandoc
from pathlib import Path

import click

from zenowasm import __version__
from zenowasm.cli.commands import SHORT, Group

_ESCAPES = str.maketrans(
    {"\\": r"\e", "-": r"\-", "'": r"\(aq", '"': r"\(dq", "`": r"\(ga", "^": r"\(ha", "~": r"\(ti"}
)
_OPTION = re.compile(r"(?<![\w-])(--?[\w-]+)")
_NO_FILL = "\b"
"""The line that begins a paragraph whose line breaks click keeps."""


def write_pages(folder: Path) -> None:
    """Write the page of each command."""
    from zenowasm.cli.main import cli

    folder.mkdir(parents=True, exist_ok=True)
    for context in _contexts(click.Context(cli, info_name="zenowasm", **cli.context_settings)):
        (folder / f"{_name(context)}.1").write_text("\n".join(_page(context)) + "\n", "ascii")


def _contexts(context: click.Context) -> Iterator[click.Context]:
    yield context
    if isinstance(context.command, Group):
        for name in context.command.list_commands(context):
            command = context.command.get_command(context, name)
            assert command is not None
            yield from _contexts(click.Context(command, info_name=name, parent=context))


def _name(context: click.Context) -> str:
    return context.command_path.replace(" ", "-")


def _page(context: click.Context) -> Iterator[str]:
    command = context.command
    name = _roff(_name(context))
    usage = _roff(" ".join(command.collect_usage_pieces(context)))
    yield f'.TH "{name.upper()}" 1 "" "zenowasm {_roff(__version__)}" "zenowasm manual"'
    yield from (".SH NAME", f"{name} \\- {_roff(_summary(context))}")
    yield from (".SH SYNOPSIS", f"\\fB{_roff(context.command_path)}\\fR {usage}")
    yield ".SH DESCRIPTION"
    yield from _paragraphs(command.help or "")
    yield ".SH OPTIONS"
    for option in command.get_params(context):
        # The help of an option may also contain machine-specific text.
        record = click.Option.get_help_record(option, context) if isinstance(option, click.Option) else None
        if record is not None:
            yield from (".TP", _option(record[0]), _roff(record[1]))
    if isinstance(command, Group):
        for title, commands in command.sections(context).items():
            yield f'.SH "{_roff(title).upper()}"'
            for inner, summary in commands.items():
                yield from (".TP", f"\\fB{name}\\-{_roff(inner)}\\fR(1)", _roff(summary))
    if command.epilog:
        yield ".SH EXAMPLES"
        yield from _paragraphs(command.epilog.replace("\nExamples:\n", "\n"))
    if context.parent is not None:
        yield from (".SH SEE ALSO", f"\\fB{_roff(_name(context.parent))}\\fR(1)")


def _summary(context: click.Context) -> str:
    if context.parent is None or not isinstance(context.parent.command, Group):
        return context.command.get_short_help_str(SHORT).rstrip(".")
    summaries = ChainMap(*map(dict, context.parent.command.sections(context.parent).values()))
    return summaries[context.info_name or ""].rstrip(".")


def _option(text: str) -> str:
    pieces = enumerate(_OPTION.split(text))  # every second piece is a match of the expression
    return "".join(f"\\fB{_roff(piece)}\\fR" if number % 2 else _roff(piece) for number, piece in pieces)


def _paragraphs(text: str) -> Iterator[str]:
    for paragraph in cleandoc(text).split("\n\n"):
        lines = paragraph.splitlines()
        yield ".PP"
        if lines[0] == _NO_FILL:
            yield from (".nf", *map(_roff, lines[1:]), ".fi")
        else:
            yield _roff(" ".join(lines))


def _roff(text: str) -> str:
    escaped = "".join(c if c.isascii() else f"\\[u{ord(c):04X}]" for c in text.translate(_ESCAPES))
    return f"\\&{escaped}" if escaped.startswith(".") else escaped


if __name__ == "__main__":
    write_pages(Path(sys.argv[1]))
