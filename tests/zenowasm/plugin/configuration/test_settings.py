"""The settings file: every key, every way to get one wrong with file, line and field, and that the environment wins."""

from __future__ import annotations

from pathlib import Path

import pytest

from zenowasm.plugin.configuration.environment import HostEnvironment
from zenowasm.plugin.configuration.limits import LimitSource
from zenowasm.plugin.configuration.settings import ForPlugin, Http, Security, Settings, parse_settings, read_settings
from zenowasm.plugin.errors import SettingsError

FILE = Path("config/plugins.yaml")
FULL = """\
# The documented keys, then those of this project.
other: [ignored]
wasm:
  enabled: true
  plugin_dir: ./extensions
  limits:
    max_memory: 100MB
    max_execution_time: 30s
    max_cpu: 0.5
    max_fuel: 10_000
    max_idle_instances: 0
  drain_seconds: 1m
  security: {strict_mode: true, allow_network: false, allow_filesystem: no}
  whitelist:
    - hello
    - mail
  plugins:
    hello: {limits: {max_fuel: 20000}}
  databases:
    default: {url: "postgresql://me:${DB_PASSWORD}@localhost/db", read_only: true, max_rows: 10, max_bytes: 1MB}
    other: {url_env: OTHER_URL, max_seconds: 500ms}
  files: {root: data}
  http: {ca_file: ca.pem, max_seconds: 5s, max_response: 1MiB, max_redirects: 0}
"""


def test_all_keys():
    settings = parse_settings(FULL, FILE)
    assert (settings.enabled, settings.plugin_dir) == (True, "./extensions")
    limits = settings.host_limits()
    assert (limits.memory_bytes, limits.seconds, limits.cpu, limits.fuel) == (100_000_000, 30.0, 0.5, 10_000)
    assert (limits.idle_instances, settings.drain_seconds) == (0, 60.0)
    assert limits.source("seconds") is LimitSource.CONFIG
    assert limits.source("log_bytes") is LimitSource.DEFAULT
    assert settings.security == Security(strict_mode=True, allow_network=False, allow_filesystem=False)
    assert settings.whitelist == ("hello", "mail")
    assert settings.plugins["hello"] == ForPlugin(limits=settings.plugins["hello"].limits)
    assert settings.plugins["hello"].limits.max_fuel == 20_000
    database = settings.databases["default"]
    assert (database.read_only, database.max_rows, database.max_bytes) == (True, 10, 1_000_000)
    assert settings.databases["other"].max_seconds == 0.5
    assert settings.files.root == "data"
    assert settings.http == Http(ca_file="ca.pem", max_seconds=5.0, max_response=1 << 20, max_redirects=0)


@pytest.mark.parametrize("text", ["", "# nothing\n", "wasm:\n", "wasm: {}\n", "other: 1\n"])
def test_what_says_nothing_changes_nothing(text):
    settings = parse_settings(text, FILE)
    assert settings == Settings(file=FILE)
    assert settings.host_limits() == Settings().host_limits()


