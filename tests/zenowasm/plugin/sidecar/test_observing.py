"""What those who watch a host see of plugins that are processes."""

from __future__ import annotations

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from zenowasm.plugin import PluginLimits
from zenowasm.plugin.errors import HostCallLimitError
from zenowasm.plugin.observing.telemetry import Telemetry
from zenowasm.plugin.observing.trace import Decision

ASK = "def ask(request): answer(request, host(request['parameters']['function']))"


def phases(host):
    (plugin,) = host.stats().plugins
    return {it.name: (it.calls, it.successes, it.failures) for it in plugin.phases}


def test_loading_is_counted_and_a_failure_too(sidecars):
    host = sidecars.open(ASK, "ask")
    host.call("tool.ask", function="log")
    assert phases(host) == {"plugin_init": (1, 1, {}), "plugin_register_slots": (1, 1, {})}
    (plugin,) = host.stats().plugins
    assert plugin.instances_made == 1
    sidecars.write("def start(request): answer(request, error='not today')\n", "ask")
    assert not host.reload().ok
    assert phases(host)["plugin_init"] == (2, 1, {"SlotFailedError": 1})


def test_loading_has_spans(sidecars):
    exporter, tracers = InMemorySpanExporter(), TracerProvider()
    tracers.add_span_processor(SimpleSpanProcessor(exporter))
    sidecars.open(ASK, "ask", telemetry=Telemetry(tracer_provider=tracers))
    spans = exporter.get_finished_spans()
    (load,) = (it for it in spans if it.name == "zenowasm.load")
    found = [it for it in spans if it.name == "zenowasm.phase"]
    assert [it.attributes["zenowasm.phase"] for it in found] == ["plugin_init", "plugin_register_slots"]
    assert {it.parent.span_id for it in found} == {load.context.span_id}
    assert found[0].attributes["zenowasm.generation"].startswith("1.0.0 (")


def test_an_unknown_host_function_is_recorded_and_counted_as_one(sidecars):
    records = []
    host = sidecars.open(ASK, "ask", audit=records.append)
    for name in ("launch", "a" * 5000):
        assert host.call("tool.ask", function=name)["error"] == f"unknown host function: {name[:100]}"
    assert [(it.function, it.decision) for it in records] == [("unknown", Decision.UNAVAILABLE)] * 2
    assert [it.arguments for it in records] == [{"name": "launch"}, {"name": "a" * 100}]
    assert records[0].error == "unknown host function: launch"
    assert (records[0].plugin, records[0].slot, records[0].instance) == ("tool", "tool.ask", 1)
    (slot,) = host.stats().plugins[0].slots
    assert slot.host_calls == {"unknown": {"unavailable": 2}}


def test_unknown_host_functions_count_towards_the_limit(sidecars):
    host = sidecars.open(
        "def ask(request):\n    while True: host('launch')\n", "ask", limits=PluginLimits(host_calls=5, seconds=20.0)
    )
    with pytest.raises(HostCallLimitError):
        host.call("tool.ask")


def test_what_is_refused_outside_of_calls_is_recorded(sidecars):
    records = []
    host = sidecars.open(
        "def late(request):\n    answer(request)\n"
        "    sys.stderr.write(host('env_get', key='HOME')['error'] + '\\n'); sys.stderr.flush()\n",
        "late",
        more="permissions: {env: [HOME]}\n",
        audit=records.append,
    )
    host.call("tool.late")
    sidecars.wait_for_log("no call is under way")
    (seen,) = records
    assert (seen.plugin, seen.function, seen.decision) == ("tool", "env_get", Decision.UNAVAILABLE)
    assert (seen.arguments, seen.error, seen.slot) == ({"key": "HOME"}, "no call is under way", "")
