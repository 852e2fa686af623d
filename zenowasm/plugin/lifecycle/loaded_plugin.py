"""One loaded version of a plugin: its slots, its workers and its running calls."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Mapping
from math import inf
from time import monotonic

from attrs import field, frozen

from zenowasm.plugin.configuration.limits import PluginLimits
from zenowasm.plugin.configuration.manifest import Manifest
from zenowasm.plugin.errors import PluginError, PoolTimeoutError, RetiredError
from zenowasm.plugin.guest.abi import Metadata, Response, SlotDefinition
from zenowasm.plugin.guest.jsonvalue import is_encodable
from zenowasm.plugin.inputs import SCOPE, Inputs
from zenowasm.plugin.lifecycle.pool import InstancePool, PoolSize, called_from_inside
from zenowasm.plugin.observing.instrumentation import Instrumentation
from zenowasm.plugin.observing.trace import CallTrace
from zenowasm.plugin.worker import SlotRequest, Worker, WorkerMaker, total_fuel


@frozen
class Declaration:
    """The declarations of a loaded plugin."""

    metadata: Metadata
    slots: tuple[SlotDefinition, ...]


@frozen
class Version:
    """The identity of a plugin version: the manifest's version, and the binary's SHA-256 in hexadecimal."""

    version: str
    sha256: str

    @classmethod
    def of(cls, manifest: Manifest, binary: bytes) -> Version:
        """Return the version of a manifest and its binary."""
        return cls(manifest.version, hashlib.sha256(binary).hexdigest())

    def __str__(self) -> str:
        return f"{self.version or 'no version'} ({self.sha256[:12]})"


@frozen
class Retirement:
    """The end of a plugin version: ``drained`` calls ended in time, ``abandoned`` calls are still running.

    ``failures`` are the errors of ``plugin_cleanup``. An abandoned call still ends by its own time limit, and its
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


