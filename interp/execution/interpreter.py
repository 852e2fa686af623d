"""Invocation by the embedder (specification, 4.7.3), and the evaluation of constant expressions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress

from zenowasm.interp.binary import decode_names
from zenowasm.interp.errors import Crash, HostExhaustion, Trap, WasmError, nested_too_deep
from zenowasm.interp.events import Paused, Probe
from zenowasm.interp.execution.code import constant_code
from zenowasm.interp.execution.configuration import Configuration, Frame
from zenowasm.interp.instructions import TABLE
from zenowasm.interp.limits import ExecutionLimits
from zenowasm.interp.mistakes import argument_count
from zenowasm.interp.runtime.instances import Function, ModuleInstance
from zenowasm.interp.runtime.startup import Meter, is_small_constant
from zenowasm.interp.runtime.store import Store
from zenowasm.interp.runtime.values import Value, check_values
from zenowasm.interp.syntax.module import Expression, Instruction
from zenowasm.interp.validation import ValidModule

_MOST_NAMED_FRAMES = 64
_STACK_USED_UP = "the host's own stack is used up"
_I32_CONST = TABLE.by_mnemonic["i32.const"]


def new_store(limits: ExecutionLimits | None = None) -> Store:
    """Create an empty store whose functions this interpreter runs."""
    return Store(limits or ExecutionLimits(), _invoker)


def _invoker(store: Store) -> Callable[[Function, tuple[Value, ...]], tuple[Value, ...]]:
    return lambda function, arguments: invoke(store, function, arguments)


def invoke(store: Store, function: Function, arguments: tuple[Value, ...]) -> tuple[Value, ...]:
    """Invoke a function for the embedder and return its results (specification, 4.7.3).

    Raises ``TypeError`` or ``ValueError`` if the arguments do not fit, ``Trap``, ``Exhaustion``, and any exception of a
    host function. The store stays usable in every case.
    """
    checked = _checked(function, arguments)
    if store.nesting > store.limits.nested_calls:
        raise nested_too_deep(store.limits.nested_calls)
    configuration = Configuration(store)
    probe = store.probe
    # This is ``_active``, inlined: a context manager would add half the time of a short call.
    store.nesting += 1
    try:
        if probe is None:
            configuration.call(function, checked)
            configuration.run()
        else:
            probe.entered(configuration)
            with suppress(Paused):
                configuration.call(function, checked)
            _observe(configuration, probe)
    except RecursionError as error:
        if error is configuration.host_error:
            raise  # from a host function
        raise HostExhaustion(_STACK_USED_UP) from None
    except WasmError as error:
        _locate(error, configuration)
        if probe is not None:
            probe.before_unwinding(configuration, error)
        raise
    finally:
        if probe is not None:
            probe.left(configuration)
        if configuration.frame is not None:
            store.settled_fuel = configuration.fuel_consumed
        store.nesting -= 1
    return tuple(configuration.results)


def resume(configuration: Configuration, probe: Probe) -> tuple[Value, ...]:
    """Continue an outermost execution that ``state.restore`` made, until it returns; raises the errors of ``invoke``.

    The store's probe sees it begin and end as if it were called.
    """
    with _active(configuration, probe):
        probe.entered(configuration)
        _observe(configuration, probe)
    return tuple(configuration.results)


class PausedCall:
    """An invocation that executes step by step and is paused in between (specification, 4.7.3).

    While it is paused, no part of it is on Python's stack, and it does not reserve the store, in which other calls are
    allowed. Calls made by a host function run to completion. Raises the errors of ``invoke``; a failed call is over,
    with its frames intact in ``configuration``.
    """

    __slots__ = ("configuration",)

    def __init__(self, store: Store, function: Function, arguments: tuple[Value, ...]) -> None:
        """Begin a call; a host function runs at once."""
        checked = _checked(function, arguments)
        self.configuration = Configuration(store)
        with _active(self.configuration), suppress(Paused):
            self.configuration.call(function, checked)

    def run_until(self, due: Callable[[Frame], bool]) -> None:
        """Execute at least one instruction, until ``due`` is true for the innermost frame or the call has returned."""
        configuration = self.configuration
        with _active(configuration):
            while True:
                with suppress(Paused):  # of a session that watches the same store
                    configuration.step()
                if configuration.frame is None or due(configuration.frame):
                    return


@contextmanager
def _active(configuration: Configuration, probe: Probe | None = None) -> Iterator[None]:
    """Make a configuration the innermost active invocation, and settle its fuel afterwards.

    The probe sees what goes wrong, and the end.
    """
    store = configuration.store
    if store.nesting > store.limits.nested_calls:
        raise nested_too_deep(store.limits.nested_calls)
    store.nesting += 1
    store.settled_fuel -= configuration.fuel_consumed - store.settled_fuel
    try:
        yield
    except RecursionError as error:
        if error is configuration.host_error:
            raise  # from a host function
        raise HostExhaustion(_STACK_USED_UP) from None
    except WasmError as error:
        _locate(error, configuration)
        if probe is not None:
            probe.before_unwinding(configuration, error)
        raise
    finally:
        if probe is not None:
            probe.left(configuration)
        store.settled_fuel = configuration.fuel_consumed
        store.nesting -= 1


def _checked(function: Function, arguments: tuple[Value, ...]) -> list[Value]:
    parameters = function.type.parameters
    if len(arguments) != len(parameters):
        raise argument_count(function.type, len(arguments))
    return check_values(parameters, arguments)


def _observe(configuration: Configuration, probe: Probe) -> None:
    """Run until the outermost call returns; pause before every instruction, or where the code is armed."""
    while not configuration.finished:
        probe.before_instruction(configuration)
        try:
            if not configuration.finished:  # the probe may have returned from the outermost call
                configuration.step()  # past the instruction at which it paused
            if not probe.every:
                configuration.run()
        except Paused:
            pass


def _locate(error: WasmError, configuration: Configuration) -> None:
    """Add the backtrace to a trap, and the function and offset unless it already has them."""
    frame = configuration.frame
    if not isinstance(error, Trap) or frame is None:
        return
    named: list[str] = []
    places: list[int | None] = []
    for active in configuration.frames():
        if len(named) == _MOST_NAMED_FRAMES:
            named.append("...")
            places.append(None)
            break
        names = _function_names(active.module.valid)
        named.append(names.get(active.function.index, f"function {active.function.index}"))
        offsets = active.code.body.expression.offsets
        places.append(offsets[max(active.pc - 1, 0)] if offsets else None)
    error.backtrace += tuple(named)
    error.offsets += tuple(places)
    if error.function is None:
        error.function, error.offset = frame.function.index, places[0]


def _function_names(valid: ValidModule) -> Mapping[int, str]:
    if valid.function_names is None:
        valid.function_names = decode_names(valid.module).functions
    return valid.function_names


class _ConstantFrame:
    """The part of a frame that constant instructions use."""

    __slots__ = ("latest", "meter", "module", "stack", "store")

    def __init__(self, module: ModuleInstance, meter: Meter | None) -> None:
        self.module = module
        self.store = module.store
        self.meter = meter
        self.stack: list[Value] = []
        self.latest: Instruction | None = None

    pop = Frame.pop

    def charge(self, count: int) -> None:
        """Charge for a bulk operation, whose length the latest instruction pushed."""
        if self.meter is not None and self.latest is not None:
            self.meter.charge_bulk(count, small=is_small_constant(self.module.valid, self.latest))


def evaluate(module: ModuleInstance, expression: Expression, meter: Meter | None = None) -> Value:
    """Compute a constant expression of a valid module (specification, 4.6.17); charge its instructions to the meter."""
    first = expression.instructions[0]
    if first.opcode is _I32_CONST and len(expression.instructions) == 2:  # the most frequent form by far
        if meter is not None:
            meter.charge(first.opcode.fuel)
        return int(first.immediates[0])
    frame = _ConstantFrame(module, meter)
    for instruction, (handler, immediate) in zip(expression.instructions, constant_code(expression), strict=False):
        if meter is not None:
            meter.charge(instruction.opcode.fuel)
        handler(frame, immediate)
        frame.latest = instruction
    if len(frame.stack) != 1:
        raise Crash("a constant expression left more than its value")
    return frame.stack[0]
