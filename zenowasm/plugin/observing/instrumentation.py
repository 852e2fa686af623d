"""Reports the calls of one host's plugins to the metrics, the audit log and the telemetry."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from itertools import count
from pathlib import Path
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any, Self

from zenowasm.plugin.observing.audit import KEEP, MAX_BYTES, AuditError, AuditFile, AuditRecord, AuditSink
from zenowasm.plugin.observing.audit_arguments import Describe, Shown, describe_error
from zenowasm.plugin.observing.metrics import HostStats, Metrics
from zenowasm.plugin.observing.redaction import Redactor
from zenowasm.plugin.observing.trace import CallTrace, Decision

if TYPE_CHECKING:
    from zenowasm.plugin.configuration.settings import Settings
    from zenowasm.plugin.observing.telemetry import Telemetry


class Instrumentation:
    """The observers of one host's calls, shared by all of its threads.

    Calls are always counted, which costs next to nothing. Host calls are measured one by one only if there is an
    ``audit`` or a ``telemetry``, and their arguments are described only for an ``audit``. ``describes`` is true if
    there is one of the two.
    """

    def __init__(self, backend: str = "", audit: AuditSink | None = None, telemetry: Telemetry | None = None) -> None:
        self.metrics = Metrics()
        self._backend = backend
        self._audit = audit
        self._telemetry = telemetry
        self.describes = audit is not None or telemetry is not None
        self._numbers: Iterator[int] = count(1)
        self._name = os.urandom(4).hex()

    @classmethod
    def from_settings(
        cls,
        settings: Settings,
        backend: str,
        audit: AuditSink | Path | str | None,
        telemetry: Telemetry | None,
        stack: ExitStack,
    ) -> Self:
        """Return the instrumentation of a host on the engine ``backend``; ``stack`` closes the files opened for it.

        ``audit`` (a sink or the path of a file) and ``telemetry`` override the settings. Raises ``AuditError``, and
        ``SettingsError`` if the settings cause the error.
        """
        telemetry = _telemetry(settings) if telemetry is None else telemetry
        if audit is None and settings.audit.file is not None:
            try:
                audit = _file(settings, settings.audit.file, stack)
            except (AuditError, ValueError) as error:
                raise settings.error("audit", message=str(error)) from error
        elif isinstance(audit, str | Path):
            audit = _file(settings, audit, stack)
        return cls(backend, audit, telemetry)

    def begin(self, trace: CallTrace) -> None:
        """Observe the start of a call. The same thread must call ``end``."""
        trace.number = next(self._numbers)
        if self._telemetry is not None:
            trace.span = self._telemetry.begin(trace, self._backend)

    def end(self, trace: CallTrace, error: BaseException | None = None) -> None:
        """Observe the end of a call: its ``error``, or else a response with the result ``trace.succeeded``."""
        duration = perf_counter_ns() - trace.started
        self.metrics.call_ended(trace, duration, error)
        if self._telemetry is not None:
            self._telemetry.end(trace, duration, error)

    @contextmanager
    def phase(self, plugin: str, version: str, instance: int, phase: str) -> Iterator[CallTrace]:
        """Observe one phase of a plugin's loading or cleanup."""
        trace = CallTrace(plugin, version, phase=phase, instance=instance)
        self.begin(trace)
        try:
            yield trace
        except BaseException as error:
            self.end(trace, error)
            raise
        self.end(trace)

    def host_call(
        self, trace: CallTrace, redactor: Redactor, function: str, describe: Describe, size: int
    ) -> DescribedCall:
        """Observe the start of a host call with an argument of ``size`` bytes."""
        return DescribedCall(trace, function, describe, size, redactor, self._audit, self._telemetry, self._name)

    def step(self, name: str, plugin: str) -> AbstractContextManager[None]:
        """Observe a step of loading, as a span if there is telemetry."""
        return nullcontext() if self._telemetry is None else self._telemetry.step(name, plugin)

    def instance_made(self, plugin: str) -> int:
        """Count a new instance and return its number."""
        if self._telemetry is not None:
            self._telemetry.instance_made(plugin)
        return self.metrics.instance_made(plugin)

    def instance_recycled(self, plugin: str) -> None:
        """Count an instance that was discarded while its version was in use."""
        self.metrics.instance_recycled(plugin)

    def reloaded(self, plugin: str, *, failed: bool) -> None:
        """Count a reload of a plugin."""
        self.metrics.reloaded(plugin, failed=failed)
        if self._telemetry is not None:
            self._telemetry.reloaded(plugin, failed=failed)

    def headers(self) -> dict[str, str]:
        """Return the host's headers for outgoing HTTP requests."""
        return {} if self._telemetry is None else self._telemetry.headers()

    def stats(self) -> HostStats:
        """Return the statistics so far."""
        return self.metrics.snapshot(self._backend)


def _file(settings: Settings, path: Path | str, stack: ExitStack) -> AuditFile:
    wanted = settings.audit
    keep = KEEP if wanted.keep is None else wanted.keep
    made = AuditFile(Path(path), MAX_BYTES if wanted.max_bytes is None else wanted.max_bytes, keep)
    stack.callback(made.close)
    return made


def _telemetry(settings: Settings) -> Telemetry | None:
    if not settings.telemetry.enabled:
        return None
    from zenowasm.plugin.observing.telemetry import Telemetry, TelemetryError  # its imports need an extra

    try:
        return Telemetry(propagate=settings.telemetry.propagate)
    except TelemetryError as error:
        raise settings.error("telemetry", message=str(error)) from error


class DescribedCall:
    """A host call recorded for auditing or tracing. ``ended`` must be called once."""

    __slots__ = (
        "_audit",
        "_describe",
        "_function",
        "_host",
        "_redactor",
        "_size",
        "_span",
        "_started",
        "_telemetry",
        "_time",
        "_trace",
    )

    def __init__(
        self,
        trace: CallTrace,
        function: str,
        describe: Describe,
        size: int,
        redactor: Redactor,
        audit: AuditSink | None,
        telemetry: Telemetry | None,
        host: str,
    ) -> None:
        self._trace = trace
        self._function = function
        self._describe = describe
        self._size = size
        self._redactor = redactor
        self._audit = audit
        self._telemetry = telemetry
        self._host = host
        self._time = time.time()
        self._span = None if telemetry is None else telemetry.begin_host_call(trace, function)
        self._started = perf_counter_ns()

    def ended(
        self, decision: Decision, argument: Any = None, size: int = 0, error: BaseException | None = None
    ) -> None:
        """Record the end of the call.

        ``argument`` is ``None`` if it could not be read; ``size`` is the size of the answer.
        """
        duration = perf_counter_ns() - self._started
        trace, function = self._trace, self._function
        words = "" if error is None else describe_error(self._describe, argument, str(error), self._redactor)
        if self._telemetry is not None and self._span is not None:
            self._telemetry.end_host_call(self._span, trace, function, decision, duration, error, words)
        if self._audit is not None:
            self._audit(
                AuditRecord(
                    time=self._time,
                    plugin=trace.plugin,
                    version=trace.version,
                    instance=trace.instance,
                    call=f"{self._host}-{trace.number}",
                    phase=trace.phase,
                    slot=trace.slot,
                    function=function,
                    decision=decision,
                    error=words,
                    seconds=duration / 1e9,
                    bytes_in=0 if argument is None else self._size,
                    bytes_out=size,
                    arguments={} if argument is None else self._describe(argument, Shown(self._redactor)),
                )
            )
