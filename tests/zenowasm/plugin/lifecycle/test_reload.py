"""Reloading: the new version is checked first, takes over in one step, and no call in flight is lost."""

from __future__ import annotations

import json
import shutil
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from attrs import define, field

from zenowasm.plugin.configuration.limits import PluginLimits
from zenowasm.plugin.errors import (
    BusyError,
    ClosedError,
    ConfigError,
    LoadError,
    ManifestError,
    NotLoadedError,
    SlotConflictError,
    SlotNotFoundError,
)
from zenowasm.plugin.lifecycle.reports import Change
from zenowasm.plugin.observing.trace import CallTrace
from zenowasm.plugin.slots import register_slots
from zenowasm.zenolang import Evaluator, Scope, UnknownSlotError, default_registry, parse

LOG = '(import "env" "host_log" (func $log (param i32 i32 i32 i32)))'
GATE = "(call $log (i32.const 0) (i32.const 0) (i32.const 4096) (i32.const 4)) (i32.const 65536)"
BYE = "(call $log (i32.const 0) (i32.const 0) (i32.const 4100) (i32.const 3))"


def slots(*names):
    return json.dumps([{"name": name} for name in names])


def answering(guest, version, **changes):
    """A guest that answers with its version."""
    return guest(**{"response": json.dumps({"success": True, "data": {"version": version}}), **changes})


def gated(guest, version, text="gate", **changes):
    """A guest that says ``gate`` when it is called, and ``bye`` when it is cleaned up."""
    return answering(guest, version, imports=LOG, text=text + "bye", execute=GATE, cleanup=BYE, **changes)


@define(eq=False)
class Gate:
    """A log sink that holds whoever says ``gate`` until it is opened."""

    lines: list[str] = field(factory=list)
    entered: threading.Semaphore = field(factory=lambda: threading.Semaphore(0))
    open: threading.Event = field(factory=threading.Event)

    def __call__(self, record):
        self.lines.append(record.message)
        if record.message == "gate":
            self.entered.release()
            assert self.open.wait(30)

    def wait_for(self, count):
        for _ in range(count):
            assert self.entered.acquire(timeout=30)


def changes(report):
    return [(it.plugin, it.change) for it in report.changes]


def test_a_new_version_takes_over(bench, guest):
    manager = bench.load(answering(guest, 1))
    before = manager.plugins["guest"]
    assert changes(manager.reload()) == [("guest", Change.UNCHANGED)]
    assert manager.plugins["guest"] is before
    bench.write(answering(guest, 2), more="author: me\n")
    report = manager.reload("guest")
    (change,) = report.changes
    assert report.ok
    assert (change.plugin, change.change) == ("guest", Change.RELOADED)
    assert (change.before, change.after) == (before.version, manager.plugins["guest"].version)
    assert change.before != change.after
    assert change.retirement.clean
    assert manager.call("guest.run").data == {"version": 2}
    assert manager.plugins["guest"].manifest.author == "me"
    with pytest.raises(ClosedError):
        before.begin(CallTrace())
    assert str(change).startswith("guest: reloaded: 1.0.0 (")


def test_a_changed_manifest_alone_is_a_new_version(bench, guest):
    manager = bench.load(answering(guest, 1))
    bench.write(answering(guest, 1), permissions={"scope": ["read"]})
    assert changes(manager.reload()) == [("guest", Change.RELOADED)]
    assert manager.plugins["guest"].may_read_scope


@pytest.mark.parametrize(
    ("damage", "error"),
    [
        (lambda bench, guest: bench.write(b"\0asm"), LoadError),
        (lambda bench, guest: bench.write(guest(init="unreachable")), LoadError),
        (lambda bench, guest: bench.write(guest(slots="{")), LoadError),
        (lambda bench, guest: bench.write(guest(), more="config: {k: {required: true, env: NONE}}\n"), ConfigError),
        (lambda bench, guest: bench.write(guest(), more="type: [\n"), ManifestError),
        (lambda bench, guest: bench.write(guest(slots=slots("guest.run", "other.run"))), SlotConflictError),
        (lambda bench, guest: bench.write(guest(slots=slots("log.info"))), SlotConflictError),
        (lambda bench, guest: (bench.folder / "guest" / "guest.wasm").unlink(), LoadError),
        (lambda bench, guest: shutil.rmtree(bench.folder / "guest"), ManifestError),
    ],
)
def test_a_bad_new_version_keeps_the_old_one(bench, guest, damage, error):
    bench.write(answering(guest, 1))
    bench.write(answering(guest, 1, slots=slots("other.run")), name="other")
    manager = bench.host()
    manager._reserved = {"log.info"}.__contains__
    manager.load_folder(bench.folder)
    before = manager.catalog
    damage(bench, guest)
    report = manager.reload("guest")
    (change,) = report.changes
    assert not report.ok
    assert (change.change, type(change.error)) == (Change.FAILED, error)
    assert change.before == change.after == before.plugins["guest"].version
    assert manager.catalog is before
    assert manager.call("guest.run").data == {"version": 1}
    assert [type(problem.error) for problem in manager.problems] == [error]
    assert any(message.startswith("Failed to reload plugin: ") for _, message in bench.lines)
    bench.write(answering(guest, 3))
    assert manager.reload("guest").ok
    assert manager.call("guest.run").data == {"version": 3}
    assert manager.problems == []


