"""Every row of ZenoEngine's published quick reference that is about plugins holds here.

What is written out below is the quick reference itself, its sections in its order.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from docs.blocks import ROOT, Reader
from support.toolchains import need

from zenowasm.backends import registry
from zenowasm.plugin import Host, HostEnvironment
from zenowasm.plugin.configuration.manifest import parse_manifest, read_manifest
from zenowasm.plugin.host_functions.table import OPERATIONS, PREFIX
from zenowasm.toolchains.build import build_plugin
from zenowasm.toolchains.languages import LANGUAGES
from zenowasm.toolchains.templates import new_plugin

HELLO = ROOT / "examples" / "plugins" / "hello"
SCRIPT = 'hello.greet { name: "World" }\nlog.info: $message\n'
MANIFEST = """\
name: hello
version: 1.0.0
binary: hello.wasm

permissions:
  scope: [read, write]
  network: []
  filesystem: []
  database: []
  env: []
"""
HOST_FUNCTIONS = {
    "host_log",
    "host_db_query",
    "host_http_request",
    "host_scope_get",
    "host_scope_set",
    "host_file_read",
    "host_file_write",
    "host_env_get",
}
EXPORTS = {
    "plugin_init": "(func (result i32))",
    "plugin_register_slots": "(func (result i32))",
    "plugin_execute": "(func (param i32 i32 i32 i32) (result i32))",
    "plugin_cleanup": "(func)",
    "alloc": "(func (param i32) (result i32))",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder as the quick reference lays it out: plugins/hello with its manifest and binary, and a script."""
    folder = tmp_path / "plugins" / "hello"
    folder.mkdir(parents=True)
    shutil.copy(HELLO / "hello.wasm", folder)
    (folder / "manifest.yaml").write_text(MANIFEST)
    (tmp_path / "test.zl").write_text(SCRIPT)
    return tmp_path


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    variables = Reader(folder, "quickref").environment()
    command = [sys.executable, "-m", "zenowasm.cli.main", *arguments]
    return subprocess.run(command, cwd=folder, env=variables, capture_output=True, encoding="utf-8", check=False)


def test_enable_plugins_with_env_and_run_the_script(project: Path) -> None:
    assert run(project, "run", "test.zl").returncode == 1
    (project / ".env").write_text("ZENO_PLUGINS_ENABLED=true\n# ZENO_PLUGIN_DIR=./plugins  # optional\n")
    done = run(project, "run", "test.zl")
    assert (done.returncode, done.stdout) == (0, "[INFO]: Hello, World!\n")


def test_the_plugin_folder_is_optional(project: Path) -> None:
    (project / "plugins").rename(project / "elsewhere")
    (project / ".env").write_text("ZENO_PLUGINS_ENABLED=true\nZENO_PLUGIN_DIR=./elsewhere\n")
    assert run(project, "run", "test.zl").stdout == "[INFO]: Hello, World!\n"


def test_the_eight_host_functions() -> None:
    assert {PREFIX + name for name in OPERATIONS} == HOST_FUNCTIONS


@pytest.mark.parametrize("backend", registry.names())
def test_the_required_exports(backend: str) -> None:
    module = registry.engine(backend).compile((HELLO / "hello.wasm").read_bytes())
    assert EXPORTS.items() <= {it.name: str(it.type) for it in module.exports}.items()


def test_the_manifest() -> None:
    assert parse_manifest(MANIFEST, HELLO) == read_manifest(HELLO)
    assert parse_manifest(MANIFEST, HELLO).warnings == ()


@pytest.mark.parametrize("key", ["go", "rust", "c"])
def test_a_plugin_can_be_built_in_each_language(key: str, tmp_path: Path) -> None:
    need(key)
    folder = new_plugin(LANGUAGES[key], "hello", tmp_path)
    assert build_plugin(folder).size > 0
    if key == "go":  # the engine in pure Python needs long for 4 MB, and tests of the templates run it there
        return
    with Host(tmp_path, environment=HostEnvironment({})) as host:
        assert host.call("hello.greet", name="World") == {"message": "Hello, World!"}


def test_the_known_issues_are_none_here(project: Path) -> None:
    """HTTP, files and cleanup are in tests of their own; a plugin is not loaded before it is called."""
    environment = HostEnvironment({"ZENO_CACHE_DIR": str(project / "cache")})
    with Host(project / "plugins", environment=environment):
        pass
    stores: list[str] = []
    with Host(project / "plugins", environment=environment, on_store=lambda name, _: stores.append(name)) as host:
        assert (list(host.slots), stores) == (["hello.greet", "hello.log"], [])
        host.call("hello.greet", name="World")
        assert stores == ["hello"]
