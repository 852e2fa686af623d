"""Converts wasmtime's errors to those of ``zenowasm.interp.errors``."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from functools import cache
from math import inf
from typing import TYPE_CHECKING

import wasmtime
from attrs import evolve

from zenowasm.backends.wasmtime import capi
from zenowasm.backends.wasmtime.module import Module
from zenowasm.interp.errors import (
    Crash,
    Exhaustion,
    LimitError,
    LinkError,
    Trap,
    TrapCode,
    UncaughtException,
    ValidationError,
    WasmError,
)
from zenowasm.interp.mistakes import misfit_import
from zenowasm.interp.types import ExternType, ImportType, MemType, TableType

if TYPE_CHECKING:
    from zenowasm.backends.wasmtime.externs import Extern

_OFFSET = re.compile(r"at offset (0x[0-9a-f]+|\d+)")
_WRAPPING = re.compile(r"^(\d+: )?(Invalid input WebAssembly code at offset \d+: )?|\s*\(at offset 0x[0-9a-f]+\)$")
_LIMIT = re.compile(
    r"count exceeds limit of|implementation limit|size (is )?out of bounds|nesting is too deep"
    r"|exceeds (memory|table) limits|(instance|memory|table) count too high|maximum number of"
)

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
_RUNNING = "error while executing"
"""The beginning of a running guest's error; names that the guest chose follow."""
_HEAP_FULL = "GC heap out of memory"
_MISFIT = re.compile(r"(argument )?type mismatch\b")
_FINER = {
    TrapCode.OUT_OF_BOUNDS_TABLE_ACCESS: (TrapCode.UNDEFINED_ELEMENT,),
    TrapCode.NULL_REFERENCE: (
        TrapCode.NULL_FUNCTION_REFERENCE,
        TrapCode.NULL_I31_REFERENCE,
        TrapCode.NULL_STRUCTURE_REFERENCE,
        TrapCode.NULL_ARRAY_REFERENCE,
        TrapCode.NULL_EXCEPTION_REFERENCE,
    ),
}
"""Trap codes that wasmtime does not distinguish; the instruction that trapped determines the right one."""


def of_compilation(error: wasmtime.WasmtimeError) -> WasmError:
    """Return the error for a module that wasmtime rejected but this package's decoder accepted.

    The message is that of the innermost cause, which comes from wasmparser. A message about a limit yields a
    ``LimitError``; every other one yields a ``ValidationError``, even for a disabled proposal, which the message names.
    """
    text = str(error)
    message = _WRAPPING.sub("", _innermost(text))
    found = _OFFSET.search(text)
    offset = int(found[1], 0) if found else None
    if _LIMIT.search(message):
        return LimitError(message)
    return ValidationError(message, offset=offset)


def of_instantiation(error: wasmtime.WasmtimeError, given: Iterable[tuple[ImportType, Extern]]) -> WasmError | None:
    """Return the error for a rejected instantiation, or ``None`` if the guest itself failed.

    ``given`` pairs each import with the object given for it.
    """
    text = str(error)
    if text.startswith("incompatible import type"):
        misfits = (misfit_import(it, extern.type) for it, extern in given if not _may_fit(it.type, extern.type))
        return next(misfits, None) or LinkError(f"incompatible import type: {_innermost(text)}")
    if not text.startswith(_RUNNING) and _LIMIT.search(text):
        return LimitError(text)
    return None


def _may_fit(wanted: ExternType, found: ExternType) -> bool:
    """Return whether types match, as far as that is known without the types that a module defines."""
    if isinstance(wanted, MemType | TableType) and isinstance(found, MemType | TableType):
        most = inf if wanted.limits.maximum is None else wanted.limits.maximum
        return (
            type(wanted) is type(found)
            and wanted.address == found.address
            and found.limits.minimum >= wanted.limits.minimum
            and (inf if found.limits.maximum is None else found.limits.maximum) <= most
        )
    return str(wanted) == str(found)


def of_value(error: wasmtime.WasmtimeError) -> TypeError | None:
    """Return the error for a value whose type wasmtime rejected, or ``None`` for any other cause."""
    text = str(error)
    return TypeError(_innermost(text)) if _MISFIT.match(text) else None


