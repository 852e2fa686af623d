"""The hello plugin of the quick reference: it rebuilds byte for byte and does what its script expects."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from zenowasm.backends import registry as backends
from zenowasm.plugin import Host, HostEnvironment
from zenowasm.plugin.validate import Level, validate_plugin
from zenowasm.zenolang import Evaluator, Scope, default_registry, parse

SCRIPT = """\
hello.greet { name: "World" }
log.info: $message
"""


@pytest.fixture
def host(backend, bench, root):
    registry = default_registry()
    shutil.copytree(root / "examples" / "plugins" / "hello", bench.folder / "hello")
    with Host(
        bench.folder, backend=backend, lazy=False, environment=HostEnvironment({}), log=bench.log.append, slots=registry
    ) as opened:
        assert "hello" in opened.plugins
        yield opened.manager, registry


def run(registry, text, scope=None):
    lines = []
    variables = Scope(scope)
    Evaluator(registry, output=lines.append).run(parse(text, "hello.zl"), variables)
    return variables, lines


def test_the_script_of_the_quick_reference(host, bench):
    _, registry = host
    scope, lines = run(registry, SCRIPT)
    assert scope.get("message") == "Hello, World!"
    assert bench.lines == [("info", "Greeting: Hello, World!")]
    assert any("Hello, World!" in line for line in lines)


def test_it_reads_the_scope_and_takes_its_time_with_odd_names(host):
    _, registry = host
    scope, _ = run(registry, 'hello.greet { name: "\\"W\\\\ö" }\n$first: $message\nhello.greet', {"greeting": "Hi"})
    assert scope.get("first") == 'Hi, "W\\ö!'
    assert scope.get("message") == "Hi, World!"


def test_its_other_slot_and_its_errors(host, bench):
    manager, registry = host
    scope, _ = run(registry, 'hello.log { message: "Test" }')
    assert scope.get("logged") is True
    assert bench.lines == [("info", "[Plugin] Test")]
    assert manager.call("hello.log", {"message": None}).error == "hello.log needs a message"


def test_many_calls_do_not_leak(host, bench):
    manager, _ = host
    instance = bench.instance(manager, "hello")
    before = instance._guest.memory.size
    for index in range(300):
        assert manager.call("hello.greet", {"name": "x" * 200}).success, index
    assert bench.instance(manager, "hello") is instance
    assert instance._guest.memory.size == before


def test_a_long_name_makes_memory_grow(host):
    manager, _ = host
    name = "n" * 60_000
    assert manager.call("hello.greet", {"name": name}).data == {"message": f"Hello, {name}!"}


def test_it_validates(backend, root):
    report = validate_plugin(root / "examples/plugins/hello", backends.engine(backend))
    assert report.ok
    assert report.count(Level.OK) == len(report.checks) == 5


def test_it_rebuilds_byte_for_byte(root, tmp_path):
    folder = root / "examples/plugins/hello"
    cache = {"ZIG_GLOBAL_CACHE_DIR": str(tmp_path / "cache"), "ZIG_LOCAL_CACHE_DIR": str(tmp_path / "local")}
    subprocess.run(
        ["sh", folder / "build.sh", tmp_path], check=True, env={**os.environ, **cache, "PYTHON": sys.executable}
    )
    assert (tmp_path / "hello.wasm").read_bytes() == (folder / "hello.wasm").read_bytes()


def test_it_is_small_and_has_names(root):
    binary = (root / "examples/plugins/hello/hello.wasm").read_bytes()
    assert len(binary) < 8 * 1024
    for name in (b"\x04name", b"greet", b"json_find_string", b"plugin_execute"):
        assert name in binary
    assert b".debug_info" not in binary
