"""Measures the engines side by side: ``python bench/run.py [--only NAME] [--rounds N] [--json FILE]``."""

from __future__ import annotations

import argparse
import json
import platform
import sys
from contextlib import ExitStack
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from attrs import asdict
from groups import DisagreementError, Group, groups
from measure import Measurement, Spread, measure
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table


def main(arguments: list[str] | None = None) -> int:
    """Run the measurements that the command line asks for and print them."""
    parser = argparse.ArgumentParser(description="Measure the engines side by side, in interleaved rounds.")
    parser.add_argument("--only", action="append", metavar="NAME", help="a group, or the first word of several")
    parser.add_argument("--rounds", type=int, default=7, help="samples of each case (default: %(default)s)")
    parser.add_argument("--sample", type=float, default=0.2, help="seconds of one sample (default: %(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write everything to a file")
    options = parser.parse_args(arguments)
    every = list(groups())
    chosen = [it for it in every if not options.only or {it.name, it.name.split()[0]} & set(options.only)]
    if not chosen or options.rounds < 1:
        parser.error(f"expected at least one round, and names out of: {', '.join(it.name for it in every)}")
    # Where there is no terminal, rich would cut the table to 80 columns.
    console = Console(width=None if sys.stdout.isatty() else 120)
    table = _table()
    document = {"environment": _environment(), "groups": []}
    console.print("  ".join(f"{name} {value}" for name, value in _environment().items()))
    for group in chosen:
        try:
            with ExitStack() as stack, console.status(f"measuring {group.name}"):
                measured = measure(group.open(stack), options.rounds, options.sample)
        except DisagreementError as error:
            print(f"error: {error}", file=sys.stderr)
            return 1
        _add(table, group, measured)
        document["groups"].append({"name": group.name, "unit": group.unit, "cases": [asdict(it) for it in measured]})
    console.print(table)
    if options.json is not None:
        options.json.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return 0


def _table() -> Table:
    table = Table(box=SIMPLE_HEAD, padding=(0, 1))
    table.add_column("measured", no_wrap=True)
    table.add_column("engine", no_wrap=True)
    table.add_column("median", justify="right", no_wrap=True)
    table.add_column("min to max", justify="right", no_wrap=True)
    table.add_column("unit", no_wrap=True)
    table.add_column("ratio", justify="right", no_wrap=True)
    table.add_column("min to max", justify="right", no_wrap=True)
    return table


def _add(table: Table, group: Group, measured: list[Measurement]) -> None:
    for index, it in enumerate(measured):
        ratio = ("", "") if index == 0 else (_figure(it.ratio.median), _extremes(it.ratio))
        name = group.name if index == 0 else ""
        table.add_row(name, it.label, _figure(it.rate.median), _extremes(it.rate), group.unit, *ratio)
    table.add_section()


def _extremes(spread: Spread) -> str:
    return f"{_figure(spread.low)} to {_figure(spread.high)}"


def _figure(value: float) -> str:
    digits = 0 if value >= 100 else 1 if value >= 10 else 2 if value >= 1 else 3
    return f"{value:,.{digits}f}"


def _environment() -> dict[str, str]:
    found = {"python": platform.python_version(), "machine": platform.machine()}
    for package in ("zenowasm", "wasmtime", "pwasm"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


if __name__ == "__main__":
    sys.exit(main())
