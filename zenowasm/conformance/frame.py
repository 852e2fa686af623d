"""Builds a scenario's guest: fills in the frame and assembles it with the project's own text parser."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Final

from zenowasm.conformance.scenario import Ask, Guest, ScenarioError
from zenowasm.interp.binary import encode
from zenowasm.interp.errors import WasmError
from zenowasm.interp.text import parse_module

_METADATA: Final = '{"name":"guest","version":"1.0.0"}'
_SLOTS: Final = '[{"name":"guest.run"}]'
_RESPONSE: Final = '{"success":true,"data":{"answer":42}}'
_TEXTS_AT: Final = 4096
_TEXTS_END: Final = 40960
_ALLOC: Final = """global.get $heap
    (global.set $heap (i32.and (i32.add (i32.add (global.get $heap) (local.get 0)) (i32.const 7)) (i32.const -8)))"""
_FLAGS: Final = ("host_scope_set", "host_file_write")
_RAW: Final = ("host_env_get",)
PHASES: Final = ("execute", "init", "register", "cleanup", "start")
_LAST: Final = '\nif __name__ == "__main__":\n'
Fill = Callable[[str], str]


def binary(guest: Guest, folder: Path, fill: Fill) -> bytes:
    """Return the guest's module, or its program if it is a process.

    ``folder`` is the scenarios' folder, and ``fill`` replaces placeholders in the texts, such as the server's port.
    Raises ``ScenarioError`` if the guest's parts do not form a module in the text format.
    """
    try:
        if guest.process is not None:
            return program(fill(guest.process)).encode()
        if guest.bytes is not None:
            return bytes.fromhex(guest.bytes)
        if guest.file is not None:
            return (folder / guest.file).read_bytes()
        return encode(parse_module(fill(guest.module) if guest.module is not None else frame(guest, fill)))
    except (OSError, SyntaxError, ValueError, WasmError) as error:
        raise ScenarioError(f"the guest cannot be made: {error}") from error


def program(text: str) -> str:
    """Return the process frame with ``text`` inserted; raises ``SyntaxError`` if the result is not Python."""
    head, last, tail = (files("zenowasm.conformance") / "process_frame.py").read_text("utf-8").rpartition(_LAST)
    whole = f"{head}\n{text.rstrip()}\n\n{last}{tail}"
    compile(whole, "guest", "exec")
    return whole


def frame(guest: Guest, fill: Fill) -> str:
    """Return the frame with the guest's parts inserted."""
    asks = (guest.ask, *guest.asks) if guest.ask is not None else guest.asks
    if guest.phase not in PHASES:
        raise ScenarioError(f"unknown phase {guest.phase!r}: expected one of {', '.join(PHASES)}")
    texts, places = _texts([fill(ask.text).encode() for ask in asks])
    bodies = {
        "init": guest.init or "i32.const 1024",
        "register": guest.register or "i32.const 2048",
        "execute": guest.execute or "i32.const 65536",
        "cleanup": guest.cleanup or "",
        "start": "",
    }
    calls = [_call(ask, *place) for ask, place in zip(asks, places, strict=True)]
    if guest.ask is not None and guest.phase == "execute":
        bodies["execute"] = "\n".join([*map(_said, calls[1:]), calls[0]])
    elif calls:
        bodies[guest.phase] = "\n".join([*map(_said, calls), bodies[guest.phase]])
    parts = {
        "imports": "\n".join([*_imports(asks), guest.imports]),
        "memory": _memory(guest),
        "exports": _exports(guest, bodies),
        "metadata": _quoted(fill(_METADATA if guest.metadata is None else guest.metadata)),
        "slots": _quoted(fill(_SLOTS if guest.slots is None else guest.slots)),
        "texts": texts,
        "response": _quoted(fill(_RESPONSE if guest.response is None else guest.response)),
        "fields": fill(guest.fields),
    }
    # Split first and then filled, so that an inserted text cannot be mistaken for a placeholder.
    pieces = (files("zenowasm.conformance") / "frame.wat").read_text("utf-8").split("{")
    return pieces[0] + "".join(_filled(piece, parts) for piece in pieces[1:])


def _filled(piece: str, parts: dict[str, str]) -> str:
    name, brace, rest = piece.partition("}")
    return parts[name] + rest if brace and name in parts else "{" + piece


def _texts(texts: list[bytes]) -> tuple[str, list[tuple[int, int]]]:
    """Return data segments for the texts, each with a NUL, and the address and length of each text."""
    fields, places, at = [], [], _TEXTS_AT
    for text in texts:
        fields.append(f'(data (i32.const {at}) {_quoted(text)} "\\00")')
        places.append((at, len(text)))
        at += len(text) + 1
    if at > _TEXTS_END:
        raise ScenarioError(f"the texts that a guest passes are longer than {_TEXTS_END - _TEXTS_AT} bytes")
    return "\n".join(fields), places


def _call(ask: Ask, at: int, length: int) -> str:
    """Return instructions that call the function and push the address of a response."""
    pointer = at if ask.pointer is None else ask.pointer
    size = length if ask.length is None else ask.length
    call = f"(call ${ask.function} (i32.const {pointer}) (i32.const {size}))"
    if ask.function in _FLAGS:
        return f"(call $flag {call})"
    return f"(call $raw {call})" if ask.function in _RAW else call


def _said(call: str) -> str:
    return f"(call $say {call})"


def _imports(asks: tuple[Ask, ...]) -> list[str]:
    functions = dict.fromkeys(ask.function for ask in asks)
    return [f'(import "env" "{name}" (func ${name} (param i32 i32) (result i32)))' for name in functions]


def _memory(guest: Guest) -> str:
    if "memory" in guest.without:
        return "(memory 4)"
    return f'(memory (export "memory") {guest.memory or "4"})'


def _exports(guest: Guest, bodies: dict[str, str]) -> str:
    heads = {
        "plugin_init": "(func $init {export} (result i32) " + bodies["init"],
        "plugin_register_slots": "(func $register {export} (result i32) " + bodies["register"],
        "plugin_execute": "(func $execute {export} (param i32 i32 i32 i32) (result i32) (local $i i32) "
        + bodies["execute"],
        "plugin_cleanup": "(func $cleanup {export} " + bodies["cleanup"],
        "alloc": "(func $alloc {export} (param i32) (result i32) " + (guest.alloc or _ALLOC),
    }
    exported = [
        head.replace("{export}", "" if name in guest.without else f'(export "{name}")') + ")"
        for name, head in heads.items()
    ]
    start = ["(func $begin " + bodies["start"] + ") (start $begin)"] if bodies["start"] else []
    return "\n".join(exported + start)


def _quoted(text: str | bytes) -> str:
    data = text.encode() if isinstance(text, str) else text
    return '"' + "".join(f"\\{byte:02x}" for byte in data) + '"'
