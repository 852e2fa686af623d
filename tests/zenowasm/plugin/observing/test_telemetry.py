"""Spans and metrics, through OpenTelemetry's own SDK."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode, format_trace_id
from support.web import serving

from zenowasm.plugin import Host, HostEnvironment
from zenowasm.plugin.configuration.settings import Settings
from zenowasm.plugin.errors import GuestTrapError, SettingsError, SlotFailedError
from zenowasm.plugin.observing.telemetry import Telemetry
from zenowasm.resources.http.client import HttpClient


class Observed:
    """A host with the SDK's exporters in memory."""

    def __init__(self, bench, backend, **options):
        self.exporter = InMemorySpanExporter()
        self.reader = InMemoryMetricReader()
        tracers = TracerProvider()
        tracers.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.meters = MeterProvider([self.reader])
        self.tracer = tracers.get_tracer("test")
        propagate = options.pop("propagate", False)
        telemetry = Telemetry(propagate=propagate, tracer_provider=tracers, meter_provider=self.meters)
        environment = HostEnvironment({})
        self.host = Host(
            bench.folder, backend=backend, environment=environment, lazy=False, telemetry=telemetry, **options
        )

    def spans(self, name):
        return [it for it in self.exporter.get_finished_spans() if it.name == name]

    def points(self, name):
        (resource,) = self.reader.get_metrics_data().resource_metrics
        (scope,) = resource.scope_metrics
        (metric,) = (it for it in scope.metrics if it.name == name)
        return {tuple(sorted(point.attributes.items())): point for point in metric.data.data_points}


@pytest.fixture
def observed(bench, backend):
    made = []

    def make(guest, permissions=None, **options):
        bench.write(guest, permissions=permissions)
        made.append(Observed(bench, backend, **options))
        return made[-1]

    yield make
    for it in made:
        it.host.close()
        it.meters.shutdown()


def test_a_slot_call_and_its_host_calls(observed, guest, backend):
    env = '(import "env" "host_env_get" (func $host (param i32 i32) (result i32)))'
    text = guest(imports=env, execute="(drop (call $host (i32.const 0) (i32.const 0))) i32.const 65536")
    it = observed(text, config=Settings(count_fuel=True))
    with it.tracer.start_as_current_span("outer") as outer:
        it.host.call("guest.run")
    (slot,), (call,) = it.spans("zenowasm.slot"), it.spans("zenowasm.host_call")
    assert slot.parent.span_id == outer.get_span_context().span_id
    assert call.parent.span_id == slot.context.span_id
    assert slot.attributes["zenowasm.plugin"] == "guest"
    assert slot.attributes["zenowasm.slot"] == "guest.run"
    assert slot.attributes["zenowasm.backend"] == backend
    assert slot.attributes["zenowasm.generation"].startswith("1.0.0 (")
    assert slot.attributes["zenowasm.success"] is True
    assert slot.attributes["zenowasm.fuel"] > 0
    assert call.attributes["zenowasm.function"] == "env_get"
    assert call.attributes["zenowasm.decision"] == "denied"
    assert call.status.status_code is StatusCode.ERROR
    assert "zenowasm.host_call" not in {span.name for span in it.exporter.get_finished_spans() if span.parent is None}


def test_a_trap(observed, guest):
    it = observed(guest(execute="unreachable"))
    with pytest.raises(GuestTrapError):
        it.host.call("guest.run")
    (slot,) = it.spans("zenowasm.slot")
    assert slot.attributes["error.type"] == "GuestTrapError"
    assert slot.attributes["zenowasm.trap"] == "unreachable"
    assert slot.status.status_code is StatusCode.ERROR


def test_loading(observed, guest):
    it = observed(guest())
    (load,) = it.spans("zenowasm.load")
    (compiled,) = it.spans("zenowasm.compile")
    phases = it.spans("zenowasm.phase")
    assert [span.attributes["zenowasm.phase"] for span in phases] == ["_start", "plugin_init", "plugin_register_slots"]
    assert {span.parent.span_id for span in [compiled, *phases]} == {load.context.span_id}


def test_the_callers_trace_goes_on_in_the_hosts_threads(observed, guest):
    it = observed(guest())

    async def call():
        with it.tracer.start_as_current_span("outer") as outer:
            await it.host.call_async("guest.run")
        return outer.get_span_context()

    outer = asyncio.run(call())
    (slot,) = it.spans("zenowasm.slot")
    assert (slot.parent.span_id, slot.context.trace_id) == (outer.span_id, outer.trace_id)


