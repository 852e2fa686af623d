"""``zenowasm coverage``."""

from __future__ import annotations

from fnmatch import fnmatch
from pathlib import Path

import click

from zenowasm.cli import commands, options
from zenowasm.cli.debugged import Runnable, observed, run_and_report
from zenowasm.cli.output import write_lines
from zenowasm.display import visible


# Arguments such as -1 are not options.
@commands.command(
    context_settings={"ignore_unknown_options": True},
    epilog=options.examples(
        "zenowasm coverage script.zl --plugin-dir plugins --html coverage.html",
        "zenowasm coverage --lcov lcov.info --include '*/plugin.c' plugin.wasm total 3",
        "zenowasm coverage --replay production.zr",
    ),
)
@observed
@options.source_maps
@click.option(
    "--include",
    "patterns",
    multiple=True,
    metavar="PATTERN",
    help="Report only source files whose path at compile time matches, such as '*/src/*'. Repeatable.",
)
@click.option("--lcov", type=options.path, metavar="FILE", help="Write a tracefile of lcov.")
@click.option("--html", type=options.path, metavar="FILE", help="Write a self-contained page of the sources.")
@click.option("--top", type=click.IntRange(min=0), default=10, show_default=True, help="Lines and functions to list.")
def coverage(
    run: Runnable,
    title: str,
    source_maps: tuple[str, ...],
    patterns: tuple[str, ...],
    lcov: Path | None,
    html: Path | None,
    top: int,
) -> None:
    """Run the ZenoLang script FILE, or the module FILE as `exec` does, and show what it executed, how often.

    For each source file, the report has the lines and functions that were executed, then the lines and functions that
    executed the most instructions. It is written also if the run fails. --replay runs a recording again instead.
    """
    from zenowasm.profiling.counting import InstructionCounter
    from zenowasm.profiling.coverage import coverage_of
    from zenowasm.profiling.coverage_page import to_html
    from zenowasm.profiling.coverage_text import to_text
    from zenowasm.profiling.lcov import to_lcov

    maps, counter = dict(map(options.source_map, source_maps)), InstructionCounter()

    def report() -> None:
        found = coverage_of(counter, maps, lambda path: not patterns or any(fnmatch(path, it) for it in patterns))
        if lcov is not None:
            write_lines(lcov, to_lcov(found))
        if html is not None:
            write_lines(html, to_html(found, title))
        for line in to_text(found, top):  # last, since it may go to a pipe that ends
            print(visible(line))

    run_and_report(run, counter.attach, report)