def of_call(
    error: wasmtime.Trap | wasmtime.WasmtimeError, modules: Collection[Module], exception: object
) -> WasmError | TypeError:
    """Return the error for guest code that stopped, or for arguments that wasmtime rejected.

    ``modules`` are those that may contain the code; ``exception`` is the one that no guest caught, if any.
    """
    if not isinstance(error, wasmtime.Trap) or error.trap_code is None:
        return _without_code(error, exception)
    if error.trap_code is wasmtime.TrapCode.STACK_OVERFLOW:
        return Exhaustion()
    if error.trap_code is wasmtime.TrapCode.UNCAUGHT_EXCEPTION:
        return UncaughtException(exception)
    code = _TRAPS.get(error.trap_code)
    if code is None:
        return Crash(error.message)
    frames = _frames(error, modules)
    if frames and code not in (TrapCode.OUT_OF_FUEL, TrapCode.INTERRUPTED):
        frames[0] = _trapped(frames[0], (code, *_FINER.get(code, ())), modules)
    if frames and code in _FINER:
        code = _refined(code, frames[0], modules)
    return _trap(code, frames)


def interrupted(failure: capi.Failure, modules: Collection[Module]) -> Trap:
    """Return the trap for a guest that the embedder stopped."""
    return _trap(TrapCode.INTERRUPTED, _frames(failure, modules))


def _frames(failure: capi.Failure, modules: Collection[Module]) -> list[capi.Frame]:
    """Return the active calls, with places in the original modules instead of the rewritten ones.

    A frame does not say which of the store's modules it belongs to. If it may belong to a module that was not
    rewritten, its place is unchanged.
    """
    frames = capi.frames(failure)
    metered = [module.metered for module in modules if module.metered is not None]
    if not metered:
        return frames
    plain = [module for module in modules if not module.rewritten]
    place_of = cache(metered[0].place)  # in a recursion, many frames have the same place
    places = []
    for frame in frames:
        if any(module.opcode(frame.function, frame.offset) for module in plain):
            places.append(frame)
        elif (place := place_of(frame.function, frame.offset)) is not None:
            places.append(evolve(frame, function=place[0], offset=place[1]))
    return places


def _trap(code: TrapCode, frames: Sequence[capi.Frame]) -> Trap:
    if not frames:
        return Trap(code)
    backtrace = tuple(frame.name or f"function {frame.function}" for frame in frames)
    offsets = tuple(frame.offset for frame in frames)
    return Trap(code, function=frames[0].function, offset=frames[0].offset, backtrace=backtrace, offsets=offsets)


def _without_code(error: wasmtime.Trap | wasmtime.WasmtimeError, exception: object) -> WasmError | TypeError:
    innermost = _innermost(str(error))
    if innermost == _THROWN:
        return UncaughtException(exception)
    if innermost.startswith(_HEAP_FULL):
        return Trap(TrapCode.MEMORY_LIMIT, innermost)
    refused = of_value(error) if isinstance(error, wasmtime.WasmtimeError) else None
    return refused or Crash(str(error))


def _trapped(frame: capi.Frame, codes: Sequence[TrapCode], modules: Collection[Module]) -> capi.Frame:
    """Return the frame with the place of the instruction that trapped with one of ``codes``."""
    function, offset = frame.function, frame.offset
    opcodes = (module.opcode(function, offset) for module in modules)
    if any(opcode is not None and set(codes) & set(opcode.traps) for opcode in opcodes):
        return frame
    places = (module.place_of_trap(function, offset, codes) for module in modules)
    return evolve(frame, offset=next((place for place in places if place is not None), offset))


def _refined(code: TrapCode, frame: capi.Frame, modules: Collection[Module]) -> TrapCode:
    """Return the more specific code of the trapping instruction.

    A frame does not say which of the store's modules it belongs to; an instruction with such a code at that offset is
    unlikely in any but the right one.
    """
    opcodes = [module.opcode(frame.function, frame.offset) for module in modules]
    traps = [trap for opcode in opcodes if opcode is not None for trap in opcode.traps]
    return next((trap for trap in traps if trap in _FINER[code]), code)


def _innermost(text: str) -> str:
    return text.strip().rsplit("\n", 1)[-1].strip()
