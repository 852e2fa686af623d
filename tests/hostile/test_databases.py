"""Hostile statements: each ends at its limit, in little of the host's memory, and leaves the connections usable."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hostile.bounded import cases, run_python

LIMIT = 0.4
"""Seconds of a statement."""
SLACK = 0.5
"""Seconds by which it may be late."""
NOISE = 1.5
"""Seconds that a busy machine may add."""
MEMORY = 160 << 20
"""Bytes of the host's process: Python, the host, and twice the largest result with its objects."""
TOGETHER = 6
"""Statements that one process tries, one after the other."""

PROGRAM = """
import json, sys, time
from zenowasm.resources.databases.connections import Databases, DatabaseError, DatabaseSettings, QueryError
url, limit = sys.argv[1], float(sys.argv[2])
statements = json.load(open(sys.argv[3]))
databases = Databases({
    "main": DatabaseSettings(url, read_only=True, max_seconds=limit),
    "other": DatabaseSettings(url, read_only=True),
})
def ask(transaction, sql, parameters=None):
    began = time.monotonic()
    try:
        transaction.query(sql, parameters)
        outcome = "rows"
    except QueryError as error:
        outcome = type(error).__name__
    return outcome, time.monotonic() - began
for name in ("main", "other"):
    transaction = databases.begin(name)
    ask(transaction, "SELECT 1")
    transaction.commit()
for sql, texts in statements:
    parameters = {name: unit * count + end for name, (unit, count, end) in texts.items()}
    held, transaction = databases.begin("other"), databases.begin("main")
    outcome, seconds = ask(transaction, sql, parameters)
    transaction.rollback()
    print(json.dumps([sql, outcome, seconds, ask(held, "SELECT 1")[0]]), flush=True)
    held.rollback()
databases.close()
print([line for line in open("/proc/self/status") if line.startswith("VmHWM")][0].split()[1])
"""

Text = tuple[str, int, str]
"""A text by what is repeated, how often, and its end."""
Statement = tuple[str, dict[str, Text]]


def _size(chance: random.Random, smallest: int, largest: int) -> int:
    """A number of any order of magnitude between the two."""
    return int(smallest * (largest / smallest) ** chance.random())


def _pattern(chance: random.Random) -> Statement:
    """LIKE and GLOB try every way to match."""
    operator, any_, one = chance.choice([("LIKE", "%", "_"), ("GLOB", "*", "?")])
    unit = chance.choice(["0" + one, "0" + any_, one + any_, "0" + one + any_])
    terms = " + ".join([f"(s {operator} :pattern)"] * _size(chance, 1, 40))
    text = ("0", _size(chance, 1000, 3_900_000), "")
    return f"SELECT {terms} AS v FROM (SELECT :text AS s)", {
        "pattern": (unit, _size(chance, 2, 2000), "Z"),
        "text": text,
    }


def _search(chance: random.Random) -> Statement:
    """instr, replace and trim compare at every place."""
    calls = ("instr(:a, :b)", "length(replace(:a, :b, ''))", "length(trim(:a, :b))", "length(rtrim(:a, :b))")
    call = chance.choice(calls)
    text, wanted = ("a", _size(chance, 1000, 3_900_000), ""), ("a", _size(chance, 100, 2_000_000), "b")
    return f"SELECT {call} AS v", {"a": text, "b": wanted}


def _grown(chance: random.Random) -> Statement:
    """Functions that make much of little."""
    many = _size(chance, 100_000, 2_000_000_000)
    inner = chance.choice(
        [
            f"printf('%.{many}c', 'x')",
            f"hex(zeroblob({many}))",
            f"quote(zeroblob({many}))",
            f"replace(hex(zeroblob({many // 1000})), '0', hex(zeroblob(500)))",
            f"printf('%{many}d', 1)",
            f"randomblob({many})",
            f"json_array(hex(zeroblob({many})))",
        ]
    )
    around = chance.choice(["{}", "length({})", "upper({})", "hex({})", "group_concat({})", "{0} || {0}"])
    return f"SELECT {around.format(inner)} AS v", {}


def _many_rows(chance: random.Random) -> Statement:
    """Recursion, sorting, aggregates and windows over rows without end."""
    many = _size(chance, 1000, 10**12)
    numbers = f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {many}) "
    return numbers + chance.choice(
        [
            "SELECT count(*) AS v FROM n",
            "SELECT i AS v FROM n ORDER BY -i",
            "SELECT length(group_concat(i)) AS v FROM n",
            "SELECT count(*) AS v FROM n a, n b, n c",
            "SELECT json_group_array(i) AS v FROM n",
            "SELECT count(DISTINCT hex(randomblob(100)) || i) AS v FROM n",
            "SELECT sum(i) OVER (ORDER BY i ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS v FROM n",
            "SELECT i AS v, hex(zeroblob(1000)) AS w FROM n",
        ]
    ), {}


