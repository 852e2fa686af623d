"""A profile by fuel: the calls of a run as a tree, with the fuel that each consumed itself.

Fuel is an exact and deterministic clock, so the same run has the same profile. Hooks at the entry and the exits of each
function read it; nothing pauses.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from threading import Lock
from types import MappingProxyType
from typing import Final, TypeAlias, cast

from attrs import define, field, frozen

from zenowasm.backends.protocol import SteppingStore, Store
from zenowasm.debugger.program import Program
from zenowasm.debugger.rust_names import readable
from zenowasm.debuginfo.lines import SourceLine
from zenowasm.interp.events import Probe
from zenowasm.interp.execution import Configuration, Frame
from zenowasm.interp.execution.arming import Hook, arm
from zenowasm.interp.execution.blocks import catch_targets, exits
from zenowasm.interp.execution.code import Code
from zenowasm.interp.runtime.instances import FunctionInstance, HostFunction
from zenowasm.interp.runtime.values import Value
from zenowasm.interp.validation import ValidModule
from zenowasm.profiling.host_names import HostNames

MOST_NODES: Final = 200_000
"""The maximum number of nodes of a tree; further paths are one node below their first call."""
MOST_SPANS: Final = 100_000
"""The maximum number of single calls that are kept; the shortest ones are dropped first."""
_ROOT: Final = -1
_REST: Final = -2
"""The functions of a tree's root, and of the node for calls that have no node of their own."""

FunctionKey: TypeAlias = tuple[ValidModule | None, int, str]
"""A function: its module and index, or ``None``, 0 and the two-level name of a host function."""


@define(eq=False)
class CallNode:
    """All calls of a function by the same path of callers: their number, and the fuel that they consumed themselves.

    ``function`` is an index in the profile's ``functions``.
    """

    function: int
    calls: int = 0
    own: int = 0
    children: dict[int, CallNode] = field(factory=dict)


@frozen
class Span:
    """A single call: its function, and the fuel that the store had consumed at its beginning and at its end."""

    function: int
    start: int
    end: int


@frozen
class ProfiledFunction:
    """A function of a profile: its name, its first line if it is known, and whether it is of the guest or the host."""

    name: str
    line: SourceLine | None = None
    kind: str = "guest"


@define(eq=False)
class StoreCalls:
    """The calls of one store: ``owner`` is the displayed name of its guests, ``root`` a node without a function.

    ``spans`` are the single calls in the order of their ends, of at least ``shortest`` units of fuel.
    """

    owner: str
    root: CallNode = field(factory=lambda: CallNode(_ROOT))
    spans: list[Span] = field(factory=list)
    shortest: int = 0
    nodes: int = 0

    def child(self, node: CallNode, function: int) -> CallNode:
        """Add the node of a function below another node; there is a limit, since a guest may recurse in any way."""
        if node.function == _REST:
            return node
        if self.nodes >= MOST_NODES:
            function = _REST
        found = node.children.get(function)
        if found is None:
            found = node.children[function] = CallNode(function)
            self.nodes += 1
        return found

    def add(self, span: Span) -> None:
        """Keep a call of at least ``shortest`` units of fuel."""
        self.spans.append(span)
        if len(self.spans) > MOST_SPANS:
            self.shortest = max(2 * self.shortest, 16)
            self.spans = [it for it in self.spans if it.end - it.start >= self.shortest]


class CallProfile:
    """A profile of any number of stores, also in several threads."""

    def __init__(self) -> None:
        self.stores: list[StoreCalls] = []
        self._keys: dict[FunctionKey, int] = {}
        self._lock = Lock()

    def attach(self, owner: str, store: Store) -> None:
        """Profile a store; ``owner`` is the displayed name of its guests."""
        cast(SteppingStore, store).probe = self.observer(owner)

    def observer(self, owner: str) -> Probe:
        """Return an observer for one store."""
        calls = StoreCalls(owner)
        self.stores.append(calls)
        return _CallObserver(self, calls)

    def number(self, key: FunctionKey) -> int:
        """Return the index of a function in ``functions``."""
        with self._lock:
            return self._keys.setdefault(key, len(self._keys))

    def functions(self, source_maps: Mapping[str, str] = MappingProxyType({})) -> Sequence[ProfiledFunction]:
        """Return the functions of the profile; ``source_maps`` is as in ``Program``."""
        modules = dict.fromkeys(valid for valid, _, _ in self._keys if valid is not None)
        programs = {valid: Program(valid, source_maps) for valid in modules}
        return [_described(programs.get(valid) if valid else None, index, name) for valid, index, name in self._keys]


