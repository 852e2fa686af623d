"""A timeline of slot calls, guest calls and host calls by wall clock, in the Chrome trace-event format."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from time import perf_counter_ns
from typing import Any, Final, cast

from attrs import define, frozen

from zenowasm.backends.protocol import SteppingStore, Store
from zenowasm.debugger.program import Program
from zenowasm.debugger.rust_names import readable
from zenowasm.interp.errors import WasmError
from zenowasm.interp.events import Probe
from zenowasm.interp.execution import Configuration, Frame
from zenowasm.interp.runtime.instances import HostFunction
from zenowasm.interp.runtime.values import Value
from zenowasm.interp.syntax.module import ExternKind
from zenowasm.interp.validation import ValidModule
from zenowasm.plugin.guest.abi import ALLOC, EXECUTE
from zenowasm.profiling.host_names import HostNames

MOST_EVENTS: Final = 200_000
"""The maximum number of calls in a timeline; later ones are only counted."""
_LONGEST_SLOT: Final = 200


@frozen
class TimedCall:
    """A call: its kind, its name, the owner of the guest, the thread, and beginning and end in nanoseconds."""

    kind: str
    name: str
    owner: str
    thread: int
    start: int
    end: int
    error: str


@define
class _Running:
    kind: str
    start: int
    name: str = ""
    slot: str = ""
    error: str = ""


class Timeline:
    """A timeline of any number of stores, also in several threads. ``clock`` counts nanoseconds."""

    def __init__(self, clock: Callable[[], int] = perf_counter_ns) -> None:
        self.calls: list[TimedCall] = []
        self.dropped = 0
        self.clock = clock
        self._threads: dict[int, int] = {}
        self._lock = threading.Lock()
        self._programs: dict[ValidModule, Program] = {}

    def attach(self, owner: str, store: Store) -> None:
        """Watch a store; ``owner`` is the displayed name of its guests."""
        cast(SteppingStore, store).probe = self.observer(owner)

    def observer(self, owner: str) -> Probe:
        """Return an observer for one store."""
        return _TimelineObserver(self, owner)

    def add(self, owner: str, running: _Running, end: int) -> None:
        """Add a call that has ended."""
        with self._lock:
            if len(self.calls) >= MOST_EVENTS:
                self.dropped += 1
                return
            thread = self._threads.setdefault(threading.get_ident(), len(self._threads) + 1)
            call = TimedCall(running.kind, running.name, owner, thread, running.start, end, running.error)
            self.calls.append(call)

    def name_of(self, frame: Frame) -> str:
        """Return the name of an active function."""
        valid = frame.module.valid
        program = self._programs.get(valid)
        if program is None:
            program = self._programs[valid] = Program(valid)
        return readable(program.function_name(frame.function.index))

    def to_chrome(self) -> dict[str, Any]:
        """Return the trace; its times are microseconds since the first call."""
        first = min((it.start for it in self.calls), default=0)
        return {"traceEvents": [_event(it, first) for it in _in_order(self.calls)], "displayTimeUnit": "ms"}


def _in_order(calls: Sequence[TimedCall]) -> Sequence[TimedCall]:
    """Return calls by their beginning, outer ones first."""
    return sorted(calls, key=lambda it: (it.thread, it.start, -it.end))


def _event(call: TimedCall, first: int) -> dict[str, Any]:
    times = {"ts": (call.start - first) / 1000, "dur": (call.end - call.start) / 1000}
    args = {"owner": call.owner, **({"error": call.error} if call.error else {})}
    return {"name": call.name, "cat": call.kind, "ph": "X", **times, "pid": 1, "tid": call.thread, "args": args}


class _TimelineObserver(Probe):
    """The observer of one store. ``_slot`` is when the arguments of the next slot call began to be passed."""

    every = False

    def __init__(self, timeline: Timeline, owner: str) -> None:
        self._timeline = timeline
        self._owner = owner
        self._names = HostNames()
        self._running: list[_Running] = []
        self._slot: int | None = None

    def entered(self, execution: Configuration) -> None:
        """Begin a call of the guest."""
        self._running.append(_Running("guest", self._timeline.clock()))

    def before_instruction(self, execution: Configuration) -> None:
        """Name the call that begins."""
        call, frame = self._running[-1], execution.frame
        if frame is None or call.name:
            return
        call.name = self._timeline.name_of(frame)
        if len(self._running) > 1:
            return
        if _is_export(frame, EXECUTE):
            call.slot = _slot_of(frame)
            call.name = f"{EXECUTE} {call.slot}"
        is_passing = _is_export(frame, ALLOC)
        if not is_passing and not call.slot:
            self._slot = None
        elif self._slot is None:
            self._slot = call.start

    def left(self, execution: Configuration) -> None:
        """End a call of the guest, and the slot call that it answers."""
        call, end = self._running.pop(), self._timeline.clock()
        if call.slot:
            start = call.start if self._slot is None else self._slot
            self._timeline.add(self._owner, _Running("slot", start, f"slot {call.slot}", error=call.error), end)
            self._slot = None
        if call.name:
            self._timeline.add(self._owner, call, end)

    def before_unwinding(self, execution: Configuration, error: WasmError) -> None:
        """Note the error that ends the call."""
        self._running[-1].error = str(error)

    def before_host_call(self, execution: Configuration, function: HostFunction, arguments: tuple[Value, ...]) -> None:
        """Begin a call of the host."""
        frame = execution.frame
        name = "" if frame is None else self._names.of(frame, function)
        self._running.append(_Running("host", self._timeline.clock(), name))

    def after_host_call(self, execution: Configuration) -> None:
        """End a call of the host."""
        self._timeline.add(self._owner, self._running.pop(), self._timeline.clock())


def _is_export(frame: Frame, name: str) -> bool:
    exports = frame.module.valid.module.exports
    return any(it.index == frame.function.index and it.name == name and it.kind is ExternKind.FUNC for it in exports)


def _slot_of(frame: Frame) -> str:
    """Return the slot that a call of ``plugin_execute`` runs, from its first two arguments."""
    if len(frame.locals) < 2 or not frame.module.memories:
        return ""
    address, length = frame.locals[:2]
    try:
        return frame.module.memories[0].read(address, min(length, _LONGEST_SLOT)).decode(errors="replace")
    except (IndexError, TypeError):  # the export is none of a plugin
        return ""
