"""The guest's side of the ABI: its exports with their types, and its JSON responses.

Source: the ABI document, sections "Guest exports" and "JSON".
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from attrs import define, field, frozen

from zenowasm.backends.protocol import FuncType, MemType, Module
from zenowasm.interp.types import I32
from zenowasm.plugin.errors import (
    FunctionNotFoundError,
    LoadPhase,
    MissingMemoryError,
    PluginError,
    ReplyError,
    SignatureError,
)
from zenowasm.plugin.guest.jsonvalue import JSONError, JSONValue, encode, parse_first

INIT = "plugin_init"
REGISTER_SLOTS = "plugin_register_slots"
EXECUTE = "plugin_execute"
CLEANUP = "plugin_cleanup"
ALLOC = "alloc"
MEMORY = "memory"
INITIALIZE = "_initialize"
START = "_start"

EXPORTS: Mapping[str, FuncType] = MappingProxyType(
    {
        INIT: FuncType((), (I32,)),
        REGISTER_SLOTS: FuncType((), (I32,)),
        EXECUTE: FuncType((I32, I32, I32, I32), (I32,)),
        CLEANUP: FuncType((), ()),
        ALLOC: FuncType((I32,), (I32,)),
        INITIALIZE: FuncType((), ()),
        START: FuncType((), ()),
    }
)
"""The functions that a host calls, with their types."""
REQUIRED = (INIT, REGISTER_SLOTS, EXECUTE, ALLOC)
"""The exports without which no slot can be called. ``plugin_cleanup`` is optional: published samples lack it."""
_PHASES = {INIT: LoadPhase.METADATA, REGISTER_SLOTS: LoadPhase.SLOTS}
"""The phase that calls an export. An export without an entry is required for loading the module at all."""
MAX_SLOT_NAME = 256


@frozen
class Metadata:
    """The response of ``plugin_init``."""

    name: str = ""
    version: str = ""
    author: str = ""
    description: str = ""
    license: str = ""
    homepage: str = ""
    config: Mapping[str, str] = field(factory=dict)


@frozen
class InputDefinition:
    """A parameter that a slot declares; ``has_default`` distinguishes a default of null from no default."""

    type: str = "any"
    required: bool = False
    default: JSONValue = None
    has_default: bool = False
    description: str = ""


@frozen
class SlotDefinition:
    """A slot that ``plugin_register_slots`` declares; without ``inputs``, it takes every parameter."""

    name: str
    description: str = ""
    example: str = ""
    inputs: Mapping[str, InputDefinition] = field(factory=dict)
    outputs: Mapping[str, JSONValue] = field(factory=dict)


@define
class Response:
    """The response of ``plugin_execute``."""

    success: bool
    data: dict[str, JSONValue] | None = None
    error: str | None = None


def export_problems(module: Module, plugin: str) -> list[PluginError]:
    """Return an error for each export that is missing or has a wrong type; the cleanup is optional."""
    exports = {export.name: export.type for export in module.exports}
    problems: list[PluginError] = []
    for name, wanted in EXPORTS.items():
        found = exports.get(name)
        if not isinstance(found, FuncType):
            if name in REQUIRED:
                other = "" if found is None else f": it is {found}"
                message = f"function {name} not found in module {plugin}{other}"
                problems.append(FunctionNotFoundError(message, _PHASES.get(name, LoadPhase.MODULE)))
        elif found != wanted:
            problems.append(SignatureError(f"function {name} in module {plugin} is {found}, expected {wanted}"))
    if not isinstance(exports.get(MEMORY), MemType):
        problems.append(MissingMemoryError(f'module {plugin} exports no memory named "{MEMORY}"'))
    return problems


class RequestEncoder:
    """An encoder for requests to ``plugin_execute``; ``context`` is JSON, omitted if empty.

    The part before the parameters is encoded once per slot.
    """

    def __init__(self, context: bytes = b"") -> None:
        self._tail = b',"context":' + context + b"}" if context else b"}"
        self._heads: dict[str, bytes] = {}

    def encode(self, slot: str, parameters: Mapping[str, object]) -> bytes:
        """Encode a request; raises ``JSONError`` if a parameter has no JSON form."""
        head = self._heads.get(slot)
        if head is None:
            head = self._heads[slot] = b'{"slot_name":' + encode(slot) + b',"parameters":'
        return head + encode(parameters) + self._tail


def parse_metadata(data: bytes) -> Metadata:
    """Parse the metadata in the first JSON value of ``data``; raises ``ReplyError``."""
    value = _parse(data, "metadata")
    config = _get(value, "config", dict, "metadata") or {}
    texts = {name: _get(value, name, str, "metadata") or "" for name in _METADATA_TEXTS}
    return Metadata(**texts, config={key: str(item) for key, item in config.items()})


_METADATA_TEXTS = ("name", "version", "author", "description", "license", "homepage")


def parse_slots(data: bytes, limit: int) -> tuple[SlotDefinition, ...]:
    """Parse the slots in the first JSON value of ``data``, at most ``limit``; raises ``ReplyError``.

    If two slots have the same name, the last one counts, as in ZenoEngine. Null means no slots.
    """
    items = _parse(data, "slots", list)
    if items is None:
        return ()
    if len(items) > limit:
        raise ReplyError(f"failed to parse slots JSON: {len(items)} slots, the limit is {limit}")
    slots: dict[str, SlotDefinition] = {}
    for index, item in enumerate(items):
        if not isinstance(item, dict):
            raise ReplyError(f"failed to parse slots JSON: [{index}]: expected an object, found {_kind(item)}")
        slot = _slot(item, index)
        slots[slot.name] = slot
    return tuple(slots.values())


def _slot(item: dict[str, JSONValue], index: int) -> SlotDefinition:
    what = "slots"
    at = f"[{index}]."
    name = _get(item, "name", str, what, at)
    if not name or len(name) > MAX_SLOT_NAME or not name.isprintable():
        raise ReplyError(f"failed to parse slots JSON: [{index}].name: expected a name of printable characters")
    inputs = _get(item, "inputs", dict, what, at) or {}
    return SlotDefinition(
        name,
        _get(item, "description", str, what, at) or "",
        _get(item, "example", str, what, at) or "",
        {key: _input(definition, f"[{index}].inputs.{key}") for key, definition in inputs.items()},
        _get(item, "outputs", dict, what, at) or {},
    )


def _input(item: JSONValue, path: str) -> InputDefinition:
    if not isinstance(item, dict):
        raise ReplyError(f"failed to parse slots JSON: {path}: expected an object, found {_kind(item)}")
    return InputDefinition(
        _get(item, "type", str, "slots", f"{path}.") or "any",
        bool(_get(item, "required", bool, "slots", f"{path}.")),
        item.get("default"),
        item.get("default") is not None,
        _get(item, "description", str, "slots", f"{path}.") or "",
    )


def parse_response(data: bytes) -> Response:
    """Parse the response in the first JSON value of ``data``; raises ``ReplyError``.

    A missing ``success`` is false, and unknown keys are ignored.
    """
    return response_of(_parse(data, "response"))


def response_of(value: dict[str, JSONValue]) -> Response:
    """Convert a parsed object to a response; otherwise like ``parse_response``."""
    if value.keys() <= _RESPONSE_KEYS:
        success, data, error = value.get("success"), value.get("data"), value.get("error")
        fits = (data is None or isinstance(data, dict)) and (error is None or isinstance(error, str))
        if fits and isinstance(success, bool):
            return Response(success, data, error)
    return Response(
        bool(_get(value, "success", bool, "response")),
        _get(value, "data", dict, "response"),
        _get(value, "error", str, "response"),
    )


_RESPONSE_KEYS = frozenset(("success", "data", "error"))


def _parse(data: bytes, what: str, kind: type = dict) -> Any:
    try:
        value = parse_first(data)
    except JSONError as error:
        raise ReplyError(f"failed to parse {what} JSON: {error}") from error
    if value is None:
        return None if kind is list else {}
    if not isinstance(value, kind):
        raise ReplyError(f"failed to parse {what} JSON: expected {_KINDS[kind]}, found {_kind(value)}")
    return value


def _get(value: dict[str, JSONValue], key: str, kind: type, what: str, at: str = "") -> Any:
    """Return the value of ``key``, ``None`` if it is null or missing; ``at`` is the path of ``value``, for errors.

    If the exact key is missing, case is ignored, as in Go's JSON: a Go plugin whose structures have no tags writes
    ``Success``.
    """
    if key in value:
        found = value[key]
    else:
        found = None
        for name, item in value.items():
            if name.lower() == key:
                found = item
                break
    if found is None or isinstance(found, kind):
        return found
    raise ReplyError(f"failed to parse {what} JSON: {at}{key}: expected {_KINDS[kind]}, found {_kind(found)}")


_KINDS: dict[type, str] = {
    dict: "an object",
    list: "a list",
    str: "a string",
    bool: "true or false",
    int: "a number",
    float: "a number",
}


def _kind(value: JSONValue) -> str:
    return "null" if value is None else _KINDS[type(value)]
