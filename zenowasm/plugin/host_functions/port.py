"""Reads requests from a guest's memory and writes replies to it."""

from __future__ import annotations

from typing import Final

from attrs import define

from zenowasm.host.memory import MemoryFaultError, TooLongError
from zenowasm.interp.errors import Trap, TrapCode
from zenowasm.plugin.configuration.limits import PluginLimits
from zenowasm.plugin.errors import NestedTooDeep
from zenowasm.plugin.guest.abi import ALLOC
from zenowasm.plugin.guest.exports import Guest
from zenowasm.plugin.guest.jsonvalue import JSONError, JSONValue, encode, parse_first
from zenowasm.plugin.host_functions.context import RequestFailedError

MAX_DEPTH: Final = 16
"""The deepest nesting of ``alloc`` calls by host functions; each level uses the host's stack."""
_LIMIT_TRAPS = (TrapCode.INTERRUPTED, TrapCode.OUT_OF_FUEL)


@define(eq=False)
class GuestPort:
    """Bounded access to one guest's memory for host functions.

    ``damaged`` is set if the guest trapped inside a host function that continued: the instance must not be used again.
    """

    guest: Guest
    limits: PluginLimits
    damaged: bool = False
    depth: int = 0

    def read(self, pointer: int, length: int, limit: int, what: str) -> bytes:
        """Read bytes of the guest; raises ``RequestFailedError``: ``failed to read WHAT``."""
        try:
            return self.guest.memory.read(pointer, length, limit)
        except MemoryFaultError as error:
            raise RequestFailedError(f"failed to read {what}") from error
        except TooLongError as error:
            raise RequestFailedError(f"failed to read {what}: {error}") from error

    def read_request(self, pointer: int, length: int) -> dict[str, JSONValue]:
        """Read the JSON object that a guest passes; raises ``RequestFailedError``: ``invalid request JSON: E``."""
        data = self.read(pointer, length, self.limits.host_request_bytes, "request")
        try:
            value = parse_first(data)
        except JSONError as error:
            raise RequestFailedError(f"invalid request JSON: {error}") from error
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise RequestFailedError("invalid request JSON: expected an object")
        return value

    def reply(self, data: bytes) -> int:
        """Copy bytes and a NUL into the guest and return the pointer, 0 if the guest cannot allocate memory for them.

        A guest that traps in its ``alloc`` receives 0 too, as in the original, but its instance is damaged. A limit
        reached in ``alloc`` ends the call.
        """
        if self.depth >= MAX_DEPTH:
            raise NestedTooDeep(MAX_DEPTH)
        self.depth += 1
        try:
            (pointer,) = self.guest.calls[ALLOC](len(data) + 1)
        except Trap as error:
            if error.code in _LIMIT_TRAPS:
                raise
            self.damaged = True
            return 0
        finally:
            self.depth -= 1
        if pointer == 0:
            return 0
        try:
            self.guest.memory.write(pointer, data + b"\0")
        except MemoryFaultError:
            return 0
        return int(pointer)

    def encoded(self, data: dict[str, object]) -> bytes:
        """Return the reply ``{"success": true, "data": ...}``.

        Raises ``RequestFailedError`` if the data has no JSON form or is too large.
        """
        try:
            encoded = encode({"success": True, "data": data})
        except JSONError as error:
            raise RequestFailedError(str(error)) from error
        if len(encoded) > self.limits.request_bytes:
            raise RequestFailedError(f"the reply is longer than the limit of {self.limits.request_bytes} bytes")
        return encoded
