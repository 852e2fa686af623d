"""Plugins that are loaded by their first call, and look the same before it."""

from __future__ import annotations

import json
import threading

import pytest
from attrs import define, field

from zenowasm.backends.protocol import Engine
from zenowasm.interp.errors import LimitError
from zenowasm.plugin.configuration.limits import PluginLimits
from zenowasm.plugin.errors import LoadError
from zenowasm.plugin.guest.abi import SlotDefinition
from zenowasm.plugin.lifecycle import loading
from zenowasm.plugin.lifecycle.loaded_plugin import Declaration
from zenowasm.plugin.lifecycle.manager import PluginManager
from zenowasm.plugin.lifecycle.slot_cache import SlotCache
from zenowasm.plugin.services import HostServices

INPUTS = {"x": {"type": "int"}, "y": {"default": [1.5, "ä"]}}
SLOTS = json.dumps([{"name": "guest.run", "description": "runs", "inputs": INPUTS}, {"name": "guest.stop"}])
LOG = '(import "env" "host_log" (func $log (param i32 i32 i32 i32)))'
BYE = "(call $log (i32.const 0) (i32.const 0) (i32.const 4096) (i32.const 3))"


@define
class Counting:
    """An engine that counts what it compiles."""

    engine: Engine
    compiled: int = 0
    failing: bool = False
    lock: threading.Lock = field(factory=threading.Lock)

    def __getattr__(self, name):
        return getattr(self.engine, name)

    def compile(self, binary, limits=None):
        with self.lock:
            self.compiled += 1
        if self.failing:
            raise LimitError("not now")
        return self.engine.compile(binary, limits)


@pytest.fixture
def engine(bench):
    return Counting(bench.engine)


@pytest.fixture
def opened(bench, engine, tmp_path_factory):
    """Opens the bench's folder, lazily unless told otherwise; all lazy ones share a cache."""
    cache = SlotCache.of({"ZENO_CACHE_DIR": str(tmp_path_factory.mktemp("cache"))}, 1_000)

    def make(*, lazy=True, **services):
        services = HostServices(**{"log": bench.log.append, **services})
        manager = PluginManager(engine, services, lambda name: name == "log.info", cache if lazy else None)
        bench.managers.append(manager)
        manager.load_folder(bench.folder)
        return manager

    return make


def test_a_plugin_that_is_known_is_compiled_by_its_first_call(bench, guest, engine, opened):
    bench.write(guest(slots=SLOTS))
    assert opened().call("guest.run", {"x": 1}).success
    assert engine.compiled == 1
    manager = opened()
    assert list(manager.slots) == ["guest.run", "guest.stop"]
    plugin = manager.plugins["guest"]
    assert (engine.compiled, plugin.instances) == (1, 0)
    for _ in range(3):
        assert manager.call("guest.run", {"x": 1}).data == {"answer": 42}
    assert (engine.compiled, plugin.instances) == (2, 1)


def test_what_is_not_known_is_loaded_and_the_instance_is_kept(bench, guest, engine, opened):
    bench.write(guest())
    manager = opened()
    assert (engine.compiled, manager.plugins["guest"].instances) == (1, 1)
    manager.call("guest.run")
    assert engine.compiled == 1


def test_an_eager_host_and_a_lazy_one_look_the_same(bench, guest, opened):
    bench.write(guest(slots=SLOTS, metadata='{"name":"guest","author":"me","config":{"a":"b"}}'))
    bench.write(guest(slots='[{"name":"other.run"},{"name":"guest.run"}]'), name="other")
    bench.write(guest(slots='[{"name":"log.info"}]'), name="builtin")
    bench.write(guest(init="unreachable"), name="trapping")
    bench.write(b"\0asm", name="cut")
    bench.write(guest(), name="config", more="config: {k: {required: true, env: K}}\n")
    (bench.folder / "config" / "guest.wasm").write_bytes((bench.folder / "other" / "guest.wasm").read_bytes())

    def seen(manager):
        problems = [(it.folder.name, type(it.error), str(it.error)) for it in manager.problems]
        plugins = [(it.manifest, it.version, it.metadata, dict(it.slots)) for it in manager.plugins.values()]
        return plugins, problems, {slot: plugin.name for slot, (plugin, _) in manager.slots.items()}

    eager, first, second = seen(opened(lazy=False)), seen(opened()), seen(opened())
    assert eager == first == second
    assert [it[0].name for it in second[0]] == ["guest"]
    assert [name for name, *_ in second[1]] == ["builtin", "config", "cut", "other", "trapping"]


