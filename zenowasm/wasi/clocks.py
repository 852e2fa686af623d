"""``clock_*``: the four clocks (``witx/typenames.witx``, ``$clockid``), all in nanoseconds."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from zenowasm.host.memory import GuestMemory
from zenowasm.wasi.errno import Errno
from zenowasm.wasi.errors import WasiError
from zenowasm.wasi.state import Implementation, State
from zenowasm.wasi.types import Clock

_RESOLUTION_NS = 1


def clock_res_get(_: State, memory: GuestMemory, clock: int, result: int) -> None:
    """Write the resolution of a clock to ``result``."""
    _known(clock)
    memory.write_unsigned(result, _RESOLUTION_NS, 8)


def clock_time_get(state: State, memory: GuestMemory, clock: int, _precision: int, result: int) -> None:
    """Write the time of a clock to ``result``."""
    memory.write_unsigned(result, now(state, _known(clock)), 8)


def now(state: State, clock: Clock) -> int:
    """Return the time of a clock. A guest has one thread, and its CPU time starts at 0 when the guest starts."""
    match clock:
        case Clock.REALTIME:
            return state.context.realtime()
        case Clock.MONOTONIC:
            return state.context.monotonic()
        case Clock.PROCESS_CPUTIME | Clock.THREAD_CPUTIME:
            return max(state.context.cpu() - state.cpu_origin, 0)


def _known(clock: int) -> Clock:
    try:
        return Clock(clock)
    except ValueError:
        raise WasiError(Errno.INVAL) from None


FUNCTIONS: Mapping[str, Implementation] = MappingProxyType(
    {function.__name__: function for function in (clock_res_get, clock_time_get)}
)