def test_the_scripts_trace_goes_on_in_asynchronous_slots(observed, guest):
    it = observed(guest())
    with it.tracer.start_as_current_span("outer") as outer:
        it.host.run_script("guest.run { async: true }")
    it.host.close()
    (slot,) = it.spans("zenowasm.slot")
    assert slot.parent.span_id == outer.get_span_context().span_id


def test_fuel_that_is_not_counted_is_not_told(bench, guest):
    bench.write(guest())
    it = Observed(bench, "wasmtime")
    it.host.call("guest.run")
    (slot,) = it.spans("zenowasm.slot")
    assert slot.attributes["zenowasm.success"] is True
    assert "zenowasm.fuel" not in slot.attributes
    (resource,) = it.reader.get_metrics_data().resource_metrics
    (scope,) = resource.scope_metrics
    assert "zenowasm.slot.calls" in (names := {metric.name for metric in scope.metrics})
    assert "zenowasm.slot.fuel" not in names
    it.host.close()
    it.meters.shutdown()


def test_counters_and_histograms(observed, ask):
    it = observed(ask("host_scope_get", "a"), permissions={"scope": ["read"]}, config=Settings(count_fuel=True))
    with pytest.raises(SlotFailedError, match="scope access not available"):
        it.host.call("guest.run")
    names = (("zenowasm.plugin", "guest"), ("zenowasm.slot", "guest.run"))
    assert it.points("zenowasm.slot.calls")[(("error.type", "SlotFailedError"), *names)].value == 1
    assert it.points("zenowasm.slot.duration")[names].count == 1
    assert it.points("zenowasm.slot.fuel")[names].value == it.host.stats().plugins[0].slots[0].fuel
    host = (("zenowasm.decision", "unavailable"), ("zenowasm.function", "scope_get"), ("zenowasm.plugin", "guest"))
    assert it.points("zenowasm.host.calls")[host].value == 1
    assert it.points("zenowasm.instances")[(("zenowasm.plugin", "guest"),)].value == 1


@pytest.mark.parametrize("propagate", [True, False])
def test_the_trace_leaves_the_house_only_when_asked_to(observed, ask, propagate):
    with serving() as web, HttpClient() as client:
        web.answers["/"] = lambda handler: handler.respond(200, b"{}")
        guest = ask("host_http_request", json.dumps({"url": web.url()}))
        it = observed(guest, permissions={"network": [web.url("/*")]}, http=client, propagate=propagate)
        it.host.call("guest.run")
        (request,) = web.seen
    (call,) = it.spans("zenowasm.host_call")
    wanted = f"00-{format_trace_id(call.context.trace_id)}-{call.context.span_id:016x}-"
    sent = request.headers.get("traceparent")
    assert sent is None if not propagate else sent.startswith(wanted)


def test_settings_ask_for_it(bench, guest, tmp_path, backend):
    bench.write(guest())
    config = tmp_path / "plugins.yaml"
    config.write_text("wasm: {telemetry: {enabled: true}}\n")
    with Host(bench.folder, backend=backend, environment=HostEnvironment({}), config=config) as host:
        assert host.call("guest.run") == {"answer": 42}  # to the API's own provider, which does nothing


def run(code, tmp_path):
    return subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )


def test_nothing_is_imported_without_it(bench, guest, tmp_path):
    bench.write(guest())
    code = f"""
import sys
from zenowasm import Host
with Host({str(bench.folder)!r}) as host:
    host.call("guest.run")
print([name for name in sys.modules if name.startswith("opentelemetry")])
"""
    assert run(code, tmp_path).stdout == "[]\n"


def test_without_the_package_it_says_what_to_install(tmp_path):
    (tmp_path / "plugins.yaml").write_text("wasm:\n  telemetry: {enabled: true}\n")
    code = f"""
import sys
sys.modules["opentelemetry"] = None
from zenowasm.plugin import Host, HostEnvironment
from zenowasm.plugin.errors import {SettingsError.__name__}
try:
    Host(environment=HostEnvironment({{}}), config="plugins.yaml")
except SettingsError as error:
    print(error)
"""
    said = "failed to parse settings: plugins.yaml:2: wasm.telemetry: telemetry needs opentelemetry-api:"
    assert run(code, tmp_path).stdout == f"{said} install zenowasm[otel]\n"