def _prepared(chance: random.Random) -> Statement:
    """What costs before the first step: views that double, many terms, deep nesting."""
    depth = _size(chance, 5, 60)
    doubled = ", ".join(f"t{at + 1} AS (SELECT a.x FROM t{at} a JOIN t{at} b)" for at in range(depth))
    terms = _size(chance, 100, 100_000)
    return chance.choice(
        [
            f"WITH t0 AS (SELECT 1 AS x), {doubled} SELECT count(*) AS v FROM t{depth}",
            "SELECT " + " + ".join(["1"] * terms) + " AS v",
            "SELECT 1 AS v WHERE 1 IN (" + ", ".join(["1"] * terms) + ")",
            "SELECT " + "(" * terms + "1" + ")" * terms + " AS v",
            "SELECT 1 AS v" + " UNION SELECT 1" * (terms // 100),
        ]
    ), {}


SQLITE: Sequence[Callable[[random.Random], Statement]] = (_pattern, _search, _grown, _many_rows, _prepared)


def _value(chance: random.Random) -> Statement:
    many = _size(chance, 100_000, 900_000_000)
    value = chance.choice(
        [
            f"repeat('x', {many})",
            f"('[' || repeat('[],', {many // 3}) || '1]')::json",
            f"('[' || repeat('1,', {many // 2}) || '1]')::jsonb",
            f"(repeat('[', {many // 100}) || repeat(']', {many // 100}))::json",
            f"array_fill(1, ARRAY[{many // 30}])",
            f"convert_to(repeat('x', {many // 2}), 'UTF8')",
            f"lpad('', {many}, 'ab')",
            f"xmlelement(name a, repeat('x', {many}))::text",
        ]
    )
    return f"SELECT {value} AS v", {}


def _series(chance: random.Random) -> Statement:
    many = _size(chance, 1000, 10**12)
    return chance.choice(
        [
            f"SELECT generate_series(1, {many}) AS v",
            f"SELECT count(*) AS v FROM generate_series(1, {many})",
            f"SELECT i AS v FROM generate_series(1, {many}) i ORDER BY -i",
            f"SELECT array_agg(i) AS v FROM generate_series(1, {many}) i",
            f"SELECT repeat('x', 10000) AS v FROM generate_series(1, {many})",
            f"SELECT json_agg(i) AS v FROM generate_series(1, {min(many, 10**8)}) i",
            "SELECT pg_sleep(60) AS v",
            "SELECT 'x' ~ repeat('(x*)*', 10) AS v FROM generate_series(1, 100000000)",
            "SELECT repeat('a', 5000) ~ '(a+)+(b|a+c)+$' AS v",
        ]
    ), {}


POSTGRESQL: Sequence[Callable[[random.Random], Statement]] = (_value, _series)


def attack(url: str, seed: int, kinds: Sequence[Callable[[random.Random], Statement]], folder: Path) -> None:
    chance = random.Random(seed)
    statements = [kinds[(seed + at) % len(kinds)](chance) for at in range(TOGETHER)]
    given = folder / "statements.json"
    given.write_text(json.dumps(statements))
    ending = run_python(PROGRAM, url, str(LIMIT), str(given), seconds=TOGETHER * (LIMIT + NOISE) * 2)
    assert (ending.code, ending.killed) == (0, False), ending.stderr
    # Its own count: what the kernel tells of a process that has ended includes the one that started it.
    *told, peak = (json.loads(line) for line in ending.stdout.splitlines())
    assert len(told) == TOGETHER
    for sql, outcome, seconds, other in told:
        assert seconds < LIMIT + SLACK + NOISE, (sql[:200], outcome, seconds)
        assert other == "rows", sql[:200]
    assert peak << 10 < MEMORY, (peak, told)


@pytest.mark.parametrize("seed", cases(3, 300))
def test_sqlite(tmp_path, seed):
    path = tmp_path / "hostile.db"
    path.touch()
    attack(f"sqlite:///{path}", seed, SQLITE, tmp_path)


@pytest.mark.parametrize("seed", cases(2, 150))
def test_postgresql(postgres_url, tmp_path, seed):
    attack(postgres_url, seed, POSTGRESQL, tmp_path)
