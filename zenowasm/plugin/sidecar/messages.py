"""The JSON lines between a host and a plugin's process (ABI document, "Lifecycle").

Beyond the document, as in the original: the host calls ``plugin_init`` and ``plugin_register_slots`` like slots, and
the process may answer these two with only ``{success, data, error}``. This project's additions: ``context`` in a
``guest_call``, as for WebAssembly plugins, and ``call_id`` in a ``host_call``, with which a process that runs several
calls at once names the call.
"""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen

from zenowasm.plugin.guest.jsonvalue import JSONError, JSONValue, encode, parse_whole

_SHOWN = 60
MessageId = str | int


class MessageError(Exception):
    """A line from a process is not a valid message."""


@frozen
class GuestResponse:
    """A response to a call; ``id`` is ``None`` in the short form. ``size`` is the size of the line in bytes."""

    id: str | None
    value: dict[str, JSONValue] = field(repr=False)
    size: int


@frozen
class HostCall:
    """A host call; ``call`` is the id of the slot call that it belongs to, if the process names it."""

    id: MessageId
    function: str
    parameters: dict[str, JSONValue] = field(repr=False)
    call: str | None
    size: int


def guest_call(call: str, slot: str, parameters: Mapping[str, object], context: bytes = b"") -> bytes:
    """Encode the line that calls a slot; ``context`` is JSON, omitted if empty. Raises ``JSONError``."""
    head = encode({"type": "guest_call", "id": call, "slot_name": slot, "parameters": parameters})
    return head[:-1] + (b',"context":' + context if context else b"") + b"}\n"


def host_response(call: MessageId, data: object = None, error: str | None = None) -> bytes:
    """Encode the line that answers a ``host_call``; raises ``JSONError``."""
    answer = {"type": "host_response", "id": call, "success": error is None, "data": data}
    return encode(answer if error is None else {**answer, "error": error}) + b"\n"


def parse_message(line: bytes) -> GuestResponse | HostCall:
    """Parse a line; raises ``MessageError``."""
    try:
        value = parse_whole(line)
    except JSONError as error:
        raise MessageError(f"expected a line of JSON, found {_shown(line)}: {error}") from error
    if not isinstance(value, dict):
        raise MessageError(f"expected an object, found {_shown(line)}")
    kind = value.get("type")
    if kind is None and ("success" in value or "error" in value) and value.get("id") is None:
        return GuestResponse(None, value, len(line))
    if kind == "guest_response":
        return GuestResponse(str(_id(value, "id")), value, len(line))
    if kind == "host_call":
        return _host_call(value, len(line))
    raise MessageError(f"expected a guest_response or a host_call, found {_shown(line)}")


def _host_call(value: dict[str, JSONValue], size: int) -> HostCall:
    function = value.get("function")
    parameters = value.get("parameters")
    if not isinstance(function, str):
        raise MessageError("expected the name of a function in a host_call")
    if parameters is not None and not isinstance(parameters, dict):
        raise MessageError("expected an object as the parameters of a host_call")
    call = None if value.get("call_id") is None else str(_id(value, "call_id"))
    return HostCall(_id(value, "id"), function, parameters or {}, call, size)


def _id(value: dict[str, JSONValue], key: str) -> MessageId:
    found = value.get(key)
    if isinstance(found, str) or (isinstance(found, int) and not isinstance(found, bool)):
        return found
    raise MessageError(f"expected a string as the {key} of a {value['type']}")


def _shown(line: bytes) -> str:
    text = line[: _SHOWN + 1].decode("utf-8", "backslashreplace")
    return repr(text if len(line) <= _SHOWN else text[:_SHOWN] + "…")
