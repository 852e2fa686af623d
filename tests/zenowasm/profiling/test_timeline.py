"""The timeline of slot, guest and host calls."""

from __future__ import annotations

import json
import threading
from contextlib import suppress
from itertools import count
from pathlib import Path

import pytest
from support.debugged import shop_plugin
from support.observed import BACK, FAILURES, FLOW, exports_of

from zenowasm import Host
from zenowasm.plugin.configuration.environment import HostEnvironment
from zenowasm.plugin.errors import GuestTrapError
from zenowasm.profiling import timeline as timelines
from zenowasm.profiling.timeline import Timeline


def ticking() -> Timeline:
    """Return a timeline whose clock goes on by a microsecond at each look."""
    return Timeline(count(0, 1_000).__next__)


def spans(timeline: Timeline) -> list[tuple[str, str, float, float]]:
    events = json.loads(json.dumps(timeline.to_chrome()))["traceEvents"]
    assert all(it["ph"] == "X" and it["pid"] == 1 for it in events)
    return [(it["cat"], it["name"], it["ts"], it["dur"]) for it in events]


def test_calls_through_the_host_are_inside_one_another() -> None:
    timeline = ticking()
    _, exports = exports_of(FLOW, timeline.attach, BACK)
    exports["host"].call(3)
    assert spans(timeline) == [("guest", "host", 0, 5), ("host", "env.back", 1, 3), ("guest", "traps", 2, 1)]


def test_a_slot_call_begins_with_the_passing_of_its_arguments(tmp_path: Path) -> None:
    timeline = ticking()
    environment = HostEnvironment({})
    with Host(shop_plugin(tmp_path), environment=environment, lazy=False, on_store=timeline.attach) as host:
        assert host.call("shop.total") == {"total": 26}
        with pytest.raises(GuestTrapError):
            host.call("shop.average")
    found = spans(timeline)
    start = next(at for at, it in enumerate(found) if it[0] == "slot")
    assert [it[:2] for it in found[:start]] == [
        ("guest", "_initialize"),
        ("host", "wasi_snapshot_preview1.random_get"),
        ("guest", "plugin_init"),
        ("guest", "plugin_register_slots"),
    ]
    slot, first, second, execute, log = found[start : start + 5]
    assert slot[:2] == ("slot", "slot shop.total") and execute[:2] == ("guest", "plugin_execute shop.total")
    assert first[1] == second[1] == "alloc" and log[:2] == ("host", "env.host_log")
    assert slot[2] == first[2] and slot[2] + slot[3] == execute[2] + execute[3]
    failed = [it for it in timeline.calls if it.name == "slot shop.average"]
    assert [it.error.partition(" (")[0] for it in failed] == ["integer divide by zero"]
    assert {it.owner for it in timeline.calls} == {"shop"}


def test_threads_are_apart() -> None:
    timeline = Timeline()
    _, exports = exports_of(FLOW, timeline.attach, BACK)
    exports["cases"].call(1)
    other = threading.Thread(target=exports["cases"].call, args=(2,))
    other.start()
    other.join()
    assert [it.thread for it in timeline.calls] == [1, 2]


def test_a_call_that_traps_has_its_error() -> None:
    timeline = ticking()
    _, exports = exports_of(FLOW, timeline.attach, BACK)
    with suppress(*FAILURES):
        exports["host"].call(0)
    assert [it.error.partition(" (")[0] for it in timeline.calls] == [
        "integer divide by zero",
        "",
        "integer divide by zero",
    ]
    assert timeline.to_chrome()["traceEvents"][0]["args"]["error"].startswith("integer divide by zero")


def test_later_calls_are_only_counted_where_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timelines, "MOST_EVENTS", 2)
    timeline = ticking()
    _, exports = exports_of(FLOW, timeline.attach, BACK)
    for _ in range(5):
        exports["cases"].call(1)
    assert (len(timeline.calls), timeline.dropped) == (2, 3)
