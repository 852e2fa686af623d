"""``zenowasm diff``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from zenowasm.cli import commands, options
from zenowasm.cli.color import styled
from zenowasm.cli.errors import EXIT_ERROR, EXIT_OK, CliError
from zenowasm.cli.modules import module_errors, read_module, unhurried
from zenowasm.display import visible
from zenowasm.tools.compare import Change, Difference, FunctionChange, Side, compare, unified

_SIGNS = {Change.ADDED: "+", Change.REMOVED: "-", Change.CHANGED: "~"}
_COLORS = {"+": "green", "-": "red", "~": "yellow", "@": "cyan"}


@commands.command(
    epilog=options.examples("zenowasm diff old.wasm new.wasm", "zenowasm diff old.wasm new.wasm --function greet")
)
@click.argument("first", type=options.path)
@click.argument("second", type=options.path)
@click.option("--function", metavar="NAME", help="Show the instructions of this function that changed.")
@options.as_json
@click.pass_context
def diff(context: click.Context, first: Path, second: Path, function: str | None, as_json: bool) -> None:
    """Compare the modules FIRST and SECOND: functions by name, imports, exports, data and custom sections.

    Functions are compared with names instead of indices, so a function that has only moved is equal. Exits with 1 if
    the modules differ.
    """
    before, after = _side(first), _side(second)
    if function is not None:
        try:
            with module_errors(first):
                lines = unified(before, after, function, (str(first), str(second)))
        except ValueError as error:
            raise CliError(str(error)) from error
        _print(lines)
        context.exit(EXIT_ERROR if lines else EXIT_OK)
    with module_errors(first):
        found = compare(before, after)
    if as_json:
        options.print_json(_document(found))
    else:
        _print(_lines(found))
    context.exit(EXIT_ERROR if found else EXIT_OK)


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        color = _COLORS.get(line[:1])
        print(styled(visible(line), fg=color) if color else visible(line))


def _side(file: Path) -> Side:
    binary = read_module(file)
    with module_errors(file):
        return Side(binary, unhurried())


def _lines(found: Difference) -> Iterator[str]:
    yield from (f"{_SIGNS[change]} import {what}" for change, what in found.imports)
    yield from (f"{_SIGNS[change]} export {what}" for change, what in found.exports)
    yield from map(_function, found.functions)
    yield from (f"~ section {name}: {before} to {after} bytes" for name, before, after in found.sections)


def _function(it: FunctionChange) -> str:
    sizes = f"{it.before} to {it.after}" if it.change is Change.CHANGED else f"{it.before or it.after}"
    return f"{_SIGNS[it.change]} function {it.name}: {sizes} bytes"


def _document(found: Difference) -> dict[str, object]:
    return {
        "imports": [{"change": change.value, "import": what} for change, what in found.imports],
        "exports": [{"change": change.value, "export": what} for change, what in found.exports],
        "functions": [
            {"change": it.change.value, "name": it.name, "before": it.before, "after": it.after}
            for it in found.functions
        ],
        "sections": [{"name": name, "before": before, "after": after} for name, before, after in found.sections],
    }
