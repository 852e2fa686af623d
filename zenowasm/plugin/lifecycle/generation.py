"""One loaded version of a plugin: its slots, its workers, and the calls that are under way in it."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Mapping
from math import inf
from time import monotonic_ns

from attrs import evolve, field, frozen

from zenowasm.plugin.configuration.limits import PluginLimits
from zenowasm.plugin.configuration.manifest import Manifest
from zenowasm.plugin.errors import PluginError, PoolTimeoutError, RetiredError, SlotNotFoundError
from zenowasm.plugin.guest.abi import Metadata, Response, SlotDefinition
from zenowasm.plugin.lifecycle.pool import InstancePool, PoolSize
from zenowasm.plugin.observing.trace import CallTrace
from zenowasm.plugin.observing.watch import Watch
from zenowasm.plugin.worker import SlotRequest, Worker, WorkerMaker


@frozen
class Declaration:
    """What a plugin declares when it is loaded."""

    metadata: Metadata
    slots: tuple[SlotDefinition, ...]


@frozen
class Version:
    """Which version of a plugin it is: the version in the manifest, and the SHA-256 of the binary, in hexadecimal."""

    version: str
    sha256: str

    @classmethod
    def of(cls, manifest: Manifest, binary: bytes) -> Version:
        """Return the version that a manifest and its binary make."""
        return cls(manifest.version, hashlib.sha256(binary).hexdigest())

    def __str__(self) -> str:
        return f"{self.version or 'no version'} ({self.sha256[:12]})"


@frozen
class Retirement:
    """How a version of a plugin ended: ``drained`` calls were waited for, ``abandoned`` ones are still under way.

    ``failures`` are what went wrong in ``plugin_cleanup``. What was abandoned still ends by its own time limit, and its
    instance is cleaned up then.
    """

    plugin: str
    version: Version
    drained: int
    abandoned: int
    failures: tuple[PluginError, ...] = field(default=())

    @property
    def clean(self) -> bool:
        """Whether every call ended and every cleanup succeeded."""
        return not self.abandoned and not self.failures


class Generation:
    """A version of a plugin that answers calls until it is retired.

    Calls are counted, from ``begin`` to ``end``: two versions live side by side while the calls of the older one end.
    ``report`` is told what goes wrong in ``plugin_cleanup``, ``watch`` of every call.
    """

    def __init__(
        self,
        manifest: Manifest,
        version: Version,
        declaration: Declaration,
        make: WorkerMaker,
        limits: PluginLimits,
        report: Callable[[PluginError], None],
        first: Worker | None = None,
        watch: Watch | None = None,
    ) -> None:
        self.manifest = manifest
        self.version = version
        self.metadata: Metadata = declaration.metadata
        self.slots: Mapping[str, SlotDefinition] = {slot.name: slot for slot in declaration.slots}
        self.may_read_scope = manifest.granted().may_read_scope
        self._shown_version = str(version)
        self._seconds = limits.seconds
        self._report = report
        remedy = limits.remedy("instances", manifest.name)
        size = PoolSize(limits.instances, limits.idle_instances, limits.calls_per_instance, remedy)
        self._failures: list[PluginError] = []
        self._watch = Watch() if watch is None else watch
        self._pool = InstancePool(manifest.name, make, size, self._cleanup_failed, first, self._recycled)
        self._condition = threading.Condition()
        self._calls = 0
        self._retired = False

    @property
    def name(self) -> str:
        """The name, as the manifest gives it."""
        return self.manifest.name

    @property
    def calls_in_flight(self) -> int:
        """How many calls are under way."""
        return self._calls

    @property
    def failing(self) -> bool:
        """Whether the last instance that was asked for could not be made."""
        return self._pool.failing

    @property
    def instances(self) -> int:
        """How many instances there are at the moment."""
        return self._pool.count

    @property
    def fuel_consumed(self) -> int:
        """Fuel that all instances have consumed so far."""
        return self._pool.fuel_consumed

    def begin(self) -> None:
        """Begin a call; raises ``RetiredError`` when the version takes no more. ``end`` must follow."""
        with self._condition:
            if self._retired:
                raise RetiredError(f"plugin {self.name} is closed")
            self._calls += 1

    def end(self) -> None:
        """End a call that has begun."""
        with self._condition:
            self._calls -= 1
            if self._retired:
                self._condition.notify_all()

    def execute(self, request: SlotRequest) -> Response:
        """Answer a call that has begun.

        Raises ``SlotNotFoundError``, what ``InstancePool.lend`` raises, and what ``Worker.execute`` raises.
        """
        if request.slot not in self.slots:
            raise SlotNotFoundError(f"slot {request.slot} not found in plugin {self.name}")
        trace = request.trace
        self._begin(trace, request.slot)
        try:
            response = self._answer(request)
        except BaseException as error:
            self._watch.end(trace, error)
            raise
        trace.succeeded = response.success
        self._watch.end(trace)
        return response

    def refused(self, slot: str, error: PluginError) -> None:
        """Count a call of a slot that never reached the plugin, because of ``error``."""
        trace = CallTrace()
        self._begin(trace, slot)
        self._watch.end(trace, error)

    def retire(self, seconds: float) -> Retirement:
        """Take no more calls, wait up to ``seconds`` for those under way, then clean up; say how it went.

        May be called again, by any thread. Inside of a call of this version, that one is not waited for.
        """
        own = int(self._pool.serves_this_thread)
        with self._condition:
            self._retired = True
            before = self._calls
            self._condition.wait_for(lambda: self._calls <= own, seconds)
            abandoned = self._calls
        self._pool.close()
        return Retirement(self.name, self.version, before - abandoned, abandoned, tuple(self._failures))

    def _begin(self, trace: CallTrace, slot: str) -> None:
        trace.plugin, trace.version, trace.slot = self.name, self._shown_version, slot
        self._watch.begin(trace)

    def _answer(self, request: SlotRequest) -> Response:
        asked = monotonic_ns()
        trace = request.trace
        try:
            with self._pool.lend(self._deadline(request)) as lease:
                trace.waited = monotonic_ns() - asked - int(lease.making * 1e9)
                if lease.making:
                    # To load a plugin is not the call's doing, so that it does not take the call's time.
                    request = evolve(request, started=request.started + lease.making)
                return self._execute(lease.worker, request)
        except PoolTimeoutError:
            trace.waited = monotonic_ns() - asked
            raise

    def _execute(self, worker: Worker, request: SlotRequest) -> Response:
        fuel = worker.fuel_consumed
        try:
            return worker.execute(request)
        finally:
            request.trace.fuel = worker.fuel_consumed - fuel

    def _recycled(self) -> None:
        self._watch.instance_recycled(self.name)

    def _deadline(self, request: SlotRequest) -> float:
        seconds = [self._seconds, request.budget.seconds if request.budget else None]
        return request.started + min((it for it in seconds if it is not None), default=inf)

    def _cleanup_failed(self, error: PluginError) -> None:
        if self._retired:
            self._failures.append(error)
        self._report(error)
