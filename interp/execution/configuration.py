"""Frames and the configuration that runs them (specification, 4.2.13 and 4.2.15).

Between two instructions, no part of an execution is on Python's stack. You can therefore stop, inspect, change and
resume a configuration before every instruction.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from zenowasm.interp.errors import Crash, Exhaustion, UncaughtException
from zenowasm.interp.execution import control
from zenowasm.interp.execution.code import Code, code_of
from zenowasm.interp.execution.object_code import FUNCTION_ENTRY_FUEL
from zenowasm.interp.runtime.instances import Function, FunctionInstance, HostFunction, ModuleInstance
from zenowasm.interp.runtime.startup import is_small_constant
from zenowasm.interp.runtime.store import Store
from zenowasm.interp.runtime.values import ExceptionInstance, Value


class Frame:
    """An active call of a guest function: its locals, its operand stack, and its position.

    ``pc`` is the index of the next instruction; while an instruction executes, ``pc`` already points after it.
    ``depth`` and ``values`` count the store's active calls and live stack slots, including those of this frame.
    """

    __slots__ = (
        "caller",
        "code",
        "configuration",
        "depth",
        "function",
        "fused",
        "locals",
        "module",
        "pc",
        "stack",
        "store",
        "values",
    )

    # Only ``Configuration.call`` creates frames, and it sets these attributes itself: Python enters an ``__init__``
    # by way of C, which made a recursive function a tenth slower.
    caller: Frame | None
    code: Code
    configuration: Configuration
    depth: int
    function: FunctionInstance
    fused: Sequence[tuple[Any, Any]]
    locals: list[Value]
    module: ModuleInstance
    pc: int
    stack: list[Value]
    store: Store
    values: int

    def pop(self, count: int) -> list[Value]:
        """Pop ``count`` operands; return them in the order in which they were pushed."""
        if count == 1:
            return [self.stack.pop()]
        at = len(self.stack) - count
        operands = self.stack[at:]
        del self.stack[at:]
        return operands

    def charge(self, count: int, *, done: bool = True) -> None:
        """Consume the fuel of a bulk operation, after it is ``done``, as wasmtime does (bench/fuel-facts.md).

        wasmtime treats a small constant length differently: it charges the fuel even if growing failed, and does not
        check the budget afterwards.
        """
        constant = is_small_constant(self.module.valid, self.code.at(self.pc - 2))
        if done or constant:
            self.store.settled_fuel += count
        if done and not constant:
            consumed = self.configuration.fuel_consumed
            if consumed >= self.store.checkpoint_fuel:
                self.store.checkpoint_fuel = self.store.checkpoint(consumed)


class Configuration:
    """An execution: a store, and the frames of one outermost call, innermost first."""

    __slots__ = ("frame", "host_error", "results", "store")

    def __init__(self, store: Store) -> None:
        """Begin with no frames."""
        self.store = store
        self.frame: Frame | None = None
        self.results: list[Value] = []
        self.host_error: RecursionError | None = None

    @property
    def finished(self) -> bool:
        """Whether the outermost call has returned; ``results`` then holds its results."""
        return self.frame is None

    @property
    def fuel_consumed(self) -> int:
        """The fuel consumed in the store up to the next instruction of the innermost frame."""
        frame = self.frame
        return self.store.settled_fuel + (0 if frame is None else frame.code.fuel_before[frame.pc])

    def frames(self) -> Iterator[Frame]:
        """Yield the active frames, innermost first."""
        frame = self.frame
        while frame is not None:
            yield frame
            frame = frame.caller

    def step(self) -> None:
        """Execute one instruction (specification, 4.6). Raises ``Trap`` and ``Exhaustion`` with all frames intact."""
        frame = self.frame
        if frame is None:
            raise Crash("a finished execution cannot step")
        handler, immediate = frame.code.instructions[frame.pc]
        frame.pc += 1
        handler(frame, immediate)

    def run(self) -> None:
        """Execute until the outermost call returns."""
        # This is ``step`` inlined in a loop, on fused code. CPython 3.11 begins to specialize a running function at an
        # unconditional backward jump, which ``while frame is not None`` does not have.
        while True:
            frame = self.frame
            if frame is None:
                return
            handler, immediate = frame.fused[frame.pc]
            frame.pc += 1
            handler(frame, immediate)

    def call(self, function: Function, arguments: list[Value]) -> None:
        """Call a function (specification, 4.6.15): push its frame within the store's limits, or run a host function."""
        if not isinstance(function, FunctionInstance):
            self._call_host(function, arguments)
            return
        code = function.code or code_of(function)
        store = self.store
        caller = self.frame
        if caller is None:
            depth = store.depth + 1
            values = store.values + code.size
            settled = store.settled_fuel
        else:
            depth = caller.depth + 1
            values = caller.values + code.size
            settled = store.settled_fuel + caller.code.fuel_before[caller.pc]
        limits = store.limits
        if depth > limits.call_depth:
            raise Exhaustion(f"{depth} calls would be active: call_depth is {limits.call_depth}")
        if values > limits.stack_values:
            raise Exhaustion(f"{values} stack slots would be in use: stack_values is {limits.stack_values}")
        if code.locals:
            arguments += code.locals
            store.checkpoint_fuel -= len(code.locals)
        frame = Frame()
        frame.configuration = self
        frame.store = store
        frame.caller = caller
        frame.depth = depth
        frame.values = values
        frame.function = function
        frame.module = function.module
        frame.code = code
        frame.fused = code.fused
        frame.locals = arguments
        frame.stack = []
        frame.pc = 0
        store.settled_fuel = settled
        self.frame = frame
        if settled + FUNCTION_ENTRY_FUEL >= store.checkpoint_fuel:
            store.checkpoint_fuel = store.checkpoint(settled + FUNCTION_ENTRY_FUEL)

    def tail_call(self, function: Function) -> None:
        """Call a function in place of the innermost frame (specification, 4.6.15)."""
        frame = self.frame
        assert frame is not None
        arguments = frame.pop(function.arity)
        if isinstance(function, FunctionInstance):
            self._pop_frame(frame)
            self.call(function, arguments)
            return
        try:
            results = self._run_host(function, arguments)
        except UncaughtException as uncaught:
            # The exception propagates to the caller: the replaced frame has no clauses for it.
            self._pop_frame(frame)
            self.throw(uncaught.exception)
        else:
            frame.stack += results
            control.return_(frame, len(results))

    def _call_host(self, function: HostFunction, arguments: list[Value]) -> None:
        frame = self.frame
        if frame is None:
            self.results = self._run_host(function, arguments)
            return
        try:
            frame.stack += self._run_host(function, arguments)
        except UncaughtException as uncaught:
            # The exception left a guest that the host called; it propagates in the guest that called the host.
            self.throw(uncaught.exception)

    def _run_host(self, function: HostFunction, arguments: list[Value]) -> list[Value]:
        """Call a host function, which sees the fuel consumed so far; its exceptions propagate."""
        frame = self.frame
        store = self.store
        probe = None if frame is None else store.probe
        if probe is not None:
            probe.before_host_call(self, function, tuple(arguments))
        fuel = 0 if frame is None else frame.code.fuel_before[frame.pc]
        depth, values = store.depth, store.values
        store.settled_fuel += fuel
        if frame is not None:
            store.depth, store.values = frame.depth, frame.values
        try:
            return function.run(None if frame is None else frame.module, tuple(arguments))
        except RecursionError as error:
            self.host_error = error
            raise
        finally:
            store.depth, store.values = depth, values
            store.settled_fuel -= fuel
            store.checkpoint_fuel = -1
            if probe is not None:
                probe.after_host_call(self)

    def throw(self, exception: ExceptionInstance) -> None:
        """Jump to the innermost catch clause that catches the exception (specification, 4.6.14).

        Raises ``UncaughtException`` if there is none, with all frames intact.
        """
        store = self.store
        if store.probe is not None and self.frame is not None:
            store.probe.before_throw(self, exception)
        for frame in self.frames():
            store.checkpoint_fuel -= len(frame.code.regions)
            clause = frame.code.catching(frame.pc - 1, exception.tag, frame.module.tags)
            if clause is None:
                continue
            self.unwind_to(frame)
            target, height, _, _ = clause.branch
            frame.stack[height:] = [*exception.fields, exception] if clause.reference else exception.fields
            fuel_before = frame.code.fuel_before
            store.settled_fuel += fuel_before[frame.pc] - fuel_before[target]
            frame.pc = target
            return
        raise UncaughtException(exception)

    def unwind_to(self, frame: Frame) -> None:
        """Pop all frames inside an active frame."""
        while (inner := self.frame) is not None and inner is not frame:
            self._pop_frame(inner)

    def _pop_frame(self, frame: Frame) -> None:
        """Pop the innermost frame and settle its fuel."""
        store = self.store
        store.settled_fuel += frame.code.fuel_before[frame.pc]
        caller = self.frame = frame.caller
        if caller is not None:
            store.settled_fuel -= caller.code.fuel_before[caller.pc]
