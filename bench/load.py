"""Load: slot calls a second, and how long the median and the slowest hundredth of them take: ``make load``.

Engines take turns in each round, so that a machine that changes its speed changes it for all of them.
"""

from __future__ import annotations

import argparse
import sys
import threading
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Final

from attrs import frozen
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from zenowasm import Host
from zenowasm.backends import registry
from zenowasm.plugin import HostEnvironment

_PLUGINS: Final = Path(__file__).parent.parent / "examples" / "plugins"
_SLOT: Final = "hello.greet"


@frozen
class Load:
    """One round on one engine: calls a second, and seconds of one call."""

    rate: float
    p50: float
    p99: float


def load(host: Host, threads: int, seconds: float) -> Load:
    """Call the slot from ``threads`` threads for so many seconds."""
    taken: list[list[float]] = [[] for _ in range(threads)]
    ready = threading.Barrier(threads + 1)

    def work(mine: list[float]) -> None:
        ready.wait()
        end = perf_counter() + seconds
        while (started := perf_counter()) < end:
            host.call(_SLOT, name="World")
            mine.append(perf_counter() - started)

    workers = [threading.Thread(target=work, args=(mine,)) for mine in taken]
    for worker in workers:
        worker.start()
    ready.wait()
    started = perf_counter()
    for worker in workers:
        worker.join()
    elapsed = perf_counter() - started
    times = sorted(time for mine in taken for time in mine)
    return Load(len(times) / elapsed, times[len(times) // 2], times[len(times) * 99 // 100])


def measure(threads: int, rounds: int, seconds: float) -> dict[str, list[Load]]:
    """Return the rounds of each engine, after one that warms it up."""
    with ExitStack() as stack:
        hosts = {
            name: stack.enter_context(
                Host(_PLUGINS, backend=name, environment=HostEnvironment({}), log=lambda record: None)
            )
            for name in registry.names()
        }
        for host in hosts.values():
            load(host, threads, seconds / 4)
        found: dict[str, list[Load]] = {name: [] for name in hosts}
        for _ in range(rounds):
            for name, host in hosts.items():
                found[name].append(load(host, threads, seconds))
        return found


def main(arguments: list[str] | None = None) -> int:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=2.0, help="of one round (default: %(default)s)")
    parser.add_argument("--threads", type=int, action="append", help="default: 1 and 8")
    options = parser.parse_args(arguments)
    table = Table(box=SIMPLE_HEAD)
    for head in ("engine", "threads", "calls/s", "min to max", "p50 ms", "min to max", "p99 ms", "min to max"):
        table.add_column(head, justify="left" if head == "engine" else "right", no_wrap=True)
    for threads in options.threads or (1, 8):
        for name, rounds in measure(threads, options.rounds, options.seconds).items():
            table.add_row(
                name,
                str(threads),
                *_cells([it.rate for it in rounds], 1, 0),
                *_cells([it.p50 for it in rounds], 1000, 2),
                *_cells([it.p99 for it in rounds], 1000, 2),
            )
    Console(width=None if sys.stdout.isatty() else 120).print(table)
    return 0


def _cells(samples: Sequence[float], scale: int, digits: int) -> tuple[str, str]:
    low, middle, high = min(samples) * scale, median(samples) * scale, max(samples) * scale
    return f"{middle:,.{digits}f}", f"{low:,.{digits}f} to {high:,.{digits}f}"


if __name__ == "__main__":
    sys.exit(main())
