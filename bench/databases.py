"""A query by primary key through a database connection: ``make bench-databases``.

The baseline is Python's ``sqlite3`` alone, the minimum for a query: it searches for no placeholders and does not limit
the result. ``--beside FOLDER`` compares with another checkout of the project instead. The two alternate, so that a
change in the machine's speed affects both.
"""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from statistics import median

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from zenowasm.resources.databases.connections import Databases, DatabaseSettings

_ROUNDS = 9
_TIMES = 1_000
_ROWS = 10_000
_QUERY = "SELECT id, name FROM item WHERE id = ?"
_ROW = {"id": 77, "name": "name77"}
_SECONDS = 5.0

Figures = dict[str, float]
"""The median of many measurements, in microseconds, by operation."""


def _median(work: Callable[[], object]) -> float:
    taken = []
    for _ in range(_TIMES):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return median(taken) * 1e6


def through_a_connection(path: Path) -> Figures:
    """Measure the operations of a slot call: begin, query, commit."""
    with closing(Databases({"main": DatabaseSettings(f"sqlite:///{path}")})) as databases:

        def transaction() -> None:
            begun = databases.begin("main", time.monotonic() + _SECONDS)
            assert begun.query(_QUERY, [77], time.monotonic() + _SECONDS).rows == [_ROW]
            begun.commit(time.monotonic() + _SECONDS)

        began = time.perf_counter()
        transaction()
        first = (time.perf_counter() - began) * 1e6
        whole = _median(transaction)
        begun = databases.begin("main")
        more = _median(lambda: begun.query(_QUERY, [77], time.monotonic() + _SECONDS))
        begun.rollback()
    return {"begin, query, commit": whole, "one more query": more, "first query, of a new process": first}


def through_sqlite3_alone(path: Path) -> Figures:
    """Measure the same statements in this process, with a savepoint, SQLite's clock and its authorizer."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:

        def run(sql: str) -> None:
            connection.execute(sql).close()

        def query() -> None:
            deadline = time.monotonic() + _SECONDS
            run("SAVEPOINT statement")
            connection.set_progress_handler(lambda: time.monotonic() >= deadline, 1_000)
            connection.set_authorizer(lambda *_: sqlite3.SQLITE_OK)
            cursor = connection.execute(_QUERY, (77,))
            columns = [column[0] for column in cursor.description]
            assert [dict(zip(columns, row, strict=True)) for row in cursor] == [_ROW]
            connection.set_authorizer(None)
            connection.set_progress_handler(None, 0)
            run("RELEASE statement")

        def transaction() -> None:
            run("BEGIN IMMEDIATE")
            query()
            run("COMMIT")

        whole = _median(transaction)
        run("BEGIN IMMEDIATE")
        more = _median(query)
        run("ROLLBACK")
    return {"begin, query, commit": whole, "one more query": more}


def _in_a_process(path: Path, checkout: Path) -> Figures:
    command = [sys.executable, __file__, "--once", str(path)]
    done = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": str(checkout)}, stdout=subprocess.PIPE, text=True, check=True
    )
    figures: Figures = json.loads(done.stdout)
    return figures


def main() -> None:
    """Measure, and print the medians of the rounds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--beside", type=Path, metavar="FOLDER", help="another checkout of the project")
    parser.add_argument("--once", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.once:
        print(json.dumps(through_a_connection(arguments.once)))
        return
    here = Path(__file__).parent.parent
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "items.db"
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT)")
            connection.executemany("INSERT INTO item VALUES (?, ?)", [(at, f"name{at}") for at in range(_ROWS)])
        rounds = []
        for _ in range(_ROUNDS):
            other = _in_a_process(path, arguments.beside) if arguments.beside else through_sqlite3_alone(path)
            rounds.append((_in_a_process(path, here), other))
    name = str(arguments.beside or "sqlite3 alone")
    table = Table("microseconds", "here", name, "ratio", "from", "to", box=SIMPLE_HEAD)
    for what in rounds[0][1]:
        ratios = sorted(ours[what] / other[what] for ours, other in rounds)
        sides = (median(figures[what] for figures in side) for side in zip(*rounds, strict=True))
        shown = (median(ratios), ratios[0], ratios[-1])
        table.add_row(what, *(f"{side:.0f}" for side in sides), *(f"{ratio:.2f}" for ratio in shown))
    Console().print(table)


if __name__ == "__main__":
    main()
