"""The 46 functions of WASI preview 1 for one guest, as host functions for any engine.

Pointers are unsigned i32; structures are little-endian, with the layout of the witx files. Every failure returns an
error number, a pointer outside memory ``EFAULT``: ``ProcExit`` is the only exception that a guest can cause.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from zenowasm.backends.protocol import Caller
from zenowasm.closing import Closing
from zenowasm.host.linker import HostFunction, IntegerBody, caller_memory, host_function
from zenowasm.host.memory import MemoryFaultError, TooLongError
from zenowasm.wasi import clocks, files, folders, paths, poll, process, sockets
from zenowasm.wasi.context import WasiContext
from zenowasm.wasi.errno import Errno, errno_of
from zenowasm.wasi.errors import WasiError
from zenowasm.wasi.signatures import MODULE, PARAMETERS, results
from zenowasm.wasi.state import Implementation, State

_FUNCTIONS: Mapping[str, Implementation] = MappingProxyType(
    {
        name: function
        for chapter in (clocks, files, folders, paths, poll, process, sockets)
        for name, function in chapter.FUNCTIONS.items()
    }
)


class Preview1(Closing):
    """The functions of one guest, and its open descriptors, which ``close`` releases.

    The constructor raises ``OSError`` if the descriptor of a preopened folder cannot be duplicated.
    """

    def __init__(self, context: WasiContext) -> None:
        self._state = State(context)

    def close(self) -> None:
        """Close all of the guest's descriptors. Call this when the instance is no longer used."""
        self._state.descriptors.close_all()

    def functions(self) -> tuple[HostFunction, ...]:
        """Return all 46 functions of preview 1."""
        return tuple(
            host_function(MODULE, name, parameters, self._body(name), results=results(name))
            for name, parameters in PARAMETERS.items()
        )

    def _body(self, name: str) -> IntegerBody:
        if name in process.WITHOUT_MEMORY:
            return _without_memory(self._state, process.WITHOUT_MEMORY[name])
        return _answering(self._state, _FUNCTIONS[name])


def _without_memory(state: State, implementation: Implementation) -> IntegerBody:
    def body(_: Caller, *arguments: int) -> int:
        implementation(state, None, *arguments)
        return Errno.SUCCESS

    return body


def _answering(state: State, implementation: Implementation) -> IntegerBody:
    """Pass the guest's memory to an implementation and turn its exceptions into error numbers."""

    def body(caller: Caller, *arguments: int) -> int:
        memory = caller_memory(caller)
        if memory is None:
            return Errno.FAULT
        try:
            implementation(state, memory, *arguments)
        except WasiError as error:
            return error.errno
        except MemoryFaultError:
            return Errno.FAULT
        except TooLongError:
            return Errno.NAMETOOLONG
        except OSError as error:
            return errno_of(error)
        return Errno.SUCCESS

    return body
