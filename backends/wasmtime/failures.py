"""From wasmtime's errors to those of ``zenowasm.interp.errors``."""

from __future__ import annotations

import re
from collections.abc import Iterable

import wasmtime

from zenowasm.interp.errors import (
    Crash,
    DecodeError,
    Exhaustion,
    LimitError,
    LinkError,
    Trap,
    TrapCode,
    UncaughtException,
    ValidationError,
    WasmError,
)

_OFFSET = re.compile(r"at offset (0x[0-9a-f]+|\d+)")
_WRAPPING = re.compile(r"^(\d+: )?(Invalid input WebAssembly code at offset \d+: )?|\s*\(at offset 0x[0-9a-f]+\)$")
_LIMIT = re.compile(
    r"count exceeds limit of|implementation limit|size (is )?out of bounds|nesting is too deep"
    r"|exceeds (memory|table) limits|(instance|memory|table) count too high|maximum number of"
)
_MALFORMED = re.compile(
    r"magic header|unknown binary version|unexpected (end|data|content|eof)|control frames remain|trailing data"
    r"|section (out of order|size mismatch)|expected section|data count|function (and code )?section"
    r"|malformed|illegal opcode|unknown 0x[0-9a-f]+ subopcode|zero byte|too many locals: locals exceed maximum"
    r"|input was not valid utf-8|invalid (var_|u\d|leading byte|flags byte|table encoding|value type"
    r"|memory limits flags|table resizable limits flags|boolean value)"
)
"""How wasmparser's messages about malformed modules begin; it knows no other distinction from invalid ones."""

_TRAPS = {
    wasmtime.TrapCode.MEMORY_OUT_OF_BOUNDS: TrapCode.OUT_OF_BOUNDS_MEMORY_ACCESS,
    wasmtime.TrapCode.TABLE_OUT_OF_BOUNDS: TrapCode.OUT_OF_BOUNDS_TABLE_ACCESS,
    wasmtime.TrapCode.INDIRECT_CALL_TO_NULL: TrapCode.UNINITIALIZED_ELEMENT,
    wasmtime.TrapCode.BAD_SIGNATURE: TrapCode.INDIRECT_CALL_TYPE_MISMATCH,
    wasmtime.TrapCode.INTEGER_OVERFLOW: TrapCode.INTEGER_OVERFLOW,
    wasmtime.TrapCode.INTEGER_DIVISION_BY_ZERO: TrapCode.INTEGER_DIVIDE_BY_ZERO,
    wasmtime.TrapCode.BAD_CONVERSION_TO_INTEGER: TrapCode.INVALID_CONVERSION_TO_INTEGER,
    wasmtime.TrapCode.UNREACHABLE: TrapCode.UNREACHABLE,
    wasmtime.TrapCode.INTERRUPT: TrapCode.INTERRUPTED,
    wasmtime.TrapCode.OUT_OF_FUEL: TrapCode.OUT_OF_FUEL,
    wasmtime.TrapCode.NULL_REFERENCE: TrapCode.NULL_REFERENCE,
    wasmtime.TrapCode.ARRAY_OUT_OF_BOUNDS: TrapCode.OUT_OF_BOUNDS_ARRAY_ACCESS,
    wasmtime.TrapCode.CAST_FAILURE: TrapCode.CAST_FAILURE,
    wasmtime.TrapCode.ALLOCATION_TOO_LARGE: TrapCode.MEMORY_LIMIT,
}
_THROWN = "thrown Wasm exception"
_CALL_INDIRECT = (b"\x11", b"\x13")
"""``call_indirect`` and ``return_call_indirect``."""


def of_compilation(error: wasmtime.WasmtimeError) -> WasmError:
    """Return the error for a module that wasmtime refused.

    The innermost cause is wasmparser's message. It is a ``LimitError`` when it speaks of a limit, a ``DecodeError``
    when it begins as a message about malformed bytes does, else a ``ValidationError``: also for a proposal that is
    switched off, which the message names.
    """
    text = str(error)
    message = _WRAPPING.sub("", _innermost(text))
    found = _OFFSET.search(text)
    offset = int(found[1], 0) if found else None
    if _LIMIT.search(message):
        return LimitError(message)
    if _MALFORMED.match(message):
        return DecodeError(message, offset or 0)
    return ValidationError(message, offset=offset)


def of_instantiation(error: wasmtime.WasmtimeError) -> WasmError:
    """Return the error for an instantiation that failed before the guest ran."""
    text = str(error)
    if text.startswith("incompatible import type"):
        return LinkError(f"incompatible import type: {_innermost(text)}")
    if _LIMIT.search(text):
        return LimitError(text)
    return Crash(text)


def of_call(error: wasmtime.Trap | wasmtime.WasmtimeError, binaries: Iterable[bytes]) -> WasmError:
    """Return the error for guest code that stopped; ``binaries`` are the modules that it may have come from."""
    if not isinstance(error, wasmtime.Trap) or error.trap_code is None:
        text = str(error)
        return UncaughtException() if _innermost(text) == _THROWN else Crash(text)
    if error.trap_code is wasmtime.TrapCode.STACK_OVERFLOW:
        return Exhaustion()
    if error.trap_code is wasmtime.TrapCode.UNCAUGHT_EXCEPTION:
        return UncaughtException()
    code = _TRAPS.get(error.trap_code)
    if code is None:
        return Crash(error.message)
    frames = error.frames
    if not frames:
        return Trap(code)
    innermost = frames[0]
    offset = innermost.module_offset
    # wasmtime has one code for tables; the words of an indirect call differ. The frame does not say which of the
    # store's modules it belongs to, but the byte at its offset in the right one is the opcode.
    if code is TrapCode.OUT_OF_BOUNDS_TABLE_ACCESS and any(b[offset : offset + 1] in _CALL_INDIRECT for b in binaries):
        code = TrapCode.UNDEFINED_ELEMENT
    return Trap(
        code,
        function=innermost.func_index,
        offset=offset,
        backtrace=tuple(frame.func_name or f"function {frame.func_index}" for frame in frames),
    )


def _innermost(text: str) -> str:
    return text.strip().rsplit("\n", 1)[-1].strip()
