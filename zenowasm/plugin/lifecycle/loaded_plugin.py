"""One loaded version of a plugin: its slots, its workers, and the calls that are under way in it."""

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


class LoadedPlugin:
    """A version of a plugin that answers calls until it is retired.

    Calls are counted, from ``begin`` to ``end``: two versions live side by side while the calls of the older one end.
    ``report`` is told what goes wrong in ``plugin_cleanup``, ``instrumentation`` of every call.
    ``in_turns_below`` is as in ``InstancePool``.

    ``make_counting`` makes workers that count fuel, where those of ``make`` could but do not. The first call with a
    bound on its fuel has them take over for all calls: to whoever calls, it is as if the instances had been replaced.
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
        """The name, as the manifest gives it."""
        return self.manifest.name

    @property
    def calls_in_flight(self) -> int:
        """How many calls are under way."""
        return len(self._calls)

    @property
    def failing(self) -> bool:
        """Whether the last instance that was asked for could not be made."""
        return self._pool.failing

    @property
    def instances(self) -> int:
        """How many instances there are at the moment."""
        return sum(pool.count for pool in self._pools)

    @property
    def fuel_consumed(self) -> int | None:
        """Fuel that all instances have consumed so far, those that count it; ``None`` where none does."""
        return total_fuel(pool.fuel_consumed for pool in self._pools)

    def begin(self, call: CallTrace) -> None:
        """Begin a call; raises ``RetiredError`` when the version takes no more. Else ``end`` must follow.

        No lock is taken: sets are changed atomically, and a thread that retires the version looks at the calls later.
        """
        self._calls.add(call)
        if self._retired:
            self.end(call)
            raise RetiredError(f"plugin {self.name} is closed")

    def end(self, call: CallTrace) -> None:
        """End a call that has begun."""
        self._calls.discard(call)
        if self._retired:
            with self._condition:
                self._condition.notify_all()

    def execute(self, request: SlotRequest, *, shows_scope: bool = False) -> Response:
        """Check the parameters of a call that has begun, and answer it.

        With ``shows_scope`` the plugin is passed the variables of the request's scope, if it may read them. Raises
        ``InputError``, what ``InstancePool.lend`` raises, and what ``Worker.execute`` raises.
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
        """Check the parameters of a call that has begun; raises ``InputError``, and counts the call as failed then."""
        try:
            self._inputs[call.slot].check(parameters)
        except PluginError as error:
            call.plugin, call.version = self.name, self._shown_version
            self._instrumentation.begin(call)
            self._instrumentation.end(call, error)
            raise

    def retire(self, seconds: float) -> Retirement:
        """Take no more calls, wait up to ``seconds`` for those under way, then clean up; say how it went.

        May be called again, by any thread. Inside of a call of this version, that one is not waited for.
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
        # What has no JSON form, such as an infinite number, is not the plugin's to see.
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
                pooled = self._counting.lend(request.started + seconds)  # it may have taken over since
        except PoolTimeoutError as error:
            trace.waited = int(error.waited * 1e9)
            raise
        pool = pooled.pool
        try:
            if pooled.waited or pooled.making:
                trace.waited = int(pooled.waited * 1e9)
                # To load a plugin is not the call's doing, so that it does not take the call's time.
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
        """Have the workers that count fuel answer all calls; return how many seconds that took."""
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