@pytest.mark.parametrize(
    ("text", "line", "field", "message"),
    [
        ("wasm:\n  limits:\n    max_memory: big\n", 3, "wasm.limits.max_memory", "expected a size such as 100MB"),
        ("wasm:\n  limits:\n    max_memory: [1]\n", 3, "wasm.limits.max_memory", "found a list"),
        ("wasm: {limits: {max_execution_time: 0s}}", 1, "wasm.limits.max_execution_time", "expected a duration"),
        ("wasm: {limits: {max_cpu: 2}}", 1, "wasm.limits.max_cpu", "expected a share of one core"),
        ("wasm: {limits: {max_output: 1kB}}", 1, "wasm.limits.max_output", "at least 1MiB"),
        ("wasm: {limits: {max_host_calls: many}}", 1, "wasm.limits.max_host_calls", "expected a whole number"),
        ("wasm: {drain_seconds: 0}", 1, "wasm.drain_seconds", "expected a duration greater than 0"),
        ("wasm: {limits: 5}", 1, "wasm.limits", "expected a mapping, found a number"),
        ("wasm:\n  limit: {}\n", 2, "wasm.limit", "unknown key; did you mean limits?"),
        ("wasm:\n  security:\n    allow_netwrok: false\n", 3, "wasm.security.allow_netwrok", "mean allow_network?"),
        ("wasm: {limits: {max_full: 1}}", 1, "wasm.limits.max_full", "did you mean max_fuel?"),
        ("wasm:\n  plugins:\n    x:\n      limits: {max_full: 1}\n", 4, "wasm.plugins.x.limits.max_full", "max_fuel?"),
        ("wasm: {plugins: {x: {limit: 1}}}", 1, "wasm.plugins.x.limit", "did you mean limits?"),
        ("wasm:\n  databases:\n    a: {}\n", 3, "wasm.databases.a", "expected either url or url_env"),
        ("wasm: {databases: {a: {url: x, url_env: Y}}}", 1, "wasm.databases.a", "expected either url or url_env"),
        ("wasm: {databases: {a: {url: x, rows: 1}}}", 1, "wasm.databases.a.rows", "did you mean max_rows?"),
        ("wasm:\n  audit: {files: x}\n  odd: 1\n", 2, "wasm.audit.files", "did you mean file?"),
        ("wasm:\n  cache:\n    size: 1\n", 3, "wasm.cache.size", "known are enabled, max_bytes"),
        ("wasm: {telemetry: {propagates: true}}", 1, "wasm.telemetry.propagates", "did you mean propagate?"),
        ("wasm: {files: {roots: x}}", 1, "wasm.files.roots", "did you mean root?"),
        ("wasm: {http: {ca: x}}", 1, "wasm.http.ca", "unknown key"),
        ("wasm: {enabled: perhaps}", 1, "wasm.enabled", "expected true or false"),
        ("wasm: {whitelist: hello}", 1, "wasm.whitelist", "expected a list of strings"),
        ("wasm: [1]", 1, "wasm", "expected a mapping, found a list"),
        ("- 1", 1, "", "expected a mapping, found a list"),
        ("wasm: {a: 1\n", 2, "", "not YAML"),
        ("wasm: {}\nwasm: {}\n", 2, "wasm", "the key is given twice"),
    ],
)
def test_every_error_has_a_line_and_a_field(text, line, field, message):
    with pytest.raises(SettingsError) as caught:
        parse_settings(text, FILE)
    assert (caught.value.file, caught.value.line, caught.value.field) == (FILE, line, field)
    assert message in str(caught.value)
    assert str(caught.value).startswith(f"failed to parse settings: {FILE}:{line}: ")


def test_the_environment_wins():
    settings = parse_settings("wasm: {enabled: true, plugin_dir: from-file}", FILE)
    nothing = HostEnvironment({})
    assert settings.plugins_enabled(nothing)
    assert settings.plugin_folder(nothing) == Path("from-file")
    said = HostEnvironment({"ZENO_PLUGINS_ENABLED": "false", "ZENO_PLUGIN_DIR": "from-environment"})
    assert not settings.plugins_enabled(said)
    assert settings.plugin_folder(said) == Path("from-environment")
    assert not Settings().plugins_enabled(nothing)
    assert Settings().plugin_folder(nothing) == Path("plugins")


def test_secrets_come_from_the_environment_and_are_not_shown():
    settings = parse_settings(FULL, FILE)
    variables = {"DB_PASSWORD": "s3cret", "OTHER_URL": "sqlite:///x.db"}
    assert settings.database_url("default", variables) == "postgresql://me:s3cret@localhost/db"
    assert settings.database_url("other", variables) == "sqlite:///x.db"
    assert "postgresql" not in repr(settings)
    with pytest.raises(SettingsError, match=r"plugins.yaml:20: wasm.databases.default.url: set .* DB_PASSWORD$"):
        settings.database_url("default", {})
    with pytest.raises(SettingsError, match="url_env: set the environment variable OTHER_URL"):
        settings.database_url("other", {})


def test_where_the_file_is_looked_for(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    nothing = HostEnvironment({})
    assert read_settings(nothing) == Settings()
    (tmp_path / "config").mkdir()
    (tmp_path / FILE).write_text("wasm: {plugin_dir: a}")
    (tmp_path / "b.yaml").write_text("wasm: {plugin_dir: b}")
    (tmp_path / "c.yaml").write_text("wasm: {plugin_dir: c}")
    named = HostEnvironment({"ZENO_PLUGINS_CONFIG": "b.yaml"})
    assert read_settings(nothing).plugin_dir == "a"
    assert read_settings(named).plugin_dir == "b"
    assert read_settings(named, Path("c.yaml")).plugin_dir == "c"
    missing = HostEnvironment({"ZENO_PLUGINS_CONFIG": "none.yaml"})
    with pytest.raises(SettingsError, match=r"failed to read settings: none\.yaml: No such file"):
        read_settings(missing)
    (tmp_path / "c.yaml").write_bytes(b"wasm:\n  x: \xff")
    with pytest.raises(SettingsError, match=r"c\.yaml:2: not UTF-8"):
        read_settings(nothing, Path("c.yaml"))
