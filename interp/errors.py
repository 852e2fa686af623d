"""The errors of decoding, validating, linking and executing a module, one type per cause.

Offsets are byte offsets from the start of the binary module. A message begins with the words that the official test
suite expects for the failure, followed by the value found and the expectation.
"""

from __future__ import annotations

from enum import Enum
from typing import Any


class WasmError(Exception):
    """The base of all errors that a module, its bytes or its execution can cause."""


class DecodeError(WasmError):
    """The bytes are malformed: they are not the binary format of any module (specification, chapter 5)."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(f"{message} (at byte 0x{offset:x})")
        self.message = message
        self.offset = offset


class ParseError(DecodeError):
    """The text is malformed: it is not the text format of any module (specification, chapter 6).

    ``offset`` counts characters; ``line`` and ``column`` count from 1.
    """

    def __init__(self, message: str, offset: int, line: int, column: int) -> None:
        WasmError.__init__(self, f"{message} (at line {line}, column {column})")
        self.message = message
        self.offset = offset
        self.line = line
        self.column = column


class ValidationError(WasmError):
    """The module is well-formed but invalid (specification, chapter 3).

    ``function`` is the index of the function whose body has the error, ``None`` for an error outside bodies. ``offset``
    is the byte offset of the instruction or the section's entry, ``None`` for a module that was not decoded from bytes.
    """

    def __init__(self, message: str, *, function: int | None = None, offset: int | None = None) -> None:
        place = [] if function is None else [f"function {function}"]
        place += [] if offset is None else [f"byte 0x{offset:x}"]
        super().__init__(f"{message} (at {', '.join(place)})" if place else message)
        self.message = message
        self.function = function
        self.offset = offset


class LimitError(WasmError):
    """A module exceeds a configured limit; the message names the limit and its value."""


class CompileResource(Enum):
    """A resource that compiling a module may exhaust."""

    MEMORY = "memory"
    TIME = "time"


class CompileLimitError(LimitError):
    """Decoding, validating or compiling a module needs too much of ``resource``: memory or time."""

    def __init__(self, resource: CompileResource, message: str) -> None:
        super().__init__(message)
        self.resource = resource


class LinkError(WasmError):
    """A module's declared imports and the given ones do not match (specification, 4.5.4)."""


class TrapCode(Enum):
    """The reason for a trap. The values are the words of the official test suite."""

    UNREACHABLE = "unreachable"
    INTEGER_DIVIDE_BY_ZERO = "integer divide by zero"
    INTEGER_OVERFLOW = "integer overflow"
    INVALID_CONVERSION_TO_INTEGER = "invalid conversion to integer"
    OUT_OF_BOUNDS_MEMORY_ACCESS = "out of bounds memory access"
    OUT_OF_BOUNDS_TABLE_ACCESS = "out of bounds table access"
    UNDEFINED_ELEMENT = "undefined element"
    UNINITIALIZED_ELEMENT = "uninitialized element"
    INDIRECT_CALL_TYPE_MISMATCH = "indirect call type mismatch"
    NULL_REFERENCE = "null reference"
    NULL_FUNCTION_REFERENCE = "null function reference"
    NULL_I31_REFERENCE = "null i31 reference"
    NULL_STRUCTURE_REFERENCE = "null structure reference"
    NULL_ARRAY_REFERENCE = "null array reference"
    NULL_EXCEPTION_REFERENCE = "null exception reference"
    OUT_OF_BOUNDS_ARRAY_ACCESS = "out of bounds array access"
    CAST_FAILURE = "cast failure"
    OUT_OF_FUEL = "all fuel consumed"
    INTERRUPTED = "interrupted"
    MEMORY_LIMIT = "memory limit exceeded"


class Trap(WasmError):
    """The execution was aborted as the specification or a limit requires.

    ``function`` is the index of the innermost guest function in its module, and ``offset`` the byte offset of the
    instruction that trapped; both are ``None`` if the engine does not know them. ``backtrace`` lists the names of the
    active guest functions, innermost first, and ``offsets`` the byte offsets of their current instructions, as far as
    they are known.
    """

    def __init__(
        self,
        code: TrapCode,
        detail: str = "",
        *,
        function: int | None = None,
        offset: int | None = None,
        backtrace: tuple[str, ...] = (),
        offsets: tuple[int | None, ...] = (),
    ) -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail
        self.function = function
        self.offset = offset
        self.backtrace = backtrace
        self.offsets = offsets

    def __str__(self) -> str:
        """Return the suite's words, then the detail and the place."""
        words = f"{self.code.value}: {self.detail}" if self.detail else self.code.value
        if self.function is None:
            return words
        where = self.backtrace[0] if self.backtrace else f"function {self.function}"
        return f"{words} (in {where}{'' if self.offset is None else f' at byte 0x{self.offset:x}'})"


class Exhaustion(WasmError):
    """The call stack reached its limit; the official suite calls it ``call stack exhausted``."""

    def __init__(self, detail: str = "") -> None:
        super().__init__("call stack exhausted" + (f": {detail}" if detail else ""))


class HostExhaustion(Exhaustion):
    """The host's part of the call stack was exhausted: Python's stack, the thread's stack, or nested calls back into
    guests.
    """


def nested_too_deep(limit: int) -> HostExhaustion:
    """Return the error for a host that nests more than ``limit`` calls back into guests."""
    return HostExhaustion(f"the host would call back into guests {limit + 1} deep, and nested_calls is {limit}")


class UncaughtException(WasmError):
    """A guest exception left the outermost call (specification, 4.4.9); ``exception`` is its value."""

    def __init__(self, exception: Any = None) -> None:
        super().__init__("uncaught exception")
        self.exception = exception


class Crash(WasmError):
    """The engine reached a state that validation excludes: a defect in the engine, never in the guest."""
