"""``zenowasm bench``: measures engines and plugin hosts side by side."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import click
from attrs import evolve

from zenowasm import svg
from zenowasm.bench import markdown, run, terminal
from zenowasm.bench.document import to_document
from zenowasm.bench.errors import BenchError, DisagreementError
from zenowasm.bench.page import to_html
from zenowasm.cli import color, commands
from zenowasm.cli.errors import CliError, read_file, user_errors
from zenowasm.cli.reports import OUTPUT, write_report
from zenowasm.display import visible

DOCS: Final = Path("docs") / "benchmarks.md"


@commands.command()
@click.option("--only", multiple=True, metavar="NAME", help="Measure only this group; may be repeated.")
@click.option(
    "--engine",
    "engines",
    multiple=True,
    metavar="NAME",
    help="Engine or host; may be repeated. `wasmtime:none`, `:fuel`, `:interrupts`, `:deterministic`, `:all` too.",
)
@click.option("--rounds", type=click.IntRange(min=1), help="Samples of each case; without it 5, or 3 with --quick.")
@click.option("--quick", is_flag=True, help="Take 20 seconds: short samples, no growth curves, no large modules.")
@click.option("--list", "listed", is_flag=True, help="List groups, engines and hosts; measure nothing.")
@click.option("--json", "document", type=OUTPUT, metavar="FILE", help="Write all samples, which pyperf can read.")
@click.option("--html", type=OUTPUT, metavar="FILE", help="Write a self-contained HTML report with charts.")
@click.option(
    "--docs",
    "page",
    type=OUTPUT,
    is_flag=False,
    flag_value=DOCS,
    metavar="[FILE]",
    help=f"Write the tables into a page of documentation; without FILE, {DOCS}.",
)
def bench(
    only: tuple[str, ...],
    engines: tuple[str, ...],
    rounds: int | None,
    quick: bool,
    listed: bool,
    document: Path | None,
    html: Path | None,
    page: Path | None,
) -> None:
    """Measure engines and plugin hosts side by side, which takes about three minutes.

    Every round takes one sample of each case, on pinned cores if the system supports it; ratios are taken within
    rounds. A missing peer is listed with the command that installs it. If engines compute different results, the
    command prints them, measures nothing more, and exits with 1.
    """
    console = color.console(piped_width=140)
    if listed:
        _list(engines)
        return
    if html is not None and not svg.is_installed():
        raise CliError("--html needs the package 'pygal': run `pip install 'zenowasm[bench]'`")
    with _usage_errors():  # before any measurement
        parts = None if page is None else markdown.Page.read(read_file(page).decode(errors="replace"))
    effort = run.QUICK if quick else run.Effort()
    if rounds is not None:
        effort = evolve(effort, rounds=rounds)
    with user_errors(DisagreementError), color.console(stderr=True).status("") as status, _usage_errors():
        results = run.run(only, engines, effort, quick, lambda text: status.update(visible(text)))
    for name, fact in results.facts.items():
        print(visible(f"{name}: {fact}"))
    for table in terminal.shown(results):
        console.print(table)
    for label, command in results.absent.items():
        print(visible(f"{label} is absent: {command}"))
    if document is not None:
        write_report(document, (json.dumps(to_document(results), indent=1) + "\n").encode())
    if html is not None:
        write_report(html, to_html(results).encode())
    if page is not None and parts is not None:
        write_report(page, parts.with_tables(results).encode())


@contextmanager
def _usage_errors() -> Iterator[None]:
    try:
        yield
    except BenchError as error:
        raise click.UsageError(str(error)) from error


def _list(engines: tuple[str, ...]) -> None:
    with _usage_errors():
        _, versions, absent = run.peers(engines)
    for group in run.groups():
        print(visible(f"{group.name:<16}{group.title}"))
    print()
    for label, version in versions.items():
        print(visible(f"{label:<16}{version}"))
    for label, command in absent.items():
        print(visible(f"{label:<16}absent: {command}"))
