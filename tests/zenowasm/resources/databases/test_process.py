"""Each connection is a process of its own: it ends at its limits, with its host, and takes nothing along."""

from __future__ import annotations

import gc
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hostile.bounded import run_python

from zenowasm.resources.databases import process
from zenowasm.resources.databases.connections import (
    Databases,
    DatabaseSettings,
    DatabaseUnavailableError,
    QueryTimeoutError,
    Transaction,
    TransactionLostError,
)

ONE_STEP = "SELECT printf('%.1000000000c', 'x')"
"""SQLite runs it in one step of its machine, in which nothing can interrupt it: seconds."""
ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
"""It takes many steps, between which SQLite calls back."""


@pytest.fixture
def databases(file) -> Iterator[Databases]:
    url = f"sqlite:///{file}"
    made = Databases(
        {
            "main": DatabaseSettings(url, max_seconds=0.5),
            "reader": DatabaseSettings(url, read_only=True, max_seconds=30),
        }
    )
    yield made
    made.close()


def pid(transaction: Transaction) -> int:
    return transaction._session._process.pid


def ended(number: int, seconds: float = 10) -> bool:
    """Wait until a process has ended, with all its threads: until then they keep its files open."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            state = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]
            if state == "Z" and len(os.listdir(f"/proc/{number}/task")) == 1:
                return True
        except FileNotFoundError:
            return True
        time.sleep(0.01)
    return False


def items(databases: Databases, name: str = "main") -> list[object]:
    transaction = databases.begin(name)
    rows = transaction.query("SELECT name FROM item ORDER BY id").rows
    transaction.commit()
    return [row["name"] for row in rows]


PATTERN = " + ".join([f"(s LIKE '%{'0_' * 20}Z')"] * 20)


@pytest.mark.parametrize(
    ("sql", "parameters"),
    [
        (ONE_STEP, None),
        (f"SELECT {PATTERN} FROM (SELECT :text AS s)", {"text": "0" * 7_900_000}),
        ("SELECT instr(:text, :wanted)", {"text": "a" * 4_000_000, "wanted": "a" * 2_000_000 + "b"}),
        ("SELECT 'x' IN (SELECT printf('%.1000000000c', id) FROM item)", None),
    ],
)
def test_one_step_of_sqlite_ends_at_the_limit(databases, sql, parameters):
    transaction = databases.begin("main")
    began = time.monotonic()
    with pytest.raises(QueryTimeoutError, match=r"^the statement took longer than the limit of 0.5 s$"):
        transaction.query(sql, parameters)
    assert time.monotonic() - began < 2
    transaction.rollback()
    assert items(databases) == ["a"]


def test_what_ends_with_its_process_is_lost_as_a_whole(databases):
    transaction = databases.begin("main")
    transaction.query("INSERT INTO item VALUES (2, 'b')")
    with pytest.raises(QueryTimeoutError):
        transaction.query(ONE_STEP)
    for go_on in (lambda: transaction.query("SELECT 1"), transaction.commit):
        with pytest.raises(TransactionLostError, match=r"^the transaction was rolled back by an earlier failure$"):
            go_on()
    assert items(databases) == ["a"]


def test_others_go_on_meanwhile(databases):
    busy = databases.begin("reader")
    failures: list[BaseException] = []

    def work() -> None:
        try:
            busy.query(ONE_STEP, deadline=time.monotonic() + 2)
        except QueryTimeoutError as error:
            failures.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    for name in ("main", "reader"):
        assert items(databases, name) == ["a"]
    assert thread.is_alive()
    databases.close()
    thread.join()
    assert failures
    busy.rollback()


class _StopError(Exception):
    pass


@pytest.mark.parametrize("sql", [ONE_STEP, ENDLESS])
def test_what_a_signal_handler_raises_reaches_the_caller(databases, sql):
    def handler(_number: int, _frame: object) -> None:
        raise _StopError

    transaction = databases.begin("reader")
    transaction.query("SELECT 1")
    number = pid(transaction)
    before = signal.signal(signal.SIGUSR1, handler)
    try:
        threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGUSR1)).start()
        began = time.monotonic()
        with pytest.raises(_StopError):
            transaction.query(sql)
        assert time.monotonic() - began < 5
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert ended(number)
    transaction.rollback()
    assert items(databases, "reader") == ["a"]


EXITS = """
import signal, sys, threading, os
from zenowasm.resources.databases.connections import Databases, DatabaseSettings
signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
databases = Databases({"main": DatabaseSettings(sys.argv[1], max_seconds=60)})
transaction = databases.begin("main")
transaction.query("SELECT 1")
threading.Timer(0.2, os.kill, (os.getpid(), getattr(signal, sys.argv[2]))).start()
try:
    transaction.query(sys.argv[3])
