"""Calls whose parameters and results are numbers, through wasmtime's unchecked interface.

That interface has one buffer for arguments and results, with 16 bytes for each, and checks nothing; the function's type
determines the layout. Other values go through ``wasmtime_val_t`` (see ``store``), which costs ten times as much.
"""

from __future__ import annotations

import builtins
import ctypes
import struct
from collections.abc import Callable, Sequence
from functools import partial
from math import inf
from struct import Struct
from time import monotonic
from typing import Any, Final

import wasmtime

from zenowasm.backends.wasmtime import capi
from zenowasm.backends.wasmtime.callbacks import buffer as buffer_at
from zenowasm.backends.wasmtime.execution import Execution
from zenowasm.interp.mistakes import argument_count
from zenowasm.interp.runtime.values import Value, check_values
from zenowasm.interp.types import F64, I32, I64, FuncType, ResultType, ValType

_FORMATS: Final[dict[ValType, str]] = {I32: "I12x", I64: "Q8x", F64: "d8x"}
"""The formats of values. Floats from Python must be checked first, so ``struct`` writes only integers."""
_INTEGERS: Final = (I32, I64)


def takes(type: FuncType) -> bool:
    """Return whether this module can call functions of this type, whether of the host or of a guest."""
    return all(it in _INTEGERS for it in type.parameters) and all(it in _FORMATS for it in type.results)


def gives(type: FuncType) -> bool:
    """Return whether this module can run host functions of this type."""
    return all(it in _FORMATS for it in type.parameters) and all(it in _INTEGERS for it in type.results)


class _Layout:
    """The layout of arguments and results in a buffer; both begin at its start."""

    def __init__(self, type: FuncType) -> None:
        self.slots = max(len(type.parameters), len(type.results), 1)
        self.arguments = _struct(type.parameters)
        self.results = _struct(type.results)


def _struct(types: ResultType) -> Struct:
    return Struct("=" + "".join(_FORMATS[it] for it in types))


class _Buffer:
    """The memory for one call of a function: its values, and the pointer to the trap that ended it.

    ``write``, ``call`` and ``read`` are bound to everything except the arguments, since a buffer is reused many times.
    """

    __slots__ = ("call", "read", "trap", "values", "write")

    def __init__(self, context: int, function: int, layout: _Layout) -> None:
        values = self.values = (ctypes.c_uint64 * (2 * layout.slots))()
        self.trap = ctypes.c_void_p()
        self.write = partial(layout.arguments.pack_into, values, 0)
        self.read = partial(layout.results.unpack_from, values)
        places = (context, function, ctypes.addressof(values), layout.slots, ctypes.addressof(self.trap))
        self.call = partial(capi.call_unchecked, *map(capi.argument, places))


def guest_entry(
    execution: Execution, function: wasmtime.Func, type: FuncType, failed: Callable[[capi.Failure], BaseException]
) -> Callable[..., tuple[Value, ...]]:
    """Return a function that calls a guest function; ``failed`` converts a failure to an exception.

    The function raises ``TypeError`` and ``ValueError`` for arguments that do not fit, and the exception of ``failed``.
    """
    raw = capi.function_copy(function)
    make = partial(_Buffer, capi.context_address(execution.raw), ctypes.addressof(raw), _Layout(type))
    uncaught, most_nested = execution.uncaught, execution.most_nested
    integers, class_of = [int] * len(type.parameters), builtins.type
    # Each call removes a buffer and puts it back, since a host function or signal handler may call the same function.
    free = [make()]

    def call(*arguments: Value, _raw: object = raw) -> tuple[Value, ...]:
        if list(map(class_of, arguments)) != integers:  # `struct` accepts any object with an `__index__`
            arguments = tuple(_checked(type, arguments))
        buffer = free.pop() if free else make()
        try:
            buffer.write(*arguments)
        except struct.error:
            buffer.write(*_checked(type, arguments))
        nesting = execution.nesting
        if nesting > most_nested or not (nesting or execution.shared):
            execution.admit(nesting)
        try:
            execution.nesting = nesting + 1
            error = buffer.call()
        finally:
            execution.nesting = nesting
        if error or buffer.trap or uncaught:
            failure = capi.failure(error, buffer.trap.value)
            raise execution.take_uncaught() if uncaught else failed(failure)
        results = buffer.read()
        free.append(buffer)
        return results

    return call


def _checked(type: FuncType, arguments: Sequence[Value]) -> list[Value]:
    """Check and convert arguments that ``struct`` cannot write directly, such as negative integers."""
    if len(arguments) != len(type.parameters):
        raise argument_count(type, len(arguments))
    return check_values(type.parameters, arguments)


def host_entry(
    execution: Execution,
    type: FuncType,
    body: Callable[[Any, tuple[Value, ...]], Sequence[Value]],
    caller: capi.HasAddress,
    failed: Callable[[BaseException, bool], int],
) -> Callable[[int, int, Any, int], int]:
    """Return the entry of a host function, which takes environment, caller, buffer and slots, and returns a trap or 0.

    ``caller`` represents the calling instance to ``body``; its address is set while the body runs. ``failed`` converts
    an exception to a trap; its second argument is whether ``body`` raised the exception.
    """
    layout = _Layout(type)
    size = 16 * layout.slots
    count = len(type.results)
    read, write = layout.arguments.unpack_from, layout.results.pack_into
    integers, class_of = [int] * count, builtins.type
    uncaught = execution.uncaught
    has_clock = execution.has_clock

    def enter(_environment: int, raw_caller: int, raw_values: Any, _slots: int) -> int:
        if uncaught:
            return capi.trap_address(wasmtime.Trap("the host function before could not be entered"))
        in_body = False
        caller_before = caller.address
        try:
            caller.address = raw_caller
            values = buffer_at(raw_values, size)
            arguments = read(values)
            in_body = True
            returned = body(caller, arguments)
            in_body = False
            execution.stopped_by = None  # clear a nested guest's failure that the body handled
            execution.time_over = False
            if returned.__class__ is not tuple or list(map(class_of, returned)) != integers:
                returned = _returned(type, count, returned)
            try:
                write(values, 0, *returned)
            except struct.error:
                write(values, 0, *_returned(type, count, returned))
        except BaseException as error:  # noqa: BLE001 - no exception can cross wasmtime's frames
            return failed(error, in_body)
        finally:
            caller.address = caller_before
        if has_clock and (monotonic() >= execution.deadline or (execution.cpu_end != inf and execution.expired())):
            return capi.trap_address(capi.new_trap(wasmtime.TrapCode.INTERRUPT))
        return 0

    return enter


def _returned(type: FuncType, count: int, values: Sequence[Value]) -> list[Value]:
    if not isinstance(values, Sequence) or len(values) != count:
        raise TypeError(f"a host function of type {type} returned {values!r}")
    return check_values(type.results, values)
