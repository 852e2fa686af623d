"""``host_db_query`` through real guests on every engine, against a SQLite file and a PostgreSQL server."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Iterator

import pytest

from zenowasm.interp.errors import Trap, TrapCode
from zenowasm.plugin.access.permissions import Permissions
from zenowasm.plugin.call import RunningCall
from zenowasm.plugin.configuration.limits import PluginLimits
from zenowasm.plugin.errors import CommitError, GuestTrapError, LoadError, PluginError, TimeLimitError
from zenowasm.plugin.host_functions.context import HostContext
from zenowasm.plugin.host_functions.db import query
from zenowasm.plugin.observing.log import PluginLog
from zenowasm.plugin.services import HostServices, given
from zenowasm.resources.databases.connections import Databases, DatabaseSettings

MAIN = {"database": ["main"]}
DENIED = "plugin guest does not have permission to access database: main"
IMPORTS = (
    '(import "env" "host_db_query" (func $host (param i32 i32) (result i32)))'
    '(import "env" "host_log" (func $log (param i32 i32 i32 i32)))'
)
SHOW = """(func $show (param i32) (local $n i32)
    (loop $l (if (i32.load8_u (i32.add (local.get 0) (local.get $n)))
      (then (local.set $n (i32.add (local.get $n) (i32.const 1))) (br $l))))
    (call $log (i32.const 0) (i32.const 0) (local.get 0) (local.get $n)))"""


@pytest.fixture(params=["sqlite", "postgresql"])
def databases(request, tmp_path) -> Iterator[Databases]:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path}/test.db"
    else:
        url = request.getfixturevalue("postgres_url")
    made = Databases({"main": DatabaseSettings(url, max_rows=10, max_bytes=1000), "secret": DatabaseSettings(url)})
    change(made, "CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT)")
    yield made
    made.close()


def change(databases, *statements):
    transaction = databases.begin("main")
    for statement in statements:
        transaction.query(statement)
    transaction.commit()


def items(databases):
    transaction = databases.begin("main")
    rows = transaction.query("SELECT id FROM item ORDER BY id").rows
    transaction.rollback()
    return [row["id"] for row in rows]


def request(sql, params=None, connection="main"):
    return json.dumps({"connection": connection, "sql": sql, "params": params})


def insert(number, connection="main"):
    return request("INSERT INTO item VALUES (?, 'x')", [number], connection)


def doing(*requests):
    """The text of all requests, and the code that makes them and logs each reply."""
    code, text = "", ""
    for each in requests:
        at = 4096 + len(text.encode())
        code += f"(call $show (call $host (i32.const {at}) (i32.const {len(each.encode())})))"
        text += each
    return text, code


def replies(bench):
    return [json.loads(message) for level, message in bench.lines if level == "info"]


def test_rows(bench, ask, databases):
    change(databases, "INSERT INTO item VALUES (1, 'ä'), (2, NULL)")
    sql = "SELECT id, name FROM item WHERE id > ? ORDER BY id"
    for params, expected in ([[0], [{"id": 1, "name": "ä"}, {"id": 2, "name": None}]], [[9], []]):
        manager = bench.load(ask("host_db_query", request(sql, params)), permissions=MAIN, databases=databases)
        assert manager.call("guest.run").data == {"rows": expected}
        manager.close()


def test_named_parameters_and_changes(bench, ask, databases):
    text = request("INSERT INTO item VALUES (:id, :name)", {"id": 5, "name": "'; DROP TABLE item; --"})
    manager = bench.load(ask("host_db_query", text), permissions=MAIN, databases=databases)
    assert manager.call("guest.run").data == {"rows": [], "affected": 1}
    assert items(databases) == [5]


@pytest.mark.parametrize(
    ("text", "permissions", "length", "error"),
    [
        (request("SELECT 1"), {}, None, DENIED),
        (request("SELECT 1"), {"database": ["MAIN", "mai", "*", "secret"]}, None, DENIED),
        ('{"connection":"main"', {}, None, "invalid request JSON: Expecting ',' delimiter at byte 20"),
        ("[]", {}, None, "invalid request JSON: expected an object"),
        ('{"connection":1}', MAIN, None, "invalid request JSON: connection is not a string"),
        ('{"connection":"main","sql":1}', MAIN, None, "invalid request JSON: sql is not a string"),
        (request("SELECT 1", "x"), MAIN, None, "invalid request JSON: params is neither a list nor an object"),
        (request("SELECT 1"), MAIN, -1, "failed to read request"),
        ("{}", MAIN, None, "plugin guest does not have permission to access database: "),
        (request("SELECT 1", None, "no"), {"database": ["no"]}, None, "database connection not found: no"),
        (request(""), MAIN, None, "the SQL is empty"),
        (request("COMMIT"), MAIN, None, "COMMIT statements are not permitted"),
        (request("SELECT 1; SELECT 2"), MAIN, None, "only one statement is permitted"),
        (request("SELECT ?", [2**70]), MAIN, None, "parameter 1 is beyond 64 bits; pass it as a string"),
        (request("SELECT ?", ["x" * 1001]), MAIN, None, "the result is larger than 1000 bytes"),
        (
            request("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"),
            MAIN,
            None,
            "the result has more than 10 rows",
        ),
    ],
)
def test_failures(bench, ask, databases, text, permissions, length, error):
    guest = ask("host_db_query", text, length=length)
    response = bench.load(guest, permissions=permissions, databases=databases).call("guest.run")
    assert not response.success
    assert response.error == error


@pytest.mark.parametrize("permissions", [{}, MAIN])
def test_a_host_without_databases_says_so_before_it_looks_at_permissions(bench, ask, permissions):
    response = bench.load(ask("host_db_query", request("SELECT 1")), permissions=permissions).call("guest.run")
    assert response.error == "database access not available"


def test_the_drivers_text(bench, ask, databases, request_kind):
    text = request("SELECT * FROM missing")
    response = bench.load(ask("host_db_query", text), permissions=MAIN, databases=databases).call("guest.run")
    expected = {"sqlite": "no such table: missing", "postgresql": 'relation "missing" does not exist'}
    assert response.error == expected[request_kind]


@pytest.fixture
def request_kind(request):
    return request.node.callspec.params["databases"]


def test_the_queries_of_a_call_are_one_transaction_that_success_commits(bench, guest, databases):
    count = request("SELECT count(*) AS n FROM item")
    text, code = doing(insert(1), count, insert(1), insert(2), count)
    changes = {"imports": IMPORTS, "extra": SHOW, "text": text, "execute": code + "(i32.const 65536)"}
    manager = bench.load(guest(**changes), permissions=MAIN, databases=databases)
    assert manager.call("guest.run").success
    got = replies(bench)
    assert [reply["success"] for reply in got] == [True, True, False, True, True]
    assert [got[1]["data"], got[4]["data"]] == [{"rows": [{"n": 1}]}, {"rows": [{"n": 2}]}]
    assert items(databases) == [1, 2]


@pytest.mark.parametrize(
    ("response", "ending"),
    [
        ('{"success":false,"error":"no"}', "(i32.const 65536)"),
        ("{}", "(i32.const 65536)"),
        ("not JSON", "(i32.const 65536)"),
        ("", "(i32.const -1)"),
        ("", "unreachable"),
        ("", "(loop $l (br $l)) (i32.const 0)"),
    ],
)
def test_a_call_that_does_not_succeed_is_rolled_back(bench, guest, databases, response, ending):
    text, code = doing(insert(1), insert(2))
    changes = {"imports": IMPORTS, "extra": SHOW, "text": text, "execute": code + ending, "response": response}
    manager = bench.load(
        guest(**changes), permissions=MAIN, databases=databases, limits=PluginLimits(seconds=20, fuel=1_000_000)
    )
    for _ in range(2):  # the second call would wait for a lock that the first has kept
        try:
            assert not manager.call("guest.run").success
        except PluginError:
            assert ending != "(i32.const 65536)" or response == "not JSON"
    assert [reply["success"] for reply in replies(bench)] == [True] * 4
    assert items(databases) == []


def test_a_commit_that_fails_is_the_calls_failure(bench, guest, databases):
    """The constraint is deferred, so nothing but the commit can see that it does not hold."""
    change(
        databases,
        "CREATE TABLE part (item INTEGER REFERENCES item(id) DEFERRABLE INITIALLY DEFERRED)",
    )
    text, code = doing(insert(1), request("INSERT INTO part VALUES (7)"))
    changes = {"imports": IMPORTS, "extra": SHOW, "text": text, "execute": code + "(i32.const 65536)"}
    manager = bench.load(guest(**changes), permissions=MAIN, databases=databases)
    for _ in range(2):
        with pytest.raises(CommitError, match=r"^failed to commit: .*(?i:foreign key constraint)"):
            manager.call("guest.run")
    assert [reply["success"] for reply in replies(bench)] == [True] * 4
    assert items(databases) == []


def test_a_query_ends_with_the_time_of_the_call(bench, ask, databases):
    endless = request("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n")
    manager = bench.load(
        ask("host_db_query", endless), permissions=MAIN, databases=databases, limits=PluginLimits(seconds=1.0)
    )
    with pytest.raises(TimeLimitError, match=r"failed to call guest\.plugin_execute"):
        manager.call("guest.run")
    assert items(databases) == []


def test_a_guest_does_not_see_that_the_time_is_up(databases):
    """Else it would be chance which of the two errors a script gets."""
    log = PluginLog("guest", lambda record: None, PluginLimits())
    services = HostServices(databases=given(databases))
    context = HostContext("guest", Permissions.of(database=["main"]), log, services, PluginLimits())
    context.call = RunningCall(deadline=0.0)
    with pytest.raises(Trap) as caught:
        query(context, {"connection": "main", "sql": "SELECT 1"})
    assert caught.value.code is TrapCode.INTERRUPTED
    context.call.finish()


@pytest.mark.parametrize("phase", ["init", "register", "execute", "cleanup", "start"])
@pytest.mark.parametrize("permissions", [{}, MAIN])
def test_permissions_hold_in_every_phase(bench, guest, databases, phase, permissions):
    text, code = doing(insert(1))
    bodies = {
        "init": {"init": code + "(i32.const 1024)"},
        "register": {"register": code + "(i32.const 2048)"},
        "execute": {"execute": code + "(i32.const 65536)"},
        "cleanup": {"cleanup": code},
        "start": {"extra": f"(func $start {code}) (start $start)"},
    }
    changes = {"imports": IMPORTS, "text": text, **bodies[phase]}
    changes["extra"] = SHOW + changes.get("extra", "")
    manager = bench.load(guest(**changes), permissions=permissions, databases=databases)
    if phase == "execute":
        manager.call("guest.run")
    manager.close()
    (reply,) = replies(bench)
    if permissions:
        assert reply == {"success": True, "data": {"rows": [], "affected": 1}}
        assert items(databases) == [1]
    else:
        assert reply == {"success": False, "error": DENIED}
        assert items(databases) == []


def test_what_a_phase_did_before_it_failed_is_rolled_back(bench, guest, databases):
    text, code = doing(insert(1))
    changes = {"imports": IMPORTS, "extra": SHOW, "text": text, "init": code + "unreachable"}
    with pytest.raises(LoadError, match="unreachable") as caught:
        bench.load(guest(**changes), permissions=MAIN, databases=databases)
    assert isinstance(caught.value.__cause__, GuestTrapError)
    assert replies(bench) == [{"success": True, "data": {"rows": [], "affected": 1}}]
    assert items(databases) == []


def test_each_connection_has_its_own_transaction(bench, guest, tmp_path):
    files = {name: DatabaseSettings(f"sqlite:///{tmp_path}/{name}.db") for name in ("main", "other")}
    databases = Databases(files)
    for name in files:
        transaction = databases.begin(name)
        transaction.query("CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT)")
        transaction.commit()
    text, code = doing(insert(1), insert(2, "other"), insert(3))
    changes = {"imports": IMPORTS, "extra": SHOW, "text": text, "execute": code + "(i32.const 65536)"}
    permissions = {"database": ["main", "other"]}
    bench.load(guest(**changes), permissions=permissions, databases=databases).call("guest.run")
    assert items(databases) == [1, 3]
    transaction = databases.begin("other")
    assert transaction.query("SELECT id FROM item").rows == [{"id": 2}]
    transaction.rollback()
    databases.close()


class _StopError(Exception):
    pass


def test_what_a_signal_handler_raises_in_a_statement_reaches_the_caller(bench, ask, databases):
    def handler(_number: int, _frame: object) -> None:
        raise _StopError

    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    manager = bench.load(ask("host_db_query", request(endless)), permissions=MAIN, databases=databases)
    change(databases, "INSERT INTO item VALUES (1, 'x')")
    before = signal.signal(signal.SIGUSR1, handler)
    try:
        threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGUSR1)).start()
        with pytest.raises(_StopError):
            manager.call("guest.run")
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert items(databases) == [1]