except KeyboardInterrupt:
    sys.exit(9)
"""


@pytest.mark.parametrize(("number", "code"), [("SIGTERM", 7), ("SIGINT", 9)])
@pytest.mark.parametrize("sql", [ONE_STEP, ENDLESS])
def test_exiting_in_the_middle_of_a_statement(file, number, code, sql):
    ending = run_python(EXITS, f"sqlite:///{file}", number, sql)
    assert (ending.code, ending.stderr) == (code, "")


OWN_SQLITE = """
import sqlite3, sys
from zenowasm.resources.databases.connections import Databases, DatabaseSettings
if sys.argv[1] == "yes":
    transaction = Databases({"main": DatabaseSettings("sqlite://")}).begin("main")
    transaction.query("SELECT 1")
    transaction.rollback()
own = sqlite3.connect(":memory:")
own.execute("CREATE TABLE t (a)")
for _ in range(350):
    own.execute("INSERT INTO t VALUES (zeroblob(1000000))")
print(own.execute("SELECT count(*) FROM t").fetchone()[0])
"""


@pytest.mark.parametrize("used", ["no", "yes"])
def test_the_host_programs_own_sqlite_is_as_it_was(used):
    ending = run_python(OWN_SQLITE, used)
    assert (ending.code, ending.stdout) == (0, "350\n"), ending.stderr


BUSY = """
import sys
from zenowasm.resources.databases.connections import Databases, DatabaseSettings
transaction = Databases({"main": DatabaseSettings(sys.argv[1], max_seconds=600)}).begin("main")
transaction.query("INSERT INTO item VALUES (2, 'b')")
print(transaction._session._process.pid, flush=True)
transaction.query(sys.argv[2])
"""


def test_it_ends_with_its_host(file, databases):
    ending = run_python(BUSY, f"sqlite:///{file}", ENDLESS, seconds=1.5)
    assert ending.killed
    assert ended(int(ending.stdout))
    assert items(databases) == ["a"]


@pytest.mark.parametrize("end", ["close", "forget"])
def test_no_process_is_left_behind(file, end):
    databases = Databases({"main": DatabaseSettings(f"sqlite:///{file}")})
    transaction = databases.begin("main")
    transaction.query("SELECT 1")
    number = pid(transaction)
    transaction.commit()
    assert not ended(number, 0.05)
    if end == "close":
        databases.close()
    else:
        del databases, transaction
        gc.collect()
    assert not Path(f"/proc/{number}").exists()
    assert not list(file.parent.glob("*-wal"))


def test_a_connection_in_use_is_closed_when_its_transaction_ends(databases):
    transaction = databases.begin("main")
    transaction.query("SELECT 1")
    databases.close()
    transaction.query("INSERT INTO item VALUES (2, 'b')")
    transaction.commit()
    assert ended(pid(transaction), 0.1)
    assert items(databases) == ["a", "b"]


def test_it_gets_no_variables_and_no_descriptors_of_the_host(databases, monkeypatch, tmp_path):
    monkeypatch.setenv("PGPASSWORD", "hunter2")
    monkeypatch.setenv("SECRET", "hunter2")
    with (tmp_path / "secret").open("w") as secret:
        os.set_inheritable(secret.fileno(), True)
        transaction = databases.begin("main")
        transaction.query("SELECT 1")
        folder = Path(f"/proc/{pid(transaction)}")
        assert b"hunter2" not in (folder / "environ").read_bytes()
        assert b"sqlite:" not in (folder / "cmdline").read_bytes()
        assert secret.name not in [os.readlink(link) for link in (folder / "fd").iterdir()]
        transaction.rollback()


def test_one_that_has_ended_is_replaced(databases):
    transaction = databases.begin("main")
    transaction.query("SELECT 1")
    number = pid(transaction)
    transaction.commit()
    os.kill(number, signal.SIGKILL)
    assert ended(number)
    assert items(databases) == ["a"]


def test_one_that_ends_in_a_statement_is_an_error(databases):
    transaction = databases.begin("reader")
    transaction.query("SELECT 1")
    threading.Timer(0.2, os.kill, (pid(transaction), signal.SIGKILL)).start()
    with pytest.raises(TransactionLostError, match=r"^the connection to the database is lost$"):
        transaction.query(ONE_STEP)
    transaction.rollback()


FORKS = """
import os, sys
from zenowasm.resources.databases.connections import Databases, DatabaseSettings
databases = Databases({"main": DatabaseSettings(sys.argv[1], read_only=True)})
def ask():
    transaction = databases.begin("main")
    value = transaction.query("SELECT name FROM item").rows[0]["name"]
    transaction.commit()
    return value
