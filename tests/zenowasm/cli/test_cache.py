"""``zenowasm cache``, and how to turn the cache off."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.wasm import wat

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """The folder of the cache, which the platform's variable names: the command line is given no other."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    return tmp_path / "xdg" / "zenowasm"


def run(zenowasm, *more, **variables):
    return zenowasm(
        "run", ROOT / "examples" / "hello.zl", "--plugin-dir", ROOT / "examples" / "plugins", "--backend", "wasmtime",
        *more, variables=variables,
    )  # fmt: skip


def counts(zenowasm):
    shown = zenowasm("cache", "info", "--json").json
    return shown["modules"]["entries"], shown["slots"]["entries"]


def test_info_and_clear(zenowasm, folder):
    assert counts(zenowasm) == (0, 0)
    assert run(zenowasm).code == 0
    modules, slots = counts(zenowasm)
    assert modules > 0
    assert slots > 0
    stored = [file.stat().st_size for file in folder.glob("*/*.entry")]
    shown = zenowasm("cache", "info")
    assert shown.out.splitlines()[0] == f"folder: {folder}"
    assert f"modules: {modules} entries, " in shown.out
    assert "at most 1073741824 bytes" in shown.out
    cleared = zenowasm("cache", "clear")
    assert cleared.out == f"removed {modules + slots} entries, {sum(stored)} bytes from {folder}\n"
    assert counts(zenowasm) == (0, 0)
    assert run(zenowasm).code == 0


def test_a_variable_or_the_settings_turn_it_off(zenowasm, folder, tmp_path):
    off = {"ZENO_CACHE_ENABLED": "false"}
    assert run(zenowasm, **off).code == 0
    assert zenowasm("cache", "info", variables=off).out.startswith(f"folder: {folder} (turned off)\n")
    settings = tmp_path / "off.yaml"
    settings.write_text("wasm: {cache: {enabled: false, max_bytes: 1MiB}}\n")
    assert run(zenowasm, "--config", settings).code == 0
    assert not folder.exists()
    assert zenowasm("cache", "info", "--config", settings, "--json").json["max_bytes"] == 1 << 20


def test_exec_uses_it(zenowasm, tmp_path):
    module = ROOT / "examples" / "plugins" / "hello" / "hello.wasm"
    for _ in range(2):
        zenowasm("exec", module, "alloc", "8", "--backend", "wasmtime")
        assert counts(zenowasm) == (1, 0)


def test_exec_keeps_the_code_that_the_reference_engine_made(zenowasm, write):
    module = write("module.wasm", wat('(module (func (export "f") (result i32) i32.const 42))'))
    assert zenowasm("exec", module, "unknown", "--backend", "reference").code == 1
    assert counts(zenowasm) == (1, 0)  # the module is valid
    for _ in range(2):
        assert zenowasm("exec", module, "f", "--backend", "reference").out == "42\n"
        assert counts(zenowasm) == (2, 0)


def test_only_the_process_may_name_another_folder_and_not_what_lies_in_a_project(zenowasm, folder, tmp_path):
    (tmp_path / ".env").write_text(f"ZENO_CACHE_DIR={tmp_path / 'project'}\n")
    assert run(zenowasm).code == 0
    assert not (tmp_path / "project").exists()
    assert zenowasm("cache", "info", "--json").json["folder"] == str(folder)
    given = zenowasm("cache", "info", "--json", variables={"ZENO_CACHE_DIR": str(tmp_path / "given")})
    assert given.json["folder"] == str(tmp_path / "given")


@pytest.fixture
def broken(write):
    """A module whose second function returns another type than it says."""
    text = '(module (func (export "good") (result i32) i32.const 42) (func (export "bad") (result i32) i32.const 7))'
    return write("broken.wasm", wat(text).replace(b"\x41\x07\x0b", b"\x42\x07\x0b"))


def test_lazy_validation_refuses_a_function_when_it_is_called(zenowasm, broken):
    ahead = zenowasm("exec", broken, "good")
    assert (ahead.code, "type mismatch" in ahead.error) == (1, True)
    assert zenowasm("exec", broken, "good", "--lazy-validation").out == "42\n"
    assert zenowasm("exec", broken, "bad", "--lazy-validation").error == ahead.error.removeprefix(f"{broken}: ")


