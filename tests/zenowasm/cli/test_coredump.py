"""``run --coredump``, ``exec --coredump`` and ``debug --core``."""

from __future__ import annotations

import pytest
from support.debugged import divide, shop_plugin
from support.wasm import wat

from zenowasm import Host
from zenowasm.coredumps.errors import CoredumpError
from zenowasm.coredumps.reading import read_coredump
from zenowasm.plugin.configuration.environment import HostEnvironment
from zenowasm.plugin.errors import GuestTrapError


def test_a_plugin_that_trapped_is_looked_into_afterwards(zenowasm, tmp_path, write) -> None:
    script, plugins = write("shop.zl", "shop.average {}\n"), shop_plugin(tmp_path / "plugins")
    failed = zenowasm("run", script, "--plugin-dir", plugins, "--coredump", "shop.core")
    assert failed.code == 1
    assert "Hint: `zenowasm debug --core shop.core` shows the calls, locals and memory\n" in failed.err
    commands = ("-x", "print *list", "-x", "up", "-x", "print result", "-x", "set result = 1", "-x", "continue")
    looked = zenowasm("debug", "--core", "shop.core", *commands, "-x", "delete 1")
    assert (looked.code, looked.err) == (0, "")
    lines = looked.out.splitlines()
    assert lines[0].startswith("trap: integer divide by zero (in average at byte ")
    assert lines[1].startswith("at average+21 at shop_plugin.c:34 in shop ")
    assert "list->count - 4" in lines[2]
    assert lines[5].startswith("*list = {prices = 0x") and lines[5].endswith(", count = 4}")
    assert "result = 0" in lines
    assert "error: a coredump cannot be changed: it shows how a run ended" in lines
    assert "error: a coredump cannot be continued: it shows how a run ended" in lines


def test_a_module_is_found_elsewhere(zenowasm, write) -> None:
    module = write("gone.wasm", divide().read_bytes())
    assert zenowasm("exec", module, "run", "0", "--coredump", "divide.core").code == 1
    module.unlink()
    assert zenowasm("debug", "--core", "divide.core").error == (
        f"cannot read {module}: No such file or directory: name the module that trapped as FILE"
    )
    assert "at divide.c:2" in zenowasm("debug", "--core", "divide.core", divide(), "-x", "bt").out


def test_the_debugger_writes_one_wherever_it_stops(zenowasm, tmp_path) -> None:
    commands = ("-x", "print n", "-x", "stack", "-x", "dump stop.core", "-x", "dump no/core", "-x", "dump", "-x", "c")
    stopped = zenowasm("debug", divide(), "run", "7", "--break", "divide.c:2", *commands)
    assert stopped.code == 0
    lines = stopped.out.splitlines()
    assert "the coredump is in stop.core" in lines
    assert "error: cannot write the coredump no/core: No such file or directory" in lines
    assert "error: expected `dump FILE`" in lines
    looked = zenowasm("debug", "--core", "stop.core", divide(), "-x", "print b", "-x", "up", "-x", "print n").out
    assert looked.startswith("trap: stopped by a debugger\nat divide+")
    assert " at divide.c:2 in divide" in looked and "\nb = 7\n" in looked and "\nn = 7\n" in looked


def test_a_run_on_wasmtime_is_dumped_from_its_recording(zenowasm) -> None:
    assert zenowasm("exec", divide(), "run", "0", "--backend", "wasmtime", "--record", "run.zr").code == 1
    replayed = zenowasm("debug", "--replay", "run.zr", "-x", "c", "-x", "dump run.core")
    assert "trap: integer divide by zero" in replayed.out
    looked = zenowasm("debug", "--core", "run.core", divide(), "-x", "print a").out
    assert looked.startswith("trap: integer divide by zero (in divide at byte ") and "\na = 10\n" in looked


ENVIRONMENT = """(module (import "wasi_snapshot_preview1" "environ_get" (func $environ (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "leak") (drop (call $environ (i32.const 64) (i32.const 128))) unreachable))"""


def test_it_has_no_secrets(zenowasm, tmp_path, write) -> None:
    module = write("leak.wasm", wat(ENVIRONMENT))
    assert zenowasm("exec", "--env", "TOKEN=a-secret-word", "--coredump", "leak.core", module, "leak").code == 1
    assert b"a-secret-word" not in (tmp_path / "leak.core").read_bytes()
    assert "|TOKEN=**********" in zenowasm("debug", "--core", "leak.core", "-x", "memory 128 20").out


def test_a_host_writes_one_too(tmp_path) -> None:
    plugins, core = shop_plugin(tmp_path / "plugins"), tmp_path / "host.core"
    environment = HostEnvironment({})
    with Host(plugins, environment=environment, coredump=core) as host:
        assert host.call("shop.total") == {"total": 26} and not core.exists()
        with pytest.raises(GuestTrapError):
            host.call("shop.average")
    dump = read_coredump(core.read_bytes())
    assert (dump.name, list(dump.modules)) == ("shop", [str(plugins / "shop" / "shop.wasm")])
    with pytest.raises(CoredumpError, match="the engine wasmtime cannot write coredumps"):
        Host(plugins, environment=environment, coredump=core, backend="wasmtime")


def test_usage_and_files_that_are_no_coredumps(zenowasm, write, module) -> None:
    wasmtime = zenowasm("exec", module, "fac", "3", "--coredump", "core", "--backend", "wasmtime")
    assert wasmtime.error.startswith("the engine wasmtime cannot write coredumps")
    assert zenowasm("exec", module, "fac", "3", "--coredump", "no/core").error == (
        "cannot write the coredump no/core: No such file or directory"
    )
    assert "no coredump" in zenowasm("debug", "--core", module).error
    assert zenowasm("debug", "--core", module, "--break", "f").code == 2