print(ask(), flush=True)
child = os.fork()
if not child:
    print(ask(), flush=True)
    sys.exit()
assert os.wait()[1] == 0
print(ask())
"""


def test_a_fork_of_the_host_has_connections_of_its_own(file):
    ending = run_python(FORKS, f"sqlite:///{file}")
    assert (ending.code, ending.stdout) == (0, "a\na\na\n"), ending.stderr


@pytest.mark.parametrize("written", ["b'x'", "b'\\xff' * 100", "b'\\0' * 5", "bytes(13)[:13] + b'junk'", "b''"])
def test_a_process_that_answers_nonsense_is_not_believed(monkeypatch, file, written):
    program = f"import os, time; os.write(0, {written}); os.close(0); time.sleep(60)"
    monkeypatch.setattr(process, "_PROGRAM", program)
    monkeypatch.setattr(process, "_OPENING", 0.5)
    databases = Databases({"main": DatabaseSettings(f"sqlite:///{file}", max_seconds=0.1)})
    with pytest.raises((DatabaseUnavailableError, TransactionLostError)):
        databases.begin("main").query("SELECT 1")


def test_a_process_that_answers_with_other_rows_than_json_is_not_believed(monkeypatch, file):
    program = """
import os, struct, time
for data in (b"", b"junk"):
    os.read(0, 65536)
    os.write(0, struct.pack(">IB?q", len(data), 0, True, -1) + data)
time.sleep(60)
"""
    monkeypatch.setattr(process, "_PROGRAM", program)
    databases = Databases({"main": DatabaseSettings(f"sqlite:///{file}")})
    with pytest.raises(TransactionLostError):
        databases.begin("main").query("SELECT 1")


def test_a_process_that_answers_a_byte_at_a_time_ends_at_the_limit(monkeypatch, file):
    program = """
import os, time
os.write(0, b"\\0\\0\\4\\0" + bytes(10))
while True:
    os.write(0, b"x")
    time.sleep(0.01)
"""
    monkeypatch.setattr(process, "_PROGRAM", program)
    monkeypatch.setattr(process, "_OPENING", 0.5)
    databases = Databases({"main": DatabaseSettings(f"sqlite:///{file}", max_seconds=0.1)})
    began = time.monotonic()
    with pytest.raises(DatabaseUnavailableError):
        databases.begin("main")
    assert time.monotonic() - began < 5


def test_a_process_that_cannot_be_started(monkeypatch, file, caplog):
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    with pytest.raises(DatabaseUnavailableError, match=r"^the database cannot be opened$"):
        Databases({"main": DatabaseSettings(f"sqlite:///{file}")}).begin("main")
    assert caplog.messages == ["database connection main: /nowhere/python: No such file or directory"]
