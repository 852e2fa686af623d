"""What the host functions of one plugin instance share: its identity, its permissions, its memory, its running call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from attrs import define

from zenowasm.backends.protocol import Caller
from zenowasm.host.linker import HostFunction, IntegerBody, host_function
from zenowasm.host.memory import MemoryFaultError, TooLongError
from zenowasm.interp.errors import Exhaustion, Trap, TrapCode
from zenowasm.interp.types import I32, ResultType
from zenowasm.plugin.abi import ALLOC
from zenowasm.plugin.guest import Guest
from zenowasm.plugin.jsonvalue import JSONError, JSONValue, encode, parse_first
from zenowasm.plugin.limits import PluginLimits
from zenowasm.plugin.log import PluginLog
from zenowasm.plugin.permissions import Permissions
from zenowasm.zenolang.scope import Scope

MODULE: Final = "env"
POINTER_AND_LENGTH: Final[ResultType] = (I32, I32)
MAX_DEPTH: Final = 16
"""Calls of ``alloc`` from host functions inside one another: each takes the host's own stack."""
_LIMIT_TRAPS = (TrapCode.INTERRUPTED, TrapCode.OUT_OF_FUEL)


class RequestFailedError(Exception):
    """A host function cannot do what it was asked for; the message is what the guest is told."""


@define
class HostContext:
    """The side of one plugin instance that its host functions see.

    Identity and permissions belong to the instance, so they hold in every phase: while the module starts, in
    ``plugin_init``, in ``plugin_register_slots``, in a slot and in ``plugin_cleanup``. ``scope`` is the running slot
    call's scope, ``None`` outside of one. ``damaged`` is set when the guest trapped inside a host function that
    went on: the instance must not be used again.
    """

    guest: Guest
    permissions: Permissions
    log: PluginLog
    environment: Mapping[str, str]
    limits: PluginLimits
    scope: Scope | None = None
    damaged: bool = False
    depth: int = 0

    @property
    def plugin(self) -> str:
        """The plugin's name."""
        return self.guest.plugin

    def read(self, pointer: int, length: int, limit: int, what: str) -> bytes:
        """Return bytes of the guest; raises ``RequestFailedError``: ``failed to read WHAT``."""
        try:
            return self.guest.memory.read(pointer, length, limit)
        except MemoryFaultError as error:
            raise RequestFailedError(f"failed to read {what}") from error
        except TooLongError as error:
            raise RequestFailedError(f"failed to read {what}: {error}") from error

    def read_request(self, pointer: int, length: int) -> dict[str, JSONValue]:
        """Return the JSON object that a guest passes; raises ``RequestFailedError``: ``invalid request JSON: E``."""
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
        """Hand bytes and a NUL to the guest and return the pointer, 0 when the guest has no room for them.

        A guest that traps in its ``alloc`` sees 0 as well, as in the original, but its instance is damaged. Limits
        that are reached there end the call.
        """
        if self.depth >= MAX_DEPTH:
            raise Exhaustion(f"alloc and host functions call each other more than {MAX_DEPTH} deep")
        self.depth += 1
        try:
            (pointer,) = self.guest.call(ALLOC, len(data) + 1)
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

    def reply_data(self, data: dict[str, object]) -> int:
        """Reply ``{"success": true, "data": ...}``, or the error when the data has no JSON form or is too large."""
        try:
            encoded = encode({"success": True, "data": data})
        except JSONError as error:
            return self.reply_error(str(error))
        if len(encoded) > self.limits.request_bytes:
            return self.reply_error(f"the reply is longer than the limit of {self.limits.request_bytes} bytes")
        return self.reply(encoded)

    def reply_error(self, message: str) -> int:
        """Reply ``{"success": false, "error": message}``."""
        return self.reply(encode({"success": False, "error": message}))


def answering(context: HostContext, name: str, body: Callable[[int, int], int]) -> HostFunction:
    """Declare ``(pointer, length) -> pointer``: what ``body`` cannot do is told to the guest as an error reply."""

    def call(caller: Caller, pointer: int, length: int) -> int:
        context.guest.adopt(caller)
        try:
            return body(pointer, length)
        except RequestFailedError as error:
            return context.reply_error(str(error))

    return host_function(MODULE, name, POINTER_AND_LENGTH, call)


def succeeding(context: HostContext, name: str, body: Callable[[int, int], None]) -> HostFunction:
    """Declare ``(pointer, length) -> 1 or 0``: 0 when ``body`` cannot do it, without a reason."""

    def call(caller: Caller, pointer: int, length: int) -> int:
        context.guest.adopt(caller)
        try:
            body(pointer, length)
        except RequestFailedError:
            return 0
        return 1

    return host_function(MODULE, name, POINTER_AND_LENGTH, call)


def plain(
    context: HostContext, name: str, parameters: ResultType, body: Callable[..., int | None], results: ResultType
) -> HostFunction:
    """Declare a function of any other form."""

    def call(caller: Caller, *arguments: int) -> int | None:
        context.guest.adopt(caller)
        return body(*arguments)

    typed: IntegerBody = call
    return host_function(MODULE, name, parameters, typed, results=results)
