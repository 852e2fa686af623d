"""Calls whose parameters and results are numbers, over wasmtime's unchecked interface.

It takes one buffer for arguments and results, of 16 bytes each, and checks nothing: what is called is what the type of
the function says. Values of other types go through ``wasmtime_val_t`` (see ``store``), which costs ten times as much.
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
"""How a value is read. A float that comes from a user is checked, so that only integers are written by ``struct``."""
_INTEGERS: Final = (I32, I64)


def takes(type: FuncType) -> bool:
    """Return whether functions of this type can be called here, from the host or from a guest."""
    return all(it in _INTEGERS for it in type.parameters) and all(it in _FORMATS for it in type.results)


def gives(type: FuncType) -> bool:
    """Return whether functions of this type can be a host's."""
    return all(it in _FORMATS for it in type.parameters) and all(it in _INTEGERS for it in type.results)


class _Layout:
    """Where arguments and results are in a buffer: both begin at its start."""

    def __init__(self, type: FuncType) -> None:
        self.slots = max(len(type.parameters), len(type.results), 1)
        self.arguments = _struct(type.parameters)
        self.results = _struct(type.results)


def _struct(types: ResultType) -> Struct:
    return Struct("=" + "".join(_FORMATS[it] for it in types))


class _Buffer:
    """Space for one call of a function: its values, and the pointer to the trap that ended it.

    ``write``, ``call`` and ``read`` have everything but the arguments bound, since they are used again and again.
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
    """Return what calls a guest's function; ``failed`` tells what to raise for a failure.

    The function raises ``TypeError`` and ``ValueError`` for arguments that do not fit, and what ``failed`` returns.
    """
    raw = capi.function_copy(function)
    make = partial(_Buffer, capi.context_address(execution.raw), ctypes.addressof(raw), _Layout(type))
    uncaught, most_nested = execution.uncaught, execution.most_nested
    integers, class_of = [int] * len(type.parameters), builtins.type
    # A call takes a buffer out and puts it back, since a host function or a signal handler may call the same function.
    free = [make()]

    def call(*arguments: Value, _raw: object = raw) -> tuple[Value, ...]:
        if list(map(class_of, arguments)) != integers:  # `struct` takes whatever has an `__index__`
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
    """Return arguments that ``struct`` does not take as it takes them: integers may be given signed."""
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
    """Return what runs when a guest calls a host function: from environment, caller, buffer and its slots to a trap.

    ``caller`` is what ``body`` sees of the instance that calls; its address is set for as long as the body runs.
    ``failed`` makes a trap of an exception, and is told whether ``body`` raised it.
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
            execution.stopped_by = None  # of a guest that the body called and whose failure it handled
            execution.time_over = False
            if returned.__class__ is not tuple or list(map(class_of, returned)) != integers:
                returned = _returned(type, count, returned)
            try:
                write(values, 0, *returned)
            except struct.error:
                write(values, 0, *_returned(type, count, returned))
        except BaseException as error:  # noqa: BLE001 - no exception can cross wasmtime's frames: it is handed on
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
