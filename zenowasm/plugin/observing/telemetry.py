"""Spans and metrics through the OpenTelemetry API (extra ``otel``); its SDK decides where they go.

A slot call is a span ``zenowasm.slot``, with a span ``zenowasm.host_call`` for each host call. Loading a plugin is a
span ``zenowasm.load``, with ``zenowasm.compile`` and a ``zenowasm.phase`` for each guest function that loading calls.
All spans belong to the caller's trace, even if they run on the host's threads.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from attrs import frozen

from zenowasm.plugin.errors import CallError, PluginError
from zenowasm.plugin.observing.metrics import failure_name
from zenowasm.plugin.observing.trace import CallTrace, Decision

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import Span, TracerProvider

NAME = "zenowasm"
_SECONDS = 1e-9


class TelemetryError(PluginError):
    """The OpenTelemetry API is not installed."""


@frozen
class OpenSpan:
    """An open span, and the token that makes its parent the current span again."""

    span: Span
    token: Any


class Telemetry:
    """The reporter of a host's plugin calls to OpenTelemetry.

    ``tracer_provider`` and ``meter_provider`` default to the global ones. With ``propagate``, plugins' HTTP requests
    carry the trace context (``traceparent``). Raises ``TelemetryError`` if ``opentelemetry-api`` is not installed.
    """

    def __init__(
        self,
        *,
        propagate: bool = False,
        tracer_provider: TracerProvider | None = None,
        meter_provider: MeterProvider | None = None,
    ) -> None:
        try:
            from opentelemetry import context, metrics, trace
            from opentelemetry import propagate as propagation
        except ImportError as error:
            raise TelemetryError("telemetry needs opentelemetry-api: install zenowasm[otel]") from error
        self._context, self._trace = context, trace
        self._inject = propagation.inject if propagate else None
        self._tracer = trace.get_tracer(NAME, tracer_provider=tracer_provider)
        meter = metrics.get_meter(NAME, meter_provider=meter_provider)
        self._calls = meter.create_counter("zenowasm.slot.calls", "{call}", "Slot calls by outcome")
        self._durations = meter.create_histogram("zenowasm.slot.duration", "s", "What slot calls took")
        self._waits = meter.create_histogram("zenowasm.slot.wait", "s", "Until an instance was free")
        self._fuel = meter.create_counter("zenowasm.slot.fuel", "{unit}", "Fuel that slot calls consumed")
        self._host_calls = meter.create_counter("zenowasm.host.calls", "{call}", "Calls of host functions by decision")
        self._host_durations = meter.create_histogram("zenowasm.host.duration", "s", "What host functions took")
        self._made = meter.create_counter("zenowasm.instances", "{instance}", "Instances that were made")
        self._reloads = meter.create_counter(
            "zenowasm.reloads", "{reload}", "New versions, and those that were refused"
        )

    def begin(self, trace: CallTrace, backend: str) -> OpenSpan:
        """Begin the span of a call and make it the current one."""
        attributes = {
            "zenowasm.plugin": trace.plugin,
            "zenowasm.generation": trace.version,
            "zenowasm.backend": backend,
        }
        if trace.slot:
            return self._begin("zenowasm.slot", {**attributes, "zenowasm.slot": trace.slot})
        return self._begin("zenowasm.phase", {**attributes, "zenowasm.phase": trace.phase})

    def end(self, trace: CallTrace, duration: int, error: BaseException | None) -> None:
        """End a call's span and count the call."""
        failure = failure_name(trace, error)
        open_span: OpenSpan = trace.span
        span = open_span.span
        span.set_attribute("zenowasm.success", failure is None)
        span.set_attribute("zenowasm.instance", trace.instance)
        if trace.fuel is not None:
            span.set_attribute("zenowasm.fuel", trace.fuel)
        if isinstance(error, CallError) and error.trap_code is not None:
            span.set_attribute("zenowasm.trap", error.trap_code.value)
        self._end(open_span, failure, str(error) if error is not None else "")
        if trace.slot:
            attributes = {"zenowasm.plugin": trace.plugin, "zenowasm.slot": trace.slot}
            self._calls.add(1, attributes if failure is None else {**attributes, "error.type": failure})
            self._durations.record(duration * _SECONDS, attributes)
            self._waits.record(trace.waited * _SECONDS, attributes)
            if trace.fuel is not None:
                self._fuel.add(trace.fuel, attributes)

    def begin_host_call(self, trace: CallTrace, function: str) -> OpenSpan:
        """Begin the span of a host call."""
        attributes = {"zenowasm.plugin": trace.plugin, "zenowasm.function": function}
        return self._begin("zenowasm.host_call", attributes)

    def end_host_call(
        self,
        open_span: OpenSpan,
        trace: CallTrace,
        function: str,
        decision: Decision,
        duration: int,
        error: BaseException | None,
        words: str,
    ) -> None:
        """End the span of a host call and count the call."""
        open_span.span.set_attribute("zenowasm.decision", decision.value)
        self._end(open_span, None if error is None else type(error).__name__, words)
        attributes = {"zenowasm.plugin": trace.plugin, "zenowasm.function": function}
        self._host_calls.add(1, {**attributes, "zenowasm.decision": decision.value})
        self._host_durations.record(duration * _SECONDS, attributes)

    @contextmanager
    def step(self, name: str, plugin: str) -> Iterator[None]:
        """Wrap a block in a span."""
        open_span = self._begin(name, {"zenowasm.plugin": plugin})
        try:
            yield
        except BaseException as error:
            self._end(open_span, type(error).__name__, str(error))
            raise
        self._end(open_span, None, "")

    def instance_made(self, plugin: str) -> None:
        """Count an instance."""
        self._made.add(1, {"zenowasm.plugin": plugin})

    def reloaded(self, plugin: str, *, failed: bool) -> None:
        """Count a reload, successful or failed."""
        self._reloads.add(1, {"zenowasm.plugin": plugin, "zenowasm.success": not failed})

    def headers(self) -> dict[str, str]:
        """Return the trace headers for HTTP requests, empty without ``propagate``."""
        headers: dict[str, str] = {}
        if self._inject is not None:
            self._inject(headers)
        return headers

    def _begin(self, name: str, attributes: dict[str, str]) -> OpenSpan:
        span = self._tracer.start_span(name, attributes=attributes)
        return OpenSpan(span, self._context.attach(self._trace.set_span_in_context(span)))

    def _end(self, open_span: OpenSpan, failure: str | None, words: str) -> None:
        span = open_span.span
        if failure is not None:
            span.set_attribute("error.type", failure)
            span.set_status(self._trace.StatusCode.ERROR, words)
        self._context.detach(open_span.token)
        span.end()