def test_a_version_without_a_place_is_cleaned_up(bench, guest):
    bench.write(answering(guest, 1))
    bench.write(answering(guest, 1, slots=slots("other.run")), name="other")
    manager = bench.host()
    manager.load_folder(bench.folder)
    bench.write(gated(guest, 2, slots=slots("other.run")))
    manager.reload()
    assert ("info", "bye") in bench.lines


def test_calls_in_flight_end_in_the_old_version_while_the_new_one_answers(bench, guest):
    gate = Gate()
    manager = bench.host(log=gate)
    manager.load(bench.write(gated(guest, 1)))
    old = manager.plugins["guest"]
    with ThreadPoolExecutor(4) as threads:
        running = [threads.submit(manager.call, "guest.run") for _ in range(3)]
        gate.wait_for(3)
        bench.write(answering(guest, 2))
        swapped = threading.Event()
        manager.on_change(swapped.set)
        reload = threads.submit(manager.reload)
        assert swapped.wait(30)
        assert manager.call("guest.run").data == {"version": 2}
        assert (old.calls_in_flight, old.instances) == (3, 3)
        assert "bye" not in gate.lines
        gate.open.set()
        assert [call.result(30).data for call in running] == [{"version": 1}] * 3
        (change,) = reload.result(30).changes
    assert (change.retirement.drained, change.retirement.abandoned) == (3, 0)
    assert gate.lines.count("bye") == 3
    assert old.instances == 0


def test_what_does_not_end_in_time_is_told_and_still_answered_and_cleaned_up(bench, guest):
    gate = Gate()
    manager = bench.host(log=gate)
    manager.load(bench.write(gated(guest, 1)))
    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(manager.call, "guest.run")
        gate.wait_for(1)
        bench.write(answering(guest, 2))
        (change,) = manager.reload(drain_seconds=0).changes
        assert (change.retirement.drained, change.retirement.abandoned) == (0, 1)
        assert "1 calls still run in the old version" in str(change)
        assert "bye" not in gate.lines
        gate.open.set()
        assert running.result(30).data == {"version": 1}
    assert gate.lines.count("bye") == 1
    assert manager.close().clean
    assert gate.lines.count("bye") == 1


def test_plugins_come_and_go_with_their_folders(bench, guest):
    bench.write(answering(guest, 1, slots=slots("a.run")), name="a")
    bench.write(answering(guest, 1, slots=slots("b.run")), name="b")
    manager = bench.host()
    manager.load_folder(bench.folder)
    shutil.rmtree(bench.folder / "a")
    bench.write(answering(guest, 1, slots=slots("c.run")), name="c")
    bench.write(b"", name="d")
    report = manager.reload()
    assert changes(report) == [
        ("a", Change.REMOVED), ("b", Change.UNCHANGED), ("c", Change.ADDED), ("d", Change.FAILED)
    ]  # fmt: skip
    assert list(manager.plugins) == ["b", "c"]
    with pytest.raises(NotLoadedError):
        manager.call("a.run")
    assert manager.call("c.run").success
    with pytest.raises(NotLoadedError, match="plugin a not loaded"):
        manager.reload("a")


def test_a_plugin_may_take_the_slot_that_another_gives_up_and_a_new_name(bench, guest):
    bench.write(answering(guest, "a", slots=slots("a.run", "shared.run")), name="a")
    bench.write(answering(guest, "b", slots=slots("b.run")), name="b")
    manager = bench.host()
    manager.load_folder(bench.folder)
    bench.write(answering(guest, "a", slots=slots("a.run")), name="a")
    bench.write(answering(guest, "b", slots=slots("b.run", "shared.run")), name="b")
    assert manager.reload().ok
    assert manager.call("shared.run").data == {"version": "b"}
    bench.write(answering(guest, "a", slots=slots("a.run", "shared.run")), name="a")
    bench.write(answering(guest, "b", slots=slots("b.run")), name="b")
    assert manager.reload().ok
    assert manager.call("shared.run").data == {"version": "a"}
    manifest = bench.folder / "b" / "manifest.yaml"
    manifest.write_text(manifest.read_text().replace("name: b", "name: bee"))
    assert manager.reload().ok
    assert list(manager.plugins) == ["a", "bee"]
    with pytest.raises(SlotNotFoundError, match=r"slot a\.no not found in plugin a"):
        manager.call("a.no")


