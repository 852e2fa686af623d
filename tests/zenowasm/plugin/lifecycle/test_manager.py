"""Folders of plugins: the good ones run, the bad ones are reported, names and slots have one owner."""

from __future__ import annotations

import errno
import os
import threading
import time
from pathlib import Path

import pytest

from zenowasm.backends.registry import BackendError
from zenowasm.plugin import Host, HostEnvironment, PluginManager
from zenowasm.plugin.errors import (
    AlreadyLoadedError,
    ClosedError,
    ConfigError,
    GuestTrapError,
    LoadError,
    ManifestError,
    NotLoadedError,
    SlotConflictError,
    SlotNotFoundError,
)
from zenowasm.plugin.observing.trace import CallTrace
from zenowasm.plugin.services import HostServices
from zenowasm.zenolang import default_registry

LOG = '(import "env" "host_log" (func $log (param i32 i32 i32 i32)))'


def slots(*names: str) -> str:
    return "[" + ",".join(f'{{"name":"{name}"}}' for name in names) + "]"


def test_a_bad_plugin_is_reported_and_the_others_go_on(bench, guest):
    bench.write(guest(slots=slots("a.run")), name="a")
    bench.write(guest(init="unreachable"), name="b")
    bench.write(b"\0asm\x01\0\0", name="c")
    bench.write(b"not wasm", name="d")
    (bench.folder / "e").mkdir()
    (bench.folder / "e" / "manifest.yaml").write_text("name: [e\n")
    (bench.folder / "f").mkdir()
    (bench.folder / "file").write_text("")
    bench.write(guest(slots=slots("g.run")), name="g", more="config: {k: {required: true, env: K}}")
    bench.write(guest(slots=slots("z.run")), name="z")
    bench.write(guest(), name="missing")
    (bench.folder / "missing" / "guest.wasm").unlink()
    manager = bench.host()
    manager.load_folder(bench.folder)
    assert list(manager.plugins) == ["a", "z"]
    assert manager.call("a.run").success
    assert manager.call("z.run").success
    found = {problem.folder.name: problem.error for problem in manager.problems}
    assert {name: type(error) for name, error in found.items()} == {
        "b": LoadError, "c": LoadError, "d": LoadError, "e": ManifestError, "g": ConfigError, "missing": LoadError,
    }  # fmt: skip
    assert str(found["b"]).startswith("failed to get plugin metadata: failed to call b.plugin_init: unreachable")
    assert str(found["c"]).startswith("failed to load WASM module: ")
    assert str(found["missing"]).startswith("failed to load WASM module: ")
    assert [record.plugin for record in bench.log if record.level == "error"] == list(found)
    assert all(record.message.startswith("Failed to load plugin: ") for record in bench.log)


def test_a_folder_that_cannot_be_looked_into_is_reported(bench, guest, monkeypatch):
    bench.write(guest(), name="good")
    locked = bench.folder / "locked"
    locked.mkdir()
    lstat = Path.lstat

    def refuse(path):
        if path.parent == locked:
            raise PermissionError(errno.EACCES, "Permission denied")
        return lstat(path)

    monkeypatch.setattr(Path, "lstat", refuse)
    manager = bench.host()
    manager.load_folder(bench.folder)
    assert list(manager.plugins) == ["good"]
    assert [problem.folder for problem in manager.problems] == [locked]


def test_one_name_and_one_slot_have_one_owner(bench, guest):
    manager = PluginManager(bench.engine, HostServices(log=bench.log.append), reserved=lambda name: name == "log.info")
    bench.managers.append(manager)
    first = bench.write(guest(slots=slots("a.run", "shared.run")), name="a")
    manager.load(first)
    with pytest.raises(AlreadyLoadedError, match=r"^plugin a already loaded$"):
        manager.load(first)
    cleanup = "(call $log (i32.const 0) (i32.const 0) (i32.const 4096) (i32.const 3))"
    second = bench.write(guest(slots=slots("b.run", "shared.run"), imports=LOG, text="bye", cleanup=cleanup), name="b")
    with pytest.raises(SlotConflictError, match=r"^plugin b claims the slot shared\.run, which plugin a already has$"):
        manager.load(second)
    assert bench.lines == [("info", "bye")]
    with pytest.raises(SlotConflictError, match=r"^plugin c claims the slot log\.info, which is built in$"):
        manager.load(bench.write(guest(slots=slots("log.info")), name="c"))
    assert list(manager.slots) == ["a.run", "shared.run"]
    with pytest.raises(NotLoadedError, match=r"^plugin b not loaded$"):
        manager.call("b.run")
    with pytest.raises(SlotNotFoundError, match=r"^slot a\.walk not found in plugin a$"):
        manager.call("a.walk")


def test_two_plugins_do_not_share_identity(bench, ask):
    bench.write(ask("host_env_get", "KEY", slots=slots("a.run")), name="a", permissions={"env": ["KEY"]})
    bench.write(ask("host_scope_get", "k", slots=slots("b.run")), name="b")
    manager = bench.host(environment={"KEY": '{"success":true}'})
    manager.load_folder(bench.folder)
    from zenowasm.zenolang.scope import Scope

    for _ in range(2):
        assert manager.call("a.run").success
        assert manager.call("b.run", scope=Scope({"k": 1})).error == "plugin b does not have scope read permission"