class LoadedPlugin:
    """A version of a plugin that answers calls until it is retired.

    Calls are counted from ``begin`` to ``end``: two versions coexist while the calls of the older one end. ``report``
    receives the errors of ``plugin_cleanup``, and ``instrumentation`` sees every call. ``in_turns_below`` is as in
    ``InstancePool``.

    ``make_counting`` creates workers that count fuel, if those of ``make`` do not. After the first call with a fuel
    limit, these workers serve all calls; to callers, this looks like a replacement of the instances.
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
        instrumentation: Instrumentation | None = None,
        in_turns_below: float = 0.0,
        make_counting: WorkerMaker | None = None,
    ) -> None:
        self.manifest = manifest
        self.version = version
        self.metadata: Metadata = declaration.metadata
        self.slots: Mapping[str, SlotDefinition] = {slot.name: slot for slot in declaration.slots}
        self._inputs = {slot.name: Inputs(slot.name, slot.inputs) for slot in declaration.slots}
        self.may_read_scope = manifest.granted().may_read_scope
        self._shown_version = str(version)
        self._seconds = inf if limits.seconds is None else limits.seconds
        self._report = report
        remedy = limits.remedy("instances", manifest.name)
        size = PoolSize(limits.instances, limits.idle_instances, limits.calls_per_instance, remedy)
        self._failures: list[PluginError] = []
        self._instrumentation = Instrumentation() if instrumentation is None else instrumentation

        def pool(make: WorkerMaker, first: Worker | None = None) -> InstancePool:
            name = manifest.name
            return InstancePool(name, make, size, self._cleanup_failed, first, self._recycled, in_turns_below)

        self._pool = pool(make, first)
        self._counting = self._pool if make_counting is None else pool(make_counting)
        self._pools = tuple(dict.fromkeys((self._pool, self._counting)))
        self._condition = threading.Condition()
        self._calls: set[CallTrace] = set()
        self._retired = False

    @property
    def name(self) -> str:
        """The plugin's name from the manifest."""
        return self.manifest.name

    @property
    def calls_in_flight(self) -> int:
        """The number of running calls."""
        return len(self._calls)

    @property
    def failing(self) -> bool:
        """Whether creating the last instance failed."""
        return self._pool.failing

    @property
    def instances(self) -> int:
        """The current number of instances."""
        return sum(pool.count for pool in self._pools)

    @property
    def fuel_consumed(self) -> int | None:
        """The fuel consumed so far by all instances that count it; ``None`` if none does."""
        return total_fuel(pool.fuel_consumed for pool in self._pools)

    def begin(self, call: CallTrace) -> None:
        """Begin a call, which the caller must ``end``. Raises ``RetiredError`` if the version is retired.

        No lock is taken: set operations are atomic, and ``retire`` sets its flag before it examines the calls.
        """
        self._calls.add(call)
        if self._retired:
            self.end(call)
            raise RetiredError(f"plugin {self.name} is closed")

    def end(self, call: CallTrace) -> None:
        """End a call that ``begin`` began."""
        self._calls.discard(call)
        if self._retired:
            with self._condition:
                self._condition.notify_all()

    def execute(self, request: SlotRequest, *, shows_scope: bool = False) -> Response:
        """Check the parameters of a call that has begun, and run it.

        With ``shows_scope``, the plugin receives the variables of the request's scope, if it may read them. Raises
        ``InputError`` and the errors of ``InstancePool.lend`` and ``Worker.execute``.
        """
        trace = request.trace
        instrumentation = self._instrumentation
        trace.plugin, trace.version = self.manifest.name, self._shown_version
        instrumentation.begin(trace)
        try:
            if shows_scope and self.may_read_scope:
                request.parameters = self._with_scope(request)
            else:
                request.parameters = self._inputs[request.slot].check(request.parameters)
            response = self._answer(request)
        except BaseException as error:
            instrumentation.end(trace, error)
            raise
        trace.succeeded = response.success
        instrumentation.end(trace)
        return response

    def check(self, call: CallTrace, parameters: Mapping[str, object]) -> None:
        """Check the parameters of a call that has begun. Raises ``InputError`` and counts the call as failed."""
        try:
            self._inputs[call.slot].check(parameters)
        except PluginError as error:
            call.plugin, call.version = self.name, self._shown_version
            self._instrumentation.begin(call)
            self._instrumentation.end(call, error)
            raise

    def retire(self, seconds: float) -> Retirement:
        """Refuse new calls, wait up to ``seconds`` for running ones, clean up, and report the result.

        Any thread may call this again. Inside a call of this version, it does not wait for that call.
        """
        own = int(self._serves_this_thread)
        with self._condition:
            self._retired = True
            before = len(self._calls)
            self._condition.wait_for(lambda: len(self._calls) <= own, seconds)
            abandoned = len(self._calls)
        for pool in self._pools:
            pool.close()
        return Retirement(self.name, self.version, before - abandoned, abandoned, tuple(self._failures))

    def _with_scope(self, request: SlotRequest) -> dict[str, object]:
        checked = dict(self._inputs[request.slot].check(request.parameters))
        variables = {} if request.scope is None else request.scope.variables()
        # The plugin does not see values without a JSON form, such as an infinite number.
        checked[SCOPE] = {key: value for key, value in variables.items() if is_encodable(value)}
        return checked

    def _answer(self, request: SlotRequest) -> Response:
        trace, budget = request.trace, request.budget
        pool, seconds = self._pool, self._seconds
        if budget is not None:
            seconds = seconds if budget.seconds is None else min(seconds, budget.seconds)
            pool = pool if budget.fuel is None else self._pool_for_fuel()
        try:
            try:
                pooled = pool.lend(request.started + seconds)
            except RetiredError:
                if pool is self._counting:
                    raise
                pooled = self._counting.lend(request.started + seconds)  # it may have taken over meanwhile
        except PoolTimeoutError as error:
            trace.waited = int(error.waited * 1e9)
            raise
        pool = pooled.pool
        try:
            if pooled.waited or pooled.making:
                trace.waited = int(pooled.waited * 1e9)
                # Loading the plugin does not count towards the call's time limit.
                request.started += pooled.making
            if pool is not self._pool and pool is self._counting:
                request.started += self._take_over()
            return pooled.worker.execute(request)
        finally:
            pool.take_back(pooled)

    def _pool_for_fuel(self) -> InstancePool:
        if self._pool is not self._counting and self._pool.serves_this_thread:
            raise called_from_inside(self.name)
        return self._counting

    def _take_over(self) -> float:
        """Make the workers that count fuel serve all calls; return the seconds that this took."""
        began = monotonic()
        with self._condition:
            former, self._pool = self._pool, self._counting
        if former is not self._counting:
            for _ in range(former.count):
                self._recycled()
            former.close()
        return monotonic() - began

    @property
    def _serves_this_thread(self) -> bool:
        return any(pool.serves_this_thread for pool in self._pools)

    def _recycled(self) -> None:
        self._instrumentation.instance_recycled(self.name)

    def _cleanup_failed(self, error: PluginError) -> None:
        if self._retired:
            self._failures.append(error)
        self._report(error)
