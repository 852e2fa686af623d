"""What the settings file lets plugins have, with a real database and real files, and what it takes from them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from zenowasm.plugin import Host, HostEnvironment
from zenowasm.plugin.configuration.limits import LimitSource
from zenowasm.plugin.configuration.settings import parse_settings
from zenowasm.plugin.errors import NotAdmittedError, NotListedError, SettingsError
from zenowasm.plugin.provisions import Provision, Provisions

CREATE = json.dumps({"connection": "default", "sql": "create table t (a)"})
READ = "notes.txt"
FILE = Path("plugins.yaml")


@pytest.fixture
def host(bench, backend, tmp_path, monkeypatch):
    """Open a host on the plugins that a test wrote, in a current folder of its own."""
    project = tmp_path / "project"
    project.mkdir()
    monkeypatch.chdir(project)
    opened = []

    def host(text="", variables=None):
        made = Host(
            bench.folder,
            backend=backend,
            lazy=False,
            environment=HostEnvironment(variables or {}),
            config=parse_settings(text, FILE),
            log=bench.log.append,
        )
        opened.append(made)
        return made

    yield host
    for made in opened:
        made.close()


def answer(host):
    response = host.manager.call("guest.run")
    return response.data if response.success else response.error


def test_the_default_database_is_a_file_that_is_made_when_it_is_used(bench, ask, host):
    bench.write(ask("host_db_query", CREATE), permissions={"database": ["default"]})
    opened = host()
    assert not Path("zeno.db").exists()
    assert answer(opened) == {"rows": []}
    assert Path("zeno.db").exists()


def test_a_plugin_that_does_not_ask_gets_nothing(bench, ask, host):
    bench.write(ask("host_db_query", CREATE))
    assert "does not have permission to access database: default" in answer(host())
    assert not Path("zeno.db").exists()


def test_databases_by_name(bench, ask, host):
    bench.write(ask("host_db_query", CREATE), permissions={"database": ["default"]})
    settings = 'wasm: {databases: {default: {url: "sqlite:///${NAME}.db"}}}'
    assert answer(host(settings, {"NAME": "orders"})) == {"rows": []}
    assert Path("orders.db").exists()
    assert "database connection not found: default" in answer(host("wasm: {databases: {}}"))


def test_files_below_a_root(bench, ask, host):
    bench.write(ask("host_file_read", READ), permissions={"filesystem": ["notes.txt"]})
    Path("data").mkdir()
    Path("data/notes.txt").write_text("in data")
    Path("notes.txt").write_text("in the project")
    assert answer(host()) == {"content": "in the project"}
    assert answer(host("wasm: {files: {root: data}}")) == {"content": "in data"}


def test_what_is_not_allowed_is_denied_whatever_a_manifest_says(bench, ask, host):
    Path("notes.txt").write_text("text")
    bench.write(ask("host_file_read", READ), permissions={"filesystem": ["*"]})
    error = answer(host("wasm: {security: {allow_filesystem: false}}"))
    denied = "plugin guest does not have permission to read file: notes.txt"
    assert error == f"{denied} (the host's settings deny it: wasm.security.allow_filesystem)"
    request = json.dumps({"method": "GET", "url": "http://127.0.0.1:1/"})
    bench.write(ask("host_http_request", request), permissions={"network": ["http://127.0.0.1:1/*"]})
    error = answer(host("wasm: {security: {allow_network: false}}"))
    denied = "plugin guest does not have permission to access network: http://127.0.0.1:1/"
    assert error == f"{denied} (the host's settings deny it: wasm.security.allow_network)"
    assert "permission" not in answer(host())


def test_a_plugin_that_only_the_settings_know_is_a_warning(bench, guest, host):
    bench.write(guest())
    host("wasm: {plugins: {guset: {limits: {max_fuel: 5}}, guest: {limits: {max_fuel: 500000}}}}")
    assert bench.lines == [
        ("warn", "plugins.yaml: wasm.plugins.guset: no plugin of that name was found; did you mean guest?")
    ]


def only_problem(host):
    (problem,) = host.problems
    assert not host.plugins
    return problem.error


def test_the_whitelist(bench, guest, host):
    bench.write(guest())
    error = only_problem(host("wasm:\n  whitelist: [other]\n"))
    assert isinstance(error, NotListedError)
    assert str(error) == "plugin guest is not on the whitelist: add it at plugins.yaml:2: wasm.whitelist"
    assert bench.lines == [("info", str(error))]
    assert only_problem(host("wasm: {whitelist: []}"))
    assert set(host("wasm: {whitelist: [other, guest]}").plugins) == {"guest"}


def test_a_reload_leaves_alone_what_is_not_on_the_whitelist(bench, guest, host):
    bench.write(guest())
    bench.write(guest(slots='[{"name":"other.run"}]'), name="other")
    opened = host("wasm: {whitelist: [other]}")
    report = opened.reload()
    assert report.ok
    assert [it.plugin for it in report.changes] == ["other"]
    assert [type(it.error) for it in opened.problems] == [NotListedError]
    assert [level for level, _ in bench.lines] == ["info"]


def test_strict_mode(bench, guest, host):
    bench.write(guest(), more="licence: MIT\n")
    assert set(host().plugins) == {"guest"}
    error = only_problem(host("wasm: {security: {strict_mode: true}}"))
    assert isinstance(error, NotAdmittedError)
    assert "manifest.yaml:5: licence: unknown key, ignored; did you mean license?" in str(error)


@pytest.mark.parametrize("text", ["{allow_network: false}", "{allow_filesystem: false}"])
def test_a_process_cannot_be_held_back_so_it_does_not_load(bench, guest, host, text):
    bench.write(guest(), more="type: sidecar\n")
    error = only_problem(host(f"wasm: {{security: {text}}}"))
    assert isinstance(error, NotAdmittedError)
    assert "cannot be kept from network and files" in str(error)


def test_limits_of_a_host_of_a_plugin_and_of_a_manifest(bench, guest, host):
    settings = "wasm: {limits: {max_fuel: 100}, plugins: {guest: {limits: {max_fuel: 9000, max_log: 1kB}}}}"
    limits = host(settings).manager.services.limits
    bench.write(guest(), more="limits: {max_fuel: 5000, max_log: 5MB}\n")
    opened = host(settings)
    generation = opened.plugins["guest"]
    made = opened.manager.services.policy.plugin_limits(generation.manifest, limits)
    assert (made.fuel, made.source("fuel")) == (5000, LimitSource.MANIFEST)
    assert (made.log_bytes, made.source("log_bytes")) == (1000, LimitSource.PLUGIN_CONFIG)


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("wasm:\n  files: {root: none}\n", 2, "wasm.files.root: cannot open the folder none: No such file"),
        ("wasm:\n  files:\n    root: none\n", 3, "wasm.files.root: cannot open the folder none: No such file"),
        ("wasm:\n  http:\n    ca_file: none.pem\n", 2, "wasm.http: "),
        (
            "wasm:\n  databases:\n    a.b:\n      read_only: true\n      url: ${NONE}\n",
            5,
            "wasm.databases.a.b.url: set the environment variable NONE",
        ),
        ("wasm:\n  databases:\n    a: {url: 'mysql://secret'}\n", 3, "wasm.databases.a: a database URL begins with"),
    ],
)
def test_what_cannot_be_provided_is_an_error_of_the_settings(tmp_path, monkeypatch, text, line, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SettingsError) as caught:
        Provisions(parse_settings(text, FILE), {})
    assert (caught.value.file, caught.value.line) == (FILE, line)
    assert message in str(caught.value)
    assert "secret" not in str(caught.value)


class Resource:
    closed = 0

    def close(self):
        self.closed += 1


def test_a_resource_is_made_once_when_it_is_asked_for_and_closed_if_it_was_made():
    made = []
    provision = Provision(lambda: made.append(Resource()) or made[-1])
    provision.close()
    assert not made
    assert provision() is provision() is made[0]
    provision.close()
    assert (len(made), made[0].closed) == (1, 1)
    nothing = Provision(lambda: made.append(None))
    assert (nothing(), nothing()) == (None, None)
    assert len(made) == 2
    nothing.close()


def test_the_folder_of_files_is_the_one_in_which_the_host_was_opened(bench, ask, host, tmp_path, monkeypatch):
    bench.write(ask("host_file_read", READ), permissions={"filesystem": ["*"]})
    opened = host()
    Path(READ).write_text("here")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert answer(opened) == {"content": "here"}