def test_scripts_see_the_slots_that_come_and_go(bench, guest):
    bench.write(answering(guest, 1, slots=slots("guest.run", "guest.old")))
    registry = default_registry()
    manager = bench.host()
    manager._reserved = registry.__contains__
    manager.load_folder(bench.folder)
    register_slots(manager, registry)

    def run(text):
        scope = Scope()
        Evaluator(registry, output=lambda line: None).run(parse(text, "test.zl"), scope)
        return scope.variables()

    assert run("guest.old") == {"version": 1}
    bench.write(
        answering(
            guest,
            2,
            slots='[{"name":"guest.run","inputs":{"x":{"type":"string"}}},{"name":"guest.new"},{"name":"a b"}]',
        )
    )
    report = manager.reload()
    assert report.ok
    assert run("guest.new") == {"version": 2}
    assert run("guest.run { x: 007 }") == {"version": 2}
    assert registry.get("guest.run").inputs == {"x": "string"}
    with pytest.raises(UnknownSlotError, match=r"guest\.old"):
        run("guest.old")
    (problem,) = manager.problems
    assert str(problem.error) == "plugin guest: `a b` is not a slot name (expected words joined by dots)"
    manager.reload()
    bench.write(answering(guest, 3, slots=slots("guest.run", "guest.old")))
    assert manager.reload().ok
    assert run("guest.old") == {"version": 3}
    shutil.rmtree(bench.folder / "guest")
    assert manager.reload().ok
    assert not [slot.name for slot in registry if slot.name.startswith("guest.")]


def test_reloads_at_the_same_time_come_one_after_the_other(bench, guest):
    manager = bench.load(answering(guest, 1))
    bench.write(answering(guest, 2))
    start = threading.Barrier(4)

    def work():
        start.wait(30)
        return manager.reload("guest").changes[0].change

    with ThreadPoolExecutor(4) as threads:
        found = Counter(it.result(60) for it in [threads.submit(work) for _ in range(4)])
    assert found == {Change.RELOADED: 1, Change.UNCHANGED: 3}


def test_a_log_sink_cannot_change_plugins_while_they_are_being_changed(bench, guest):
    caught = []

    def sink(record):
        for change in (manager.reload, manager.close, lambda: manager.load(bench.folder / "guest")):
            with pytest.raises((BusyError, ClosedError)) as error:
                change()
            caught.append(error.value)

    manager = bench.host(log=sink)
    hello = "(call $log (i32.const 0) (i32.const 0) (i32.const 4096) (i32.const 4)) (i32.const 1024)"
    folder = bench.write(guest(imports=LOG, init=hello))
    with pytest.raises(ClosedError):
        manager.load(folder)
        manager.call("guest.run")
    assert isinstance(caught[0], BusyError)
    assert isinstance(caught[1], BusyError)


def test_a_reload_from_inside_of_a_call_does_not_wait_for_that_call(bench, guest):
    reports = []

    def sink(record):
        if record.message == "gate":
            bench.write(answering(guest, 2))
            reports.append(manager.reload())

    manager = bench.host(log=sink)
    manager.load(bench.write(gated(guest, 1)))
    assert manager.call("guest.run").data == {"version": 1}
    assert reports[0].changes[0].retirement.abandoned == 1
    assert manager.call("guest.run").data == {"version": 2}


def test_under_load_every_call_is_answered_once_by_one_version(bench, guest):
    lines = []
    limits = PluginLimits(instances=3, calls_per_instance=20)
    manager = bench.host(log=lambda record: lines.append(record.message), limits=limits)
    manager.load(bench.write(gated(guest, 0, text="none")))
    stop, answered = threading.Event(), threading.Event()
    start = threading.Barrier(9)

    def work():
        start.wait(30)
        seen = []
        while not stop.is_set():
            response = manager.call("guest.run")
            assert response.success
            seen.append(response.data["version"])
            answered.set()
        return seen

    with ThreadPoolExecutor(8) as threads:
        running = [threads.submit(work) for _ in range(8)]
        start.wait(30)
        try:
            assert answered.wait(30)  # by the first version, before there is another
            for version in range(1, 11):
                bench.write(gated(guest, version, text="none"))
                (change,) = manager.reload().changes
                assert change.change is Change.RELOADED
                assert change.retirement.clean
                # From here on nobody may be answered by an older one.
                assert manager.call("guest.run").data == {"version": version}
        finally:
            stop.set()
        answers = [it.result(60) for it in running]
    for seen in answers:
        assert seen == sorted(seen)
    calls = sum(map(len, answers)) + 10
    assert manager.close().clean
    assert lines.count("none") == calls
    assert set().union(*answers) >= {0, 10}
