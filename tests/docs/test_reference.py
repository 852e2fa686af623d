"""The lists of the documentation against the sources: what is there is listed, and what is listed is there."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any

import attrs
import click
import pytest
from docs.blocks import ROOT

from zenowasm.backends.cache import DEFAULT_BYTES
from zenowasm.cli.main import cli
from zenowasm.frontends.admin import routes
from zenowasm.frontends.dap.adapter import REQUESTS
from zenowasm.frontends.dap.arguments import Launch, protocol_name
from zenowasm.frontends.gdb.server import PACKETS
from zenowasm.frontends.gdb.wire import INTERRUPT
from zenowasm.frontends.terminal import COMMANDS
from zenowasm.plugin import Host, PluginLimits, errors
from zenowasm.plugin.configuration.limits import FIELDS, LimitSettings, show_limit
from zenowasm.plugin.configuration.manifest import ConfigParameter, Manifest, PermissionLists, Requires, Sidecar
from zenowasm.plugin.configuration.settings import (
    Audit,
    CacheSettings,
    DatabaseEntry,
    Files,
    ForPlugin,
    Http,
    Security,
    Settings,
    TelemetrySettings,
)
from zenowasm.plugin.configuration.typed import NOT_IN_FILE
from zenowasm.plugin.guest.abi import EXPORTS, MEMORY
from zenowasm.plugin.host_functions.table import OPERATIONS, PREFIX
from zenowasm.recordings import events
from zenowasm.recordings.player import _ACTIONS
from zenowasm.resources.databases.settings import DatabaseSettings
from zenowasm.resources.http.client import HttpSettings
from zenowasm.testing import pytest_plugin
from zenowasm.toolchains.languages import LANGUAGES
from zenowasm.tools.features import FEATURES, GROUPS

SETTINGS = {
    "security": Security,
    "plugins.NAME": ForPlugin,
    "databases.NAME": DatabaseEntry,
    "files": Files,
    "http": Http,
    "audit": Audit,
    "telemetry": TelemetrySettings,
    "cache": CacheSettings,
}
MANIFEST = {"requires": Requires, "permissions": PermissionLists, "config.NAME": ConfigParameter, "sidecar": Sidecar}


def section(page: str, heading: str) -> str:
    """The text below a heading, up to the next of its kind."""
    text = (ROOT / "docs" / page).read_text()
    found = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found, heading
    return found[1]


def rows(page: str, heading: str) -> Iterator[list[str]]:
    """The cells of every row of the tables below a heading, without the heads."""
    for line in section(page, heading).splitlines():
        if line.startswith("|") and not line.startswith("|---"):
            yield [cell.strip() for cell in line.strip("|").split("|")]


def named(page: str, heading: str, column: int = 0) -> dict[str, list[str]]:
    """The rows by what stands in backticks in one of their columns; a row may name several."""
    return {name: row for row in rows(page, heading) for name in re.findall(r"`([^`]+)`", row[column])}


def keys(cls: type[Any], parts: dict[str, type[Any]]) -> set[str]:
    """The keys of a document, with those of its parts after a dot."""
    tops = {name.split(".")[0] for name in parts}
    found = {it.name for it in fields(cls)} - tops
    return found | {f"{part}.{it.name}" for part, inner in parts.items() for it in fields(inner)}


def fields(cls: type[Any]) -> list[Any]:
    return [it for it in attrs.fields(cls) if not it.metadata.get(NOT_IN_FILE)]


def test_manifest() -> None:
    assert set(named("plugin-author.md", "Manifest")) - {"wasm", "sidecar"} == keys(Manifest, MANIFEST) | {"slots"}


def test_settings() -> None:
    found = named("host-operator.md", "Settings")
    assert set(found) == keys(Settings, SETTINGS)
    for part, cls in SETTINGS.items():
        for it in fields(cls):
            if isinstance(it.default, bool | int):
                assert found[f"{part}.{it.name}"][1] == f"`{str(it.default).lower()}`"


def test_defaults_of_resources() -> None:
    found = named("host-operator.md", "Settings")
    http, database = HttpSettings(), DatabaseSettings("sqlite:///a")
    size, time = "max_memory", "max_execution_time"
    assert {
        name: found[name][1].strip("`") for name in found if name.startswith(("http.max", "databases.NAME.max"))
    } == {
        "http.max_seconds": show_limit(time, http.seconds),
        "http.max_request": show_limit(size, http.request_bytes),
        "http.max_response": show_limit(size, http.response_bytes),
        "http.max_redirects": str(http.redirects),
        "databases.NAME.max_rows": str(database.max_rows),
        "databases.NAME.max_bytes": show_limit(size, database.max_bytes),
        "databases.NAME.max_seconds": show_limit(time, database.max_seconds),
    }


def test_default_of_the_cache() -> None:
    assert named("host-operator.md", "Settings")["cache.max_bytes"][1].strip("`") == show_limit(
        "max_memory", DEFAULT_BYTES
    )


def test_limits_of_documents() -> None:
    found = named("plugin-author.md", "Limits")
    assert set(found) == {it.name for it in attrs.fields(LimitSettings)} == set(FIELDS)
    for key, row in found.items():
        assert row[1].strip("`") == show_limit(key, getattr(PluginLimits(), FIELDS[key]))
    text = section("host-operator.md", "Limits")
    assert all(f"`{key}`" in text for key in FIELDS)


def test_limits_of_the_api() -> None:
    found = named("python-api.md", "Limits")
    assert set(found) == {it.name for it in attrs.fields(PluginLimits)} - {"sources"}
    key_of = {name: f"`{key}`" for key, name in FIELDS.items()}
    for name, row in found.items():
        assert row[1] == f"`{getattr(PluginLimits(), name)}`"
        assert row[2] == key_of.get(name, "")


def test_launch_configuration() -> None:
    found = named("editors.md", "Launch configuration")
    assert list(found) == [protocol_name(it.name) for it in attrs.fields(Launch)]


def test_requests_of_the_debug_adapter() -> None:
    listed = [name for row in rows("editors.md", "Requests") for name in re.findall(r"`([^`]+)`", row[0])]
    assert sorted(listed) == sorted(REQUESTS)


def test_packets_of_the_gdb_server() -> None:
    listed = [name for row in rows("lldb.md", "Packets") for name in re.findall(r"`([^`]+)`", row[0])]
    assert sorted([*listed, INTERRUPT]) == sorted(PACKETS)


def test_the_command_line() -> None:
    def walk(command: click.Command, path: str) -> Iterator[str]:
        if not isinstance(command, click.Group):
            yield path
            return
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from walk(inner, f"{path} {name}")

    assert set(named("README.md", "The command line")) == set(walk(cli, "zenowasm"))


def test_arguments_and_attributes_of_the_host() -> None:
    found = set(named("python-api.md", "The host"))
    arguments = set(inspect.signature(Host.__init__).parameters) - {"self"}
    attributes = {name for name in vars(Host) if not name.startswith("_")} | {"manager"}
    assert found - {"HostEnvironment", "Host"} == arguments | attributes


def test_errors() -> None:
    there = {
        name
        for name, cls in vars(errors).items()
        if isinstance(cls, type) and issubclass(cls, errors.PluginError) and name != "PluginError"
    }
    assert set(named("python-api.md", "Errors")) == there


def test_fixtures() -> None:
    there = {name for name in vars(pytest_plugin) if name.startswith("zeno_")}
    assert set(named("plugin-author.md", "Testing")) == there | {"zeno_backend"}  # which each test has as a parameter


def test_host_functions_and_exports() -> None:
    functions = {PREFIX + name for name in OPERATIONS}
    assert {row[0].strip("`") for row in rows("plugin-author.md", "Host functions")} >= functions
    assert {it for it in named("plugin-author.md", "Host functions") if it.startswith(PREFIX)} == functions
    assert set(named("plugin-author.md", "Exports")) == {name for name in EXPORTS if name[0] != "_"} | {MEMORY}


def test_languages() -> None:
    assert set(named("plugin-author.md", "Languages")) - {"--lang"} == set(LANGUAGES)


def test_events_of_recordings() -> None:
    found = named("recordings.md", "Format")
    kinds = {name: int(row[1]) for name, row in found.items() if len(row) == 3 and row[1].isdigit() and "`" in row[0]}
    there = {name.lower(): getattr(events, name.upper()) for name in kinds}
    assert kinds == there
    assert set(_ACTIONS) - {"call"} <= set(found)


def test_commands_of_the_debugger() -> None:
    assert set(named("plugin-author.md", "Debugging")) == {command.usage for command in COMMANDS}


@pytest.mark.parametrize("extra", ["wasmtime", "db", "http", "watch", "otel", "build", "bench", "all"])
def test_extras(extra: str) -> None:
    assert extra in named("host-operator.md", "Installing")


def test_environment() -> None:
    found = set(named("host-operator.md", "Environment")) - {"true", "1"}
    texts = "".join(path.read_text() for path in (ROOT / "zenowasm").rglob("*.py"))
    set_by_the_host = {"ZENO_PLUGIN_NAME", "ZENO_SIDECAR"}  # for a plugin that is a process
    assert {it for it in found if it.startswith("ZENO")} == set(
        re.findall(r'"(ZENO_[A-Z_]+)"', texts)
    ) - set_by_the_host


def test_requests_of_serve() -> None:
    found = section("host-operator.md", "Lifecycle")
    for path in (routes.RELOAD, routes.PLUGINS, routes.STATS, f"{routes.SLOTS}NAME"):
        assert re.search(rf"`(GET|POST) {path}`", found), path


def test_features_of_modules() -> None:
    groups = set(re.findall(r"`(\w+)`", section("tools.md", "Validation"))) & set(GROUPS)
    listed = {it.strip("` ") for row in list(rows("tools.md", "Validation"))[1:] for it in row}
    assert (listed, groups | {"all"}) == (set(FEATURES), set(GROUPS))


def test_options_of_bench() -> None:
    command = cli.get_command(click.Context(cli), "bench")
    assert command is not None
    options = {name for it in command.params for name in it.opts}
    text = (ROOT / "docs" / "benchmarks.md").read_text().partition("\n## ")[0]
    assert set(re.findall(r"^\| `(--\w+)` \|", text, re.MULTILINE)) == options