def test_close_cleans_up_once_and_takes_no_more_calls(bench, guest):
    cleanup = "(call $log (i32.const 0) (i32.const 0) (i32.const 4096) (i32.const 3))"
    manager = bench.load(guest(imports=LOG, text="bye", cleanup=cleanup))
    with manager:
        assert manager.call("guest.run").success
    manager.close()
    assert bench.lines == [("info", "bye")]
    with pytest.raises(ClosedError, match="the plugin host is closed"):
        manager.call("guest.run")
    with pytest.raises(ClosedError):
        manager.plugins["guest"].begin(CallTrace())
    with pytest.raises(ClosedError):
        manager.submit(lambda: None)
    with pytest.raises(ClosedError):
        manager.load(bench.folder / "guest")


def test_a_trap_in_cleanup_is_reported_and_the_others_are_cleaned_up(bench, guest):
    cleanup = "(call $log (i32.const 0) (i32.const 0) (i32.const 4096) (i32.const 3))"
    bench.write(guest(slots=slots("a.run"), cleanup="unreachable"), name="a")
    bench.write(guest(slots=slots("b.run"), imports=LOG, text="bye", cleanup=cleanup), name="b")
    manager = bench.host()
    manager.load_folder(bench.folder)
    manager.close()
    (failed, bye) = bench.lines
    assert failed[0] == "error"
    assert failed[1].startswith("Failed to cleanup plugin: failed to call a.plugin_cleanup: unreachable")
    assert bye == ("info", "bye")


def test_after_a_trap_the_dead_instance_is_not_cleaned_up(bench, guest):
    cleanup = "(call $log (i32.const 0) (i32.const 0) (i32.const 4096) (i32.const 3))"
    manager = bench.load(guest(imports=LOG, text="bye", cleanup=cleanup, execute="unreachable"))
    with pytest.raises(GuestTrapError):
        manager.call("guest.run")
    manager.close()
    assert bench.lines == []


def test_close_waits_for_what_was_submitted(bench, guest):
    manager = bench.load(guest())
    done = []
    started = threading.Event()

    def work():
        started.set()
        time.sleep(0.1)
        done.append(manager.call("guest.run").success)

    for _ in range(8):
        manager.submit(work)
    started.wait()
    manager.close()
    assert done == [True] * 8


def test_a_binary_that_is_not_a_file_is_refused(bench, guest):
    folder = bench.write(guest())
    (folder / "guest.wasm").unlink()
    os.mkfifo(folder / "guest.wasm")
    with pytest.raises(LoadError, match=r"failed to load WASM module: .*not a regular file"):
        bench.host().load(folder)


def test_requires_is_enforced_at_load(bench, guest):
    with pytest.raises(ManifestError, match="requires ZenoEngine >=99"):
        bench.load(guest(), more="requires: {zeno: '>=99'}\n")


def test_a_host_takes_the_folder_it_is_given_or_the_environments(backend, bench, guest, tmp_path):
    bench.write(guest())
    nothing = HostEnvironment({})
    with Host(tmp_path, backend=backend, environment=nothing, log=bench.log.append) as manager:
        assert list(manager.plugins) == ["guest"]
    with Host(backend=backend, environment=nothing, log=bench.log.append) as manager:
        assert not manager.plugins
    for enabled, count in (("true", 1), ("1", 1), ("false", 0)):
        variables = {"ZENO_PLUGINS_ENABLED": enabled, "ZENO_PLUGIN_DIR": str(tmp_path)}
        with Host(backend=backend, environment=HostEnvironment(variables), log=bench.log.append) as manager:
            assert len(manager.plugins) == count
    assert bench.log == []
    with Host(tmp_path / "none", backend=backend, environment=nothing, log=bench.log.append) as manager:
        assert not manager.plugins
        (problem,) = manager.problems
        assert str(problem.error) == f"no plugin folder at {tmp_path / 'none'}: expected one subdirectory per plugin"
    assert bench.lines == [("warn", f"Plugin directory does not exist: {tmp_path / 'none'}")]


def test_a_host_keeps_plugins_off_the_languages_own_slots(backend, bench, guest, tmp_path):
    bench.write(guest(slots=slots("log")), name="a")
    bench.write(guest(slots=slots("not a name")), name="b")
    bench.write(guest(slots=slots("c.run")), name="c")
    registry = default_registry()
    environment = HostEnvironment({})
    with Host(tmp_path, backend=backend, environment=environment, log=bench.log.append, slots=registry) as manager:
        assert [type(problem.error) for problem in manager.problems] == [SlotConflictError, SlotConflictError]
        assert "plugin a claims the slot log, which is built in" in str(manager.problems[0].error)
        assert "`not a name` is not a slot name" in str(manager.problems[1].error)
        assert "c.run" in registry


def test_an_unknown_engine_is_named():
    with pytest.raises(BackendError, match="unknown backend 'v8'"):
        Host(backend="v8", environment=HostEnvironment({}))