def test_lazy_validation_of_plugins(zenowasm, plugins, write):
    binary = plugins / "counter" / "counter.wasm"
    valid = binary.read_bytes()
    assert valid.count(b"\x41\x80\x18\x0b") == 2  # what plugin_execute returns, and then where the data is placed
    binary.write_bytes(valid.replace(b"\x41\x80\x18\x0b", b"\x42\x80\x18\x0b", 1))
    script = write("s.zl", "counter.sum\n")
    settings = write("lazy.yaml", "wasm: {validation: lazy}\n")
    command = ("run", script, "--plugin-dir", plugins)
    errors = [zenowasm(*command, *more) for more in ((), ("--lazy-validation",), ("--config", settings))]
    assert all("type mismatch" in it.err for it in errors)
    assert "Failed to load plugin" in errors[0].err
    assert all("Failed to load plugin" not in it.err and "plugin_execute" in it.error for it in errors[1:])
    wrong = zenowasm(*command, "--config", write("wrong.yaml", "wasm: {validation: never}\n"))
    assert "expected ahead or lazy, found 'never'" in wrong.error


def test_garbage_is_looked_for_more_rarely(zenowasm):
    """A module that stays is many objects, through which each collection would walk."""
    code = "import atexit, gc; atexit.register(lambda: print(gc.get_threshold()[0] >= 50_000))\n"
    code += "from zenowasm.cli.main import main; main(['--version'])"
    assert zenowasm.python(code).out.splitlines()[-1] == "True"


NEEDLESS = [
    "asyncio",
    "cattrs",
    "concurrent",
    "csv",
    "difflib",
    "dotenv",
    "email",
    "fractions",
    "httpcore",
    "importlib.metadata",
    "logging",
    "platformdirs",
    "random",
    "rich",
    "secrets",
    "shutil",
    "signal",
    "socket",
    "sqlalchemy",
    "ssl",
    "subprocess",
    "tempfile",
    "zipfile",
    "zenowasm.debugger",
    "zenowasm.interp.text",
    "zenowasm.plugin.observing.telemetry",
    "zenowasm.plugin.sidecar.process",
    "zenowasm.resources.databases.connections",
    "zenowasm.resources.http.client",
    "zenowasm.wasi.preview1",
]
DECODING = [
    "zenowasm.interp.binary",
    "zenowasm.interp.instructions",
    "zenowasm.interp.syntax",
    "zenowasm.interp.validation",
]
ENGINES = {
    "reference": ("ctypes", "wasmtime"),
    "wasmtime": (*DECODING, "zenowasm.backends.wasmtime.compiler", "zenowasm.backends.wasmtime.source"),
}
MOST_CLASSES = 160
"""Classes of attrs: each takes half a millisecond to make."""
RUN = """
import atexit, sys
def tell():
    print(len({str(it) for it in object.__subclasses__() if "__attrs_attrs__" in vars(it)}), file=sys.stderr)
    print(*sorted(sys.modules), file=sys.stderr)
atexit.register(tell)
from zenowasm.cli.main import main
main(sys.argv[1:])
"""


@pytest.mark.parametrize("backend", ENGINES)
def test_a_script_imports_nothing_that_it_does_not_need(zenowasm, examples, backend):
    """Once its plugin is in the cache: most of the time of a short script are imports."""
    given = {"ZENO_CACHE_DIR": str(zenowasm.folder / "cache")}
    arguments = ("run", examples / "hello.zl", "--plugin-dir", examples / "plugins", "--backend", backend)
    for _ in range(2):
        done = zenowasm.python(RUN, *arguments, variables=given)
        assert done.out.splitlines()[-1] == "[INFO]: Hello, World!"
    classes, modules = done.err.splitlines()[-2:]
    imported = modules.split()
    assert "zenowasm.plugin.host" in imported
    assert [name for name in (*NEEDLESS, *ENGINES[backend]) if name in imported] == []
    assert 50 < int(classes) <= MOST_CLASSES
    assert len([name for name in imported if name.startswith("zenowasm")]) <= 190
