"""The audit log: what real guests ask for, on every engine, and the file that it is written to."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import resource
import stat
import subprocess
import sys
import threading
from contextlib import contextmanager

import pytest

from zenowasm.plugin import Host, HostEnvironment
from zenowasm.plugin.configuration.limits import PluginLimits
from zenowasm.plugin.errors import HostCallLimitError, SettingsError
from zenowasm.plugin.host_functions.log import Message
from zenowasm.plugin.host_functions.table import OPERATIONS
from zenowasm.plugin.observing.audit import AuditError, AuditFile, AuditRecord, audit_to_logging
from zenowasm.plugin.observing.audit_arguments import Shown, describe_error, public_url
from zenowasm.plugin.observing.instrumentation import Instrumentation
from zenowasm.plugin.observing.redaction import Redactor
from zenowasm.plugin.observing.trace import Decision
from zenowasm.resources.files.folder import Folder
from zenowasm.zenolang.scope import Scope


def record(**changes) -> AuditRecord:
    given = {
        "time": 0.0,
        "plugin": "p",
        "version": "1",
        "instance": 1,
        "call": "a-1",
        "phase": "plugin_execute",
        "slot": "p.s",
        "function": "env_get",
        "decision": Decision.ALLOWED,
        "error": "",
        "seconds": 0.001,
        "bytes_in": 1,
        "bytes_out": 2,
        "arguments": {"key": "K"},
    }
    return AuditRecord(**{**given, **changes})


def dropping(guest, function, text, length=None):
    """A guest that asks for one thing and succeeds whatever the host replies."""
    length = len(text.encode()) if length is None else length
    return guest(
        imports=f'(import "env" "{function}" (func $host (param i32 i32) (result i32)))',
        text=text,
        execute=f"(drop (call $host (i32.const 4096) (i32.const {length}))) (i32.const 65536)",
    )


@pytest.fixture
def audited(bench, guest):
    """Calls a guest that asks for one thing, and returns the records."""

    def call(function, text, *, scope=None, permissions=None, length=None, **services):
        records = []
        manager = bench.load(
            dropping(guest, function, text, length),
            permissions=permissions,
            instrumentation=Instrumentation(audit=records.append),
            **services,
        )
        manager.call("guest.run", scope=scope)
        return records

    return call


def test_an_allowed_call(audited):
    (seen,) = audited("host_scope_get", "name", scope=Scope({"name": "Zoë"}), permissions={"scope": ["read"]})
    assert (seen.plugin, seen.slot, seen.phase, seen.function) == ("guest", "guest.run", "plugin_execute", "scope_get")
    assert (seen.decision, seen.error, seen.arguments) == (Decision.ALLOWED, "", {"key": "name"})
    assert seen.bytes_in == 4
    assert seen.bytes_out == len('{"success":true,"data":{"value":"Zoë"}}'.encode())
    assert seen.version.startswith("1.0.0 (") and seen.instance == 1
    assert seen.seconds > 0


@pytest.mark.parametrize(
    ("function", "text", "decision", "error"),
    [
        ("host_scope_get", "name", Decision.DENIED, "plugin guest does not have scope read permission"),
        ("host_db_query", '{"connection":"c","sql":"SELECT 1"}', Decision.UNAVAILABLE, "database access not available"),
        ("host_db_query", '{"connection":', Decision.FAILED, "invalid request JSON: "),
        (
            "host_env_get",
            "HOME",
            Decision.DENIED,
            "plugin guest does not have permission to read the environment variable: HOME",
        ),
    ],
)
def test_a_call_that_is_not_done(audited, function, text, decision, error):
    (seen,) = audited(function, text, scope=Scope())
    assert seen.decision is decision
    assert seen.error.startswith(error)


def test_a_bad_pointer_is_recorded_too(audited):
    (seen,) = audited("host_file_read", "a", length=-1)
    assert (seen.decision, seen.error, seen.arguments) == (Decision.FAILED, "failed to read path", {})
    assert (seen.bytes_in, seen.bytes_out) == (0, 0)


def test_each_phase_is_recorded_with_its_name(bench, guest):
    records = []
    call = "(drop (call $host (i32.const 4096) (i32.const 1)))"
    text = guest(
        imports='(import "env" "host_env_get" (func $host (param i32 i32) (result i32)))',
        text="K",
        init=f"{call} i32.const 1024",
        register=f"{call} i32.const 2048",
        execute=f"{call} i32.const 65536",
        cleanup=call,
        extra=f'(func (export "_initialize") {call})',
    )
    manager = bench.load(text, instrumentation=Instrumentation(audit=records.append))
    manager.call("guest.run")
    manager.call("guest.run")
    manager.close()
    assert [(it.phase, it.slot) for it in records] == [
        ("_start", ""),
        ("plugin_init", ""),
        ("plugin_register_slots", ""),
        ("plugin_execute", "guest.run"),
        ("plugin_execute", "guest.run"),
        ("plugin_cleanup", ""),
    ]
    assert len({it.call for it in records}) == 6
    assert {it.decision for it in records} == {Decision.DENIED}


def test_a_limit_is_a_decision(bench, guest):
    records = []
    text = guest(
        imports='(import "env" "host_env_get" (func $host (param i32 i32) (result i32)))',
        text="K",
        execute="(loop $again (drop (call $host (i32.const 4096) (i32.const 1))) (br $again)) unreachable",
    )
    manager = bench.load(text, limits=PluginLimits(host_calls=3), instrumentation=Instrumentation(audit=records.append))
    with pytest.raises(HostCallLimitError):
        manager.call("guest.run")
    assert [it.decision for it in records] == [Decision.DENIED] * 3 + [Decision.LIMIT]
    assert len({it.call for it in records}) == 1


def test_a_written_file_by_its_path_and_size_only(audited, tmp_path):
    (tmp_path / "data").mkdir()
    with Folder.open(tmp_path) as files:
        request = json.dumps({"path": "data/a.txt", "content": "käse"})
        (seen,) = audited("host_file_write", request, permissions={"filesystem": ["data/*"]}, files=files)
    assert seen.decision is Decision.ALLOWED
    assert seen.arguments == {"path": "data/a.txt", "size": 5}
    assert "käse" not in seen.json()


SECRETS = Redactor({"API_KEY": "s3cr3t-value"})


@pytest.mark.parametrize(
    ("function", "argument", "described"),
    [
        ("env_get", "API_KEY", {"key": "API_KEY"}),
        ("scope_set", {"key": "k", "value": "never shown"}, {"key": "k"}),
        ("scope_set", {"key": 7}, {"key": "<int>"}),
        ("log", Message("info", b"text", 3), {"level": "info", "size": 7}),
        (
            "db_query",
            {"connection": "main", "sql": "SELECT ?", "params": ["hidden", 1]},
            {"connection": "main", "sql": "SELECT ?", "params": 2},
        ),
        ("db_query", {"sql": "x" * 2000}, {"connection": None, "sql": "x" * 1024 + "… (2000 characters)", "params": 0}),
        (
            "http_request",
            {"url": "https://me:pass@a.com/p/s3cr3t-value?key=abc&bare#frag", "headers": {"A": "hidden"}},
            {"method": "GET", "url": "https://a.com/p/<redacted:API_KEY>?key=…&…"},
        ),
        ("http_request", {"method": "PUT", "url": "x://u:p@h/?a=b"}, {"method": "PUT", "url": "x://h/?a=…"}),
        ("file_read", "s3cr3t-value.txt", {"path": "<redacted:API_KEY>.txt"}),
    ],
)
def test_arguments(function, argument, described):
    assert OPERATIONS[function].describe(argument, Shown(SECRETS)) == described


def test_a_secret_across_the_cut_is_redacted_first():
    shown = OPERATIONS["scope_get"].describe("k" * 250 + "s3cr3t-value", Shown(SECRETS))["key"]
    assert "s3cr" not in shown


def test_a_url_in_an_error_is_shown_as_among_the_arguments():
    url = "http://u:p@a.com/?token=abc"
    error = "plugin p does not have permission to access network: http://u:***@a.com/?token=abc"
    shown = describe_error(OPERATIONS["http_request"].describe, {"url": url}, error, SECRETS)
    assert shown == "plugin p does not have permission to access network: http://a.com/?token=…"


@pytest.mark.parametrize("url", ["", "?", "http://", "//@", "http://a.com/?a=b=c"])
def test_what_follows_a_question_mark_is_no_value(url):
    assert "c" not in public_url(url).partition("?")[2]


def test_records_as_json_lines(tmp_path):
    file = tmp_path / "audit.jsonl"
    sink = AuditFile(file)
    sink(record(error="ä\n", time=1e9))
    sink.close()
    sink(record())  # too late, and no error
    (line,) = file.read_bytes().splitlines()
    assert json.loads(line) == {
        "time": "2001-09-09T01:46:40.000Z",
        "plugin": "p",
        "version": "1",
        "instance": 1,
        "call": "a-1",
        "phase": "plugin_execute",
        "slot": "p.s",
        "function": "env_get",
        "decision": "allowed",
        "error": "ä\n",
        "seconds": 0.001,
        "bytes_in": 1,
        "bytes_out": 2,
        "arguments": {"key": "K"},
    }
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_files_rotate_within_their_size(tmp_path):
    file = tmp_path / "audit.jsonl"
    size = len(record().json()) + 1
    sink = AuditFile(file, max_bytes=2 * size, keep=2)
    for number in range(9):
        sink(record(instance=number))
    sink.close()
    kept = [[json.loads(line)["instance"] for line in (tmp_path / name).read_text().splitlines()] for name in
            ("audit.jsonl", "audit.jsonl.1", "audit.jsonl.2")]  # fmt: skip
    assert kept == [[8], [6, 7], [4, 5]]
    assert sorted(os.listdir(tmp_path)) == ["audit.jsonl", "audit.jsonl.1", "audit.jsonl.2"]
    assert all(stat.S_IMODE(it.stat().st_mode) == 0o600 for it in tmp_path.iterdir())


def test_without_older_files_it_begins_anew(tmp_path):
    sink = AuditFile(tmp_path / "a", max_bytes=1, keep=0)
    sink(record(instance=1))
    sink(record(instance=2))
    sink.close()
    assert [json.loads(it)["instance"] for it in (tmp_path / "a").read_text().splitlines()] == [2]
    assert os.listdir(tmp_path) == ["a"]


def test_lines_of_many_threads_stay_whole(tmp_path):
    file = tmp_path / "a"
    sink = AuditFile(file, max_bytes=20_000, keep=100)
    start = threading.Barrier(8)

    def write(thread):
        start.wait(30)
        for number in range(100):
            sink(record(instance=1000 * thread + number, error="e" * (number % 50)))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for it in threads:
        it.start()
    for it in threads:
        it.join(60)
    sink.close()
    lines = [line for it in tmp_path.iterdir() for line in it.read_text().splitlines()]
    assert sorted(json.loads(line)["instance"] for line in lines) == sorted(
        1000 * thread + number for thread in range(8) for number in range(100)
    )
    assert all(it.stat().st_size <= 20_000 for it in tmp_path.iterdir())


def test_a_file_has_one_writer(tmp_path):
    sink = AuditFile(tmp_path / "a")
    with pytest.raises(AuditError, match="another host writes it"):
        AuditFile(tmp_path / "a")
    sink.close()
    AuditFile(tmp_path / "a").close()


def test_a_file_that_cannot_be_opened(tmp_path):
    with pytest.raises(AuditError, match="No such file or directory"):
        AuditFile(tmp_path / "no" / "a")
    (tmp_path / "target").touch()
    (tmp_path / "link").symlink_to("target")
    with pytest.raises(AuditError):
        AuditFile(tmp_path / "link")


@contextmanager
def files_of_at_most(size):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_what_cannot_be_written_is_counted_and_told_once(tmp_path, caplog):
    sink = AuditFile(tmp_path / "a")
    with files_of_at_most(0):
        sink(record())
        sink(record())
    sink.close()
    assert sink.lost == 2
    assert [it.levelname for it in caplog.records] == ["ERROR"]


def test_half_a_record_ends_with_its_line(tmp_path):
    sink = AuditFile(tmp_path / "a")
    with files_of_at_most(100):
        sink(record(instance=1))
        sink(record(instance=2))
    sink(record(instance=3))
    sink.close()
    half, whole = (tmp_path / "a").read_text().splitlines()
    assert (len(half), sink.lost, json.loads(whole)["instance"]) == (100, 2, 3)


def test_half_a_record_of_an_earlier_host_ends_with_its_line(tmp_path):
    (tmp_path / "a").write_text('{"time": "20')
    sink = AuditFile(tmp_path / "a")
    sink(record(instance=1))
    sink(record(instance=2))
    sink.close()
    half, *whole = (tmp_path / "a").read_text().splitlines()
    assert (half, [json.loads(it)["instance"] for it in whole]) == ('{"time": "20', [1, 2])


def test_where_rotating_fails_the_old_file_goes_on(tmp_path, caplog):
    size = len(record().json()) + 1
    sink = AuditFile(tmp_path / "a", max_bytes=2 * size, keep=2)
    for number in (0, 1):
        sink(record(instance=number))
    descriptors = []
    with contextlib.suppress(OSError):
        while True:
            descriptors.append(os.dup(0))
    try:
        for number in range(2, 7):
            sink(record(instance=number))
    finally:
        for it in descriptors:
            os.close(it)
    assert os.listdir(tmp_path) == ["a"]
    sink(record(instance=7))
    sink.close()
    kept = [[json.loads(line)["instance"] for line in (tmp_path / name).read_text().splitlines()] for name in
            ("a", "a.1")]  # fmt: skip
    assert kept == [[7], [0, 1, 2, 3, 4, 5, 6]]
    assert sink.lost == 0
    assert [it.levelname for it in caplog.records] == ["WARNING"]


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: os.symlink("/dev/null", path)])
def test_only_a_regular_file_is_an_audit_log(tmp_path, make):
    make(tmp_path / "a")
    with pytest.raises(AuditError, match="cannot write the audit log"):
        AuditFile(tmp_path / "a")


@pytest.mark.parametrize(("seconds", "text"), [(1e12, "9999-12-31T23:59:59"), (-1e12, "0001-01-01T00:00:00")])
def test_a_clock_beyond_iso_8601(seconds, text):
    assert json.loads(record(time=seconds).json())["time"].startswith(text)


def test_records_to_logging(caplog):
    caplog.set_level(logging.INFO, "zenowasm.audit")
    audit_to_logging(record())
    audit_to_logging(record(decision=Decision.DENIED))
    assert [it.levelname for it in caplog.records] == ["INFO", "WARNING"]
    assert json.loads(caplog.records[1].getMessage())["decision"] == "denied"
    assert caplog.records[0].record == record()


def test_a_host_writes_the_file_that_its_settings_name(backend, bench, guest, tmp_path):
    bench.write(dropping(guest, "host_env_get", "K"))
    config = tmp_path / "plugins.yaml"
    file = tmp_path / "audit.jsonl"
    config.write_text(f"wasm:\n  audit: {{file: {file}, max_bytes: 1MiB, keep: 1}}\n")
    with Host(bench.folder, backend=backend, environment=HostEnvironment({}), config=config) as host:
        host.call("guest.run")
    (line,) = file.read_text().splitlines()
    assert json.loads(line)["arguments"] == {"key": "K"}
    with Host(bench.folder, backend=backend, environment=HostEnvironment({}), config=config):
        pass  # the file was closed, so it can be opened again


def test_settings_whose_file_cannot_be_written_are_wrong_there(bench, tmp_path):
    config = tmp_path / "plugins.yaml"
    config.write_text(f"wasm:\n  enabled: true\n  audit: {{file: {tmp_path}/no/a}}\n")
    with pytest.raises(SettingsError, match=r"plugins\.yaml:3: wasm\.audit: cannot write the audit log"):
        Host(environment=HostEnvironment({}), config=config)


def test_where_there_are_no_locks_only_the_file_is_missing(root, tmp_path):
    """As on Windows, which has no ``fcntl``; a process of its own, since modules are imported once."""
    code = """
import sys
sys.modules["fcntl"] = None
from zenowasm import Host
from zenowasm.plugin.observing.audit import AuditError
with Host(sys.argv[1]) as host:
    print(host.call("hello.greet", name="World")["message"])
try:
    Host(sys.argv[1], audit=sys.argv[2])
except AuditError as error:
    print(error)
"""
    audit = tmp_path / "audit.jsonl"
    arguments = [sys.executable, "-c", code, str(root / "examples" / "plugins"), str(audit)]
    done = subprocess.run(arguments, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == [
        "Hello, World!",
        f"cannot write the audit log {audit}: that needs Linux or macOS",
    ], done.stderr
