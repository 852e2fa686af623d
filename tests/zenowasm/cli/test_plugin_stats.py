"""``run --audit`` and ``plugin stats``, from files and from a running host."""

from __future__ import annotations

import json
import os

import attrs
import pytest

from zenowasm.frontends.admin.server import AdminServer
from zenowasm.frontends.admin.state import AdminState, write_state
from zenowasm.plugin import Host, HostEnvironment

TOKEN = "a-token-of-the-tests"


@pytest.fixture
def audited(zenowasm, examples):
    """An audit log of one call of the example plugin, which asks for a variable and logs."""
    folder = examples / "plugins"
    result = zenowasm("run", examples / "hello.zl", "--plugin-dir", folder, "--audit", "audit.jsonl")
    assert result.code == 0, result.err
    return zenowasm.folder / "audit.jsonl"


@pytest.fixture
def served(request, examples, tmp_path):
    """A state file of a host that has answered one call; its engine is the test's parameter, else the reference."""
    backend = getattr(request, "param", "reference")
    with (
        Host(examples / "plugins", backend=backend, environment=HostEnvironment({}), log=lambda record: None) as host,
        AdminServer(host, TOKEN, stats=lambda: attrs.asdict(host.stats())) as server,
    ):
        host.call("hello.greet", name="World")
        file = tmp_path / "state" / "admin.json"
        write_state(file, AdminState(server.url, TOKEN, os.getpid()))
        yield file


def test_run_writes_records(audited):
    records = [json.loads(line) for line in audited.read_text().splitlines()]
    assert [(it["function"], it["decision"]) for it in records] == [("scope_get", "failed"), ("log", "allowed")]
    assert {it["slot"] for it in records} == {"hello.greet"}
    assert len({it["call"] for it in records}) == 1


def test_run_says_when_it_cannot_write(zenowasm, examples):
    result = zenowasm("run", examples / "hello.zl", "--plugin-dir", examples / "plugins", "--audit", "no/a")
    assert result.code == 1
    assert result.error == "cannot write the audit log no/a: No such file or directory"


def test_stats_of_a_file(zenowasm, audited):
    result = zenowasm("plugin", "stats", "--audit", audited)
    assert result.code == 0
    assert result.out.startswith("2 records from 2")
    (log,) = (line.split() for line in result.out.splitlines() if " log " in line)
    assert log[:7] == ["hello", "log", "1", "0", "0", "0", "0"]


def test_stats_of_rotated_files_and_of_what_is_no_record(zenowasm, audited):
    line = audited.read_text().splitlines()[0]
    audited.with_name("audit.jsonl.1").write_text(f"{line}\n[1]\nnonsense\n{{}}\n")
    audited.with_name("audit.jsonl.2").write_text(f"{line}\n{line.replace('failed', 'invented')}\n")
    audited.with_name("audit.jsonl.4").write_text(f"{line}\n")
    told = zenowasm("plugin", "stats", "--audit", audited, "--json").json
    assert (told["records"], told["unreadable"]) == (4, 4)
    counted = {it["function"]: it["decisions"] for it in told["functions"]}
    assert counted == {"log": {"allowed": 1}, "scope_get": {"failed": 3}}


def test_a_file_that_is_not_there(zenowasm):
    result = zenowasm("plugin", "stats", "--audit", "nothing")
    assert (result.code, result.error) == (1, "cannot read the audit log nothing: No such file or directory")


def test_names_in_a_log_cannot_drive_a_terminal(zenowasm, audited):
    line = json.loads(audited.read_text().splitlines()[0])
    audited.write_text(json.dumps({**line, "plugin": "\x1b[2J[red]x"}) + "\n")
    out = zenowasm("plugin", "stats", "--audit", audited).out
    assert "\x1b" not in out and "\\x1b[2J[red]x" in out


def test_stats_of_a_running_host(zenowasm, served):
    result = zenowasm("plugin", "stats", "--state", served)
    assert result.code == 0
    assert "hello on reference: 1 instances, 0 recycled; 0 reloads, 0 failed" in result.out
    (called,) = (line.split() for line in result.out.splitlines() if line.split()[:3] == ["hello.greet", "1", "0"])
    assert called
    told = zenowasm("plugin", "stats", "--json", variables={"ZENO_ADMIN_STATE": str(served)}).json
    (slot,) = told["plugins"][0]["slots"]
    assert (slot["name"], slot["successes"]) == ("hello.greet", 1)


@pytest.mark.parametrize(
    ("served", "counted"), [("reference", True), ("wasmtime", False)], indirect=["served"], ids=["counted", "not"]
)
def test_fuel_that_was_not_counted_is_no_number(zenowasm, served, counted):
    told = zenowasm("plugin", "stats", "--state", served, "--json").json["plugins"]
    (fuel,) = (slot["fuel"] for plugin in told if plugin["plugin"] == "hello" for slot in plugin["slots"])
    assert fuel > 100 if counted else fuel is None
    out = zenowasm("plugin", "stats", "--state", served).out
    (called,) = (line.split() for line in out.splitlines() if line.split()[:3] == ["hello.greet", "1", "0"])
    assert called[-1] == (str(fuel) if counted else "-")


def test_a_wrong_token(zenowasm, served):
    result = zenowasm("plugin", "stats", "--state", served, variables={"ZENO_ADMIN_TOKEN": "another-token-it-is"})
    assert result.code == 1
    assert "answered 401" in result.error


def test_a_host_that_is_gone(zenowasm, tmp_path):
    write_state(tmp_path / "admin.json", AdminState("http://127.0.0.1:1", TOKEN, 1))
    result = zenowasm("plugin", "stats", "--state", "admin.json")
    assert (result.code, "is it still running?" in result.error) == (1, True)