def _described(program: Program | None, index: int, name: str) -> ProfiledFunction:
    if program is None:
        return ProfiledFunction(f"{name} (host)", kind="host")
    body = program.valid.module.codes[index - program.imported].body()
    lines = program.source.lines(body.expression.offsets)
    return ProfiledFunction(readable(program.function_name(index)), next((it for it in lines if it is not None), None))


class _CallObserver(Probe):
    """The observer of one store. ``_outer`` has the node, the frame's depth and the start of each call that contains
    the current one.
    """

    every = False

    def __init__(self, profile: CallProfile, calls: StoreCalls) -> None:
        self._profile = profile
        self._calls = calls
        self._names = HostNames()
        self._last = 0
        self._node = calls.root
        self._depth = 0
        self._start = 0
        self._outer: list[tuple[CallNode, int, int]] = []
        self._bases: list[int] = []

    def code(self, function: FunctionInstance, code: Code) -> Code:
        """Return code that reads the clock where the function is entered and left."""
        enter = self._entering(self._profile.number((function.module.valid, function.index, "")))
        hooks: dict[int, Hook] = dict.fromkeys(catch_targets(code), self._caught)
        hooks.update(dict.fromkeys(exits(code), self._leave))
        return arm(code, (), {}, hooks, entry_hook=enter)

    def _entering(self, function: int) -> Hook:
        def enter(frame: Frame) -> None:
            self._push(function, frame.depth, frame.store.settled_fuel)

        return enter

    def _leave(self, frame: Frame) -> None:
        now = frame.store.settled_fuel + frame.code.fuel_before[frame.pc]
        self._unwind(frame.depth, now)  # an exception may have ended calls at an exit of this one
        self._pop(now)

    def _caught(self, frame: Frame) -> None:
        self._unwind(frame.depth, frame.store.settled_fuel + frame.code.fuel_before[frame.pc - 1])

    def entered(self, execution: Configuration) -> None:
        """Begin an execution: fuel consumed between executions belongs to no call."""
        if not self._bases:
            self._last = execution.fuel_consumed
        self._bases.append(len(self._outer))

    def left(self, execution: Configuration) -> None:
        """End the calls that an error has ended."""
        base, now = self._bases.pop(), execution.fuel_consumed
        while len(self._outer) > base:
            self._pop(now)

    def before_host_call(self, execution: Configuration, function: HostFunction, arguments: tuple[Value, ...]) -> None:
        """Begin a call of the host, below which the guest's functions that it calls are."""
        frame = execution.frame
        if frame is not None:
            key = (None, 0, self._names.of(frame, function))
            self._push(self._profile.number(key), frame.depth, execution.fuel_consumed)

    def after_host_call(self, execution: Configuration) -> None:
        """End a call of the host."""
        self._pop(execution.fuel_consumed)

    def _push(self, function: int, depth: int, now: int) -> None:
        node = self._node
        node.own += now - self._last
        self._last = now
        self._outer.append((node, self._depth, self._start))
        node = self._node = node.children.get(function) or self._calls.child(node, function)
        node.calls += 1
        self._depth, self._start = depth, now

    def _pop(self, now: int) -> None:
        self._node.own += now - self._last
        self._last = now
        if now - self._start >= self._calls.shortest:
            self._calls.add(Span(self._node.function, self._start, now))
        self._node, self._depth, self._start = self._outer.pop()

    def _unwind(self, depth: int, now: int) -> None:
        """End the calls inside the one with a depth."""
        while self._depth > depth:
            self._pop(now)


@define
class FunctionTotals:
    """The calls of a function by any path: their number, their own fuel, and that of all they called."""

    function: int
    calls: int = 0
    own: int = 0
    total: int = 0


def walk(root: CallNode) -> Iterator[tuple[CallNode, bool]]:
    """Yield each node below a root before (``True``) and after (``False``) the nodes below it."""
    pending = [(it, True) for it in reversed(root.children.values())]
    while pending:
        node, begins = pending.pop()
        yield node, begins
        if begins:
            pending.append((node, False))
            pending += [(it, True) for it in reversed(node.children.values())]


def totals(stores: Sequence[StoreCalls]) -> Sequence[FunctionTotals]:
    """Return the totals of all functions, the one with the most fuel of its own first.

    A recursive function's fuel counts once in its total.
    """
    found: dict[int, FunctionTotals] = {}
    for store in stores:
        active: dict[int, int] = {}
        below: list[int] = [0]
        for node, begins in walk(store.root):
            entry = found.setdefault(node.function, FunctionTotals(node.function))
            if begins:
                entry.calls += node.calls
                entry.own += node.own
                active[node.function] = active.get(node.function, 0) + 1
                below.append(node.own)
            else:
                active[node.function] -= 1
                whole = below.pop()
                below[-1] += whole
                if not active[node.function]:
                    entry.total += whole
    return sorted(found.values(), key=lambda it: (-it.own, -it.total))