def test_many_first_calls_at_once_compile_once(bench, guest, engine, opened):
    bench.write(guest())
    opened()
    manager = opened()
    start = threading.Barrier(8)
    answers = []

    def work():
        start.wait(20)
        answers.append(manager.call("guest.run").success)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert answers == [True] * 8
    assert engine.compiled == 2
    assert 1 <= manager.plugins["guest"].instances <= 4


def test_the_first_call_has_its_whole_time(bench, guest, engine, opened, monkeypatch):
    bench.write(guest())
    opened()
    manager = opened(limits=PluginLimits(seconds=0.5))
    load = loading.load_code

    def slowly(*arguments):
        threading.Event().wait(0.8)
        return load(*arguments)

    monkeypatch.setattr(loading, "load_code", slowly)
    assert manager.call("guest.run").success


def test_a_plugin_that_was_never_called_is_not_cleaned_up(bench, guest, opened):
    bench.write(guest(imports=LOG, text="bye", cleanup=BYE))
    opened().close()
    assert bench.lines == [("info", "bye")]
    opened().close()
    assert bench.lines == [("info", "bye")]


def test_slots_that_are_others_than_the_cached_ones_are_an_error_until_a_reload(bench, guest, opened):
    bench.write(guest(slots='[{"name":"guest.run"}]'))
    manager = opened()
    cache, version = manager._loader.cache, manager.plugins["guest"].version
    known = cache.get(version.sha256, manager.engine)
    lying = Declaration(known.metadata, (*known.slots, SlotDefinition("guest.more")))
    cache.put(version.sha256, manager.engine, lying)
    manager = opened()
    assert list(manager.slots) == ["guest.run", "guest.more"]
    with pytest.raises(LoadError, match="plugin guest declares other slots than it did when they were cached: reload"):
        manager.call("guest.run")
    assert cache.get(version.sha256, manager.engine) is None
    (change,) = manager.reload("guest").changes
    assert change.change.value == "reloaded"
    assert list(manager.slots) == ["guest.run"]
    assert manager.call("guest.run").success


def test_a_binary_that_has_changed_since_is_an_error_until_a_reload(bench, guest, opened):
    bench.write(guest())
    opened()
    manager = opened()
    bench.write(guest(response='{"success":true,"data":{"answer":43}}'))
    with pytest.raises(LoadError, match="plugin guest has changed since its slots were read: reload it"):
        manager.call("guest.run")
    assert manager.reload().ok
    assert manager.call("guest.run").data == {"answer": 43}


def test_after_a_failed_first_call_the_next_attempts_pause(bench, guest, engine, opened, monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(loading, "monotonic", lambda: now[0])
    bench.write(guest())
    opened()
    manager = opened()
    engine.failing = True
    attempts = [engine.compiled]
    for pause in (1, 2, 4, 8, 16, 32, 60, 60):
        with pytest.raises(LoadError, match=r"failed to load WASM module: .*not now$"):
            manager.call("guest.run")
        with pytest.raises(LoadError, match=rf"not now \(the next attempt is in {pause} s at the earliest\)"):
            manager.call("guest.run")
        attempts.append(engine.compiled)
        now[0] += pause
    assert attempts == list(range(attempts[0], attempts[0] + 9))
    engine.failing = False
    assert manager.call("guest.run").success
    assert not manager.plugins["guest"].failing


def test_a_missing_binary_is_reported_when_it_is_looked_for(bench, guest, opened):
    folder = bench.write(guest())
    opened()
    manager = opened()
    (folder / "guest.wasm").unlink()
    with pytest.raises(LoadError, match=r"failed to load WASM module: .*No such file"):
        manager.call("guest.run")
    assert [type(it.error) for it in opened().problems] == [LoadError]
