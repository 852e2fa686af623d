"""One instance of a plugin: its store, its identity, its lock, and the budget of every call into it.

Source: the ABI document, sections "Guest exports" and "Lifecycle".
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from math import inf
from time import monotonic, sleep, thread_time
from typing import TYPE_CHECKING, ParamSpec, TypeVar
from weakref import WeakMethod

from attrs import evolve

from zenowasm.backends.protocol import Budget, CallBudget, Capability, Closable, ExecutionLimits
from zenowasm.host.memory import MemoryFaultError
from zenowasm.interp.errors import HostExhaustion, LimitError, LinkError, WasmError
from zenowasm.plugin.call import RunningCall
from zenowasm.plugin.configuration.limits import PluginLimits
from zenowasm.plugin.errors import (
    AllocationError,
    BadPointerError,
    BusyError,
    CallError,
    LoadPhase,
    MemoryLimitError,
    OutputLimitError,
    PluginError,
    RequestError,
    RequestLimitError,
    UnusableInstanceError,
    call_error,
    time_error,
)
from zenowasm.plugin.guest.abi import (
    ALLOC,
    CLEANUP,
    EXECUTE,
    INIT,
    INITIALIZE,
    REGISTER_SLOTS,
    START,
    Metadata,
    RequestEncoder,
    Response,
    SlotDefinition,
    parse_metadata,
    parse_response,
    parse_slots,
)
from zenowasm.plugin.guest.code import PluginCode, check_limits, make_linker
from zenowasm.plugin.guest.exports import Guest
from zenowasm.plugin.guest.jsonvalue import JSONError
from zenowasm.plugin.guest.trap_calls import calls_at
from zenowasm.plugin.host_functions.port import GuestPort
from zenowasm.plugin.observing.trace import CallTrace
from zenowasm.plugin.worker import SlotRequest
from zenowasm.wasi.errors import ProcExit
from zenowasm.zenolang.scope import Scope

if TYPE_CHECKING:  # imported for the plugins that need it
    from zenowasm.wasi.context import WasiContext

_P = ParamSpec("_P")
_T = TypeVar("_T")

_FULL = 0.75
"""The fraction of the memory limit at which an instance is replaced: guests cannot free the data passed to them."""


class PluginInstance:
    """A started instance. Its lock admits one thread at a time.

    After a trap, or when its memory is nearly full, it is no longer ``usable``: a trap leaves the guest's memory in an
    unknown state. The constructor raises ``LoadError`` with the message of the phase that failed.
    """

    def __init__(self, code: PluginCode) -> None:
        plugin = code.plugin
        services = plugin.services
        self._code = code
        self._plugin = plugin
        self._limits = plugin.limits
        self._full = plugin.limits.memory_bytes * _FULL
        self._store = code.engine.new_store(
            ExecutionLimits(memory_bytes=self._limits.memory_bytes, call_depth=self._limits.call_depth)
        )
        if services.recorder is not None:
            services.recorder.describe(self._store, plugin.name, plugin.redactor)
        if services.coredumps is not None:
            services.coredumps.watch(self._store, plugin.name, plugin.manifest.binary_path, plugin.redactor)
        if services.on_store is not None:
            services.on_store(plugin.name, self._store)
        self._guest = Guest(plugin.name, services.observer)
        self._log = plugin.new_log()
        self._context = plugin.context(self._log)
        self._requests = RequestEncoder(plugin.request_context)
        self._no_call = self._context.call
        self._port = GuestPort(self._guest, self._limits)
        self._wasi: WasiContext | None = None
        self._lock = threading.RLock()
        self._active = False
        self._deadline = inf
        self._counts_fuel = Capability.FUEL in code.engine.capabilities
        self._fuel_before = 0
        self._running = self._limits
        self.usable = True
        self._number = services.instrumentation.instance_made(plugin.name)
        with self._loading(START):
            self._instantiate()
        self.metadata = self._metadata()
        self.slots = self._slots()

    @property
    def fuel_consumed(self) -> int | None:
        """The fuel that all calls into this instance have consumed so far, ``None`` if fuel is not counted."""
        return self._store.fuel_consumed

    def execute(self, request: SlotRequest) -> Response:
        """Run a slot: pass its name and the request as JSON, and return the guest's response.

        The request's budget can only lower the plugin's limits. Raises ``RequestError``, ``UnsupportedLimitError`` and
        ``UnusableInstanceError`` before the guest is called, ``BusyError`` if this thread is already in a call of this
        instance, ``CallError`` and its subclasses, ``AllocationError``, ``BadPointerError``, ``ReplyError``, and
        ``ValueError`` if the budget is not greater than 0.
        """
        encoded = self._encoded(request)
        with self._lock:
            try:
                request.trace.instance = self._number
                budget = request.budget
                limits = self._limits if budget is None else self._within(budget)
                call = self._begin(limits, request.started, request.scope, request.trace)
                try:
                    response = self._answer(request.slot, encoded)
                    call.succeeded = response.success
                except BaseException as error:
                    self._failed(call, error)
                    raise
                finally:
                    self._end(call)
                return response if response.error is None else self._redacted(response, response.error)
            finally:
                if self.usable and not self._active and self._guest.memory.size >= self._full:
                    self._retire()

    def cleanup(self) -> None:
        """Run ``plugin_cleanup`` if the instance is usable, then make it unusable and release its memory.

        Raises ``CallError`` if the guest traps.
        """
        with self._lock:
            try:
                if self.usable and self._guest.has(CLEANUP):
                    with self._loading(CLEANUP):
                        self._call(CLEANUP)
            finally:
                self.usable = False
                if not self._active:
                    self._guest.unbind()
                    if isinstance(self._store, Closable):
                        self._store.close()

    def _within(self, budget: Budget) -> PluginLimits:
        limits = self._limits.within(budget)
        check_limits(limits, self._code.engine)
        return limits

    def _answer(self, slot: str, encoded: bytes) -> Response:
        name_pointer, name_length = self._pass(slot.encode("utf-8", "replace"))
        pointer, length = self._pass(encoded)
        return self._reply(parse_response, "response", EXECUTE, name_pointer, name_length, pointer, length)

    def _redacted(self, response: Response, error: str) -> Response:
        return evolve(response, error=self._plugin.redactor.text(error))

    def _encoded(self, request: SlotRequest) -> bytes:
        try:
            encoded = self._requests.encode(request.slot, request.parameters)
        except JSONError as error:
            raise RequestError(f"failed to marshal request: {error}") from error
        limit = self._limits.request_bytes
        if len(encoded) > limit:
            remedy = self._limits.remedy("request_bytes", self._plugin.name)
            raise RequestLimitError(
                f"the request of {len(encoded)} bytes is longer than the limit of {limit} bytes; {remedy}"
            )
        return encoded

    def _instantiate(self) -> None:
        linker = make_linker(self._context, self._port, self._make_wasi)
        module, name = self._code.module, self._plugin.name
        try:
            imports = linker.resolve(self._store, module, owner=name, observer=self._plugin.services.observer)
            instance = self._store.instantiate(module, imports)
        except LinkError as error:
            raise LoadPhase.MODULE.failed(error) from error
        except LimitError as error:
            limit = f"{self._limits.memory_bytes} bytes; {self._limits.remedy('memory_bytes', name)}"
            raise LoadPhase.MODULE.failed(
                f"it declares more memory or larger tables than permitted ({limit})", MemoryLimitError
            ) from error
        except WasmError as error:
            failure = self._failure("start", error)
            raise LoadPhase.MODULE.failed(failure) from failure
        self._guest.bind(instance.exports)
        start = next((export for export in (INITIALIZE, START) if self._guest.has(export)), None)
        if start is None:
            return
        try:
            self._call(start)
        except CallError as error:
            # A command module's _start may exit with 0; the host uses its exports afterwards, as in the original.
            if isinstance(error.__cause__, ProcExit) and error.__cause__.code == 0 and start == START:
                self.usable = True
            else:
                raise LoadPhase.MODULE.failed(error) from error

    def _make_wasi(self) -> WasiContext:
        """Create the guest's WASI view of its host."""
        from zenowasm.wasi.context import LineBuffer, WasiContext, WasiLimits

        plugin, log, services = self._plugin, self._log, self._plugin.services
        self._wasi = WasiContext(
            arguments=(plugin.name.encode("utf-8", "replace"),),
            stdout=LineBuffer(lambda line: log.write("info", line)),
            stderr=LineBuffer(lambda line: log.write("warn", line)),
            realtime=services.realtime,
            monotonic=services.monotonic,
            random=services.random,
            limits=WasiLimits(descriptors=self._limits.open_files),
            # The guest's imports must not keep this instance alive: only garbage collection would free the cycle.
            sleep=_weak(self._sleep),
            remaining=_weak(self._remaining),
        )
        return self._wasi

    def _metadata(self) -> Metadata:
        with self._loading(INIT), LoadPhase.METADATA.errors():
            return self._reply(parse_metadata, "metadata", INIT)

    def _slots(self) -> tuple[SlotDefinition, ...]:
        def parse(data: bytes) -> tuple[SlotDefinition, ...]:
            return parse_slots(data, self._limits.slots)

        with self._loading(REGISTER_SLOTS), LoadPhase.SLOTS.errors():
            return self._reply(parse, "slots", REGISTER_SLOTS)

    def _reply(self, parse: Callable[[bytes], _T], what: str, function: str, *arguments: int) -> _T:
        """Call a function that returns the address of JSON, and return the JSON as parsed by ``parse``."""
        (pointer,) = self._call(function, *arguments)
        try:
            data, cut = self._guest.memory.read_terminated(pointer, self._limits.reply_bytes)
        except MemoryFaultError as error:
            raise BadPointerError(f"failed to read {what}: failed to read memory at {error.pointer}") from error
        if not cut:
            return parse(data)
        try:
            return parse(data)
        except PluginError as error:
            remedy = self._limits.remedy("reply_bytes", self._plugin.name)
            limit = f"the text is longer than the limit of {self._limits.reply_bytes} bytes; {remedy}"
            raise OutputLimitError(f"{error} ({limit})") from error

    def _pass(self, data: bytes) -> tuple[int, int]:
        """Copy bytes into the guest, without a NUL, and return their pointer and length."""
        (pointer,) = self._call(ALLOC, len(data))
        if pointer == 0:
            limits, name = self._limits, self._plugin.name
            memory = f"{self._guest.memory.size} of at most {limits.memory_bytes} bytes"
            raise AllocationError(
                f"alloc({len(data)}) in module {name} answered 0: out of memory (it has {memory}; "
                f"{limits.remedy('memory_bytes', name)})"
            )
        try:
            self._guest.memory.write(pointer, data)
        except MemoryFaultError as error:
            raise AllocationError(
                f"alloc({len(data)}) in module {self._plugin.name} returned a bad address: {error}"
            ) from error
        return pointer, len(data)

    @contextmanager
    def _loading(self, phase: str) -> Iterator[None]:
        """Run one phase of the plugin's loading or cleanup, named by the guest's function."""
        plugin = self._plugin
        with (
            plugin.services.instrumentation.phase(plugin.name, plugin.version, self._number, phase) as trace,
            self._lock,
        ):
            call = self._begin(self._limits, monotonic(), None, trace)
            try:
                yield
            except BaseException as error:
                self._failed(call, error)
                raise
            finally:
                self._end(call)

    def _begin(self, limits: PluginLimits, started: float, scope: Scope | None, trace: CallTrace) -> RunningCall:
        """Begin an outermost call whose time limit counts from ``started``. The caller must ``_end`` it."""
        if self._active:
            raise BusyError(f"plugin {self._plugin.name} is called from inside its own call")
        if not self.usable:
            raise UnusableInstanceError(f"this instance of plugin {self._plugin.name} cannot be used any more")
        deadline = inf if limits.seconds is None else started + limits.seconds
        cpu_end = inf
        if limits.cpu is not None and (cpu_seconds := limits.cpu_seconds) is not None:
            cpu_end = thread_time() + cpu_seconds
        self._running = limits
        try:
            self._store.begin(CallBudget(limits.fuel, deadline, cpu_end))
        except HostExhaustion as error:
            raise self._failure(EXECUTE, error) from error
        self._active = True
        self._deadline = deadline
        self._log.begin_call()
        call = self._context.call = RunningCall(scope, deadline, trace=trace)
        return call

    def _failed(self, call: RunningCall, error: BaseException) -> None:
        call.succeeded = False
        if isinstance(error, PluginError):
            self._plugin.redactor.error(error)

    def _end(self, call: RunningCall) -> None:
        """End the call that ``_begin`` began, and commit or roll back its transactions."""
        self._store.end()
        if self._counts_fuel:
            consumed = self._store.fuel_consumed or 0
            call.trace.fuel = consumed - self._fuel_before
            self._fuel_before = consumed
        if self._wasi is not None:
            self._wasi.flush()
        self._active = False
        if self._port.damaged:
            self.usable = False
        self._context.call = self._no_call
        if call.endings:
            call.finish()

    def _call(self, function: str, *arguments: int) -> tuple[int, ...]:
        try:
            results = self._guest.calls[function](*arguments)
        except WasmError as error:
            self.usable = False
            raise self._failure(function, error) from error
        except BaseException:
            # An exception from a log sink, an observer or a signal handler has aborted the guest's frames.
            self.usable = False
            raise
        if monotonic() >= self._deadline:
            # The call ended after its deadline, but before the engine's next check of the clock: the guest was quick
            # after a host function had waited, or it was called shortly before the deadline.
            raise time_error(self._plugin.name, function, self._running)
        return results

    def _failure(self, function: str, error: WasmError) -> CallError:
        late = self._context.call.seconds_left == 0.0
        memory = self._guest.memory.size if self._guest.bound else 0
        plugin, find_calls = self._plugin, partial(calls_at, self._plugin)
        return call_error(plugin.name, function, error, self._running, late=late, memory=memory, find_calls=find_calls)

    def _sleep(self, seconds: float) -> None:
        """Sleep for WASI, but not past the end of the running call's time."""
        sleep(min(seconds, self._context.call.seconds_left))

    def _remaining(self) -> float | None:
        seconds = self._context.call.seconds_left
        return None if seconds == inf else seconds

    def _retire(self) -> None:
        """Clean up, and log a failure."""
        try:
            self.cleanup()
        except PluginError as error:
            self._log.note("error", f"Failed to cleanup plugin: {error}")


def _weak(method: Callable[_P, _T]) -> Callable[_P, _T]:
    """Wrap a bound method in a function that does not keep its instance alive."""
    reference = WeakMethod(method)

    def call(*arguments: _P.args, **options: _P.kwargs) -> _T:
        found = reference()
        assert found is not None
        return found(*arguments, **options)

    return call
