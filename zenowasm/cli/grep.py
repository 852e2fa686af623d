"""``zenowasm grep``."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import attrs
import click

from zenowasm.cli import commands, options
from zenowasm.cli.errors import EXIT_ERROR, EXIT_OK
from zenowasm.cli.modules import module_errors, read_module, unhurried
from zenowasm.display import visible
from zenowasm.tools.search import Match, search


def _pattern(context: click.Context, option: click.Parameter, value: str) -> re.Pattern[str]:
    try:
        return re.compile(value)
    except re.error as error:
        raise click.BadParameter(f"expected a regular expression: {error}", context, option) from error


@commands.command(
    epilog=options.examples("zenowasm grep '^memory\\.grow' plugin.wasm", "zenowasm grep --count 'f(32|64)\\.' *.wasm")
)
@click.argument("pattern", callback=_pattern)
@click.argument("files", nargs=-1, required=True, type=options.path)
@click.option("-c", "--count", is_flag=True, help="Print how many instructions match in each function.")
@options.as_json
@click.pass_context
def grep(context: click.Context, pattern: re.Pattern[str], files: tuple[Path, ...], count: bool, as_json: bool) -> None:
    """Print the instructions of the modules FILES whose text matches the regular expression PATTERN.

    Each line has the function, the instruction's index in it and the byte offset. Exits with 1 if nothing matches.
    """
    found: list[dict[str, object]] = []
    is_found = False
    for file in files:
        binary = read_module(file)
        counts: Counter[tuple[int, str]] = Counter()
        with module_errors(file):
            for match in search(binary, pattern, unhurried()):
                is_found = True
                if count:
                    counts[match.function, match.name] += 1
                elif as_json:
                    found.append({"file": str(file), **attrs.asdict(match)})
                else:
                    print(visible(_line(file, match, len(files) > 1)))
        for (function, name), number in counts.most_common():
            if as_json:
                found.append({"file": str(file), "function": function, "name": name, "count": number})
            else:
                print(visible(f"{f'{file}: ' if len(files) > 1 else ''}{number:>6}  {name}"))
    if as_json:
        options.print_json(found)
    context.exit(EXIT_OK if is_found else EXIT_ERROR)


def _line(file: Path, match: Match, with_file: bool) -> str:
    return f"{f'{file}: ' if with_file else ''}{match.offset:06x} {match.name}+{match.pc}: {match.text}"
