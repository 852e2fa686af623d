"""Every way in which decoding, validating, linking or executing a module can fail, one type per cause.

Offsets are byte offsets from the start of the binary module. Messages begin with the words that the official test
suite expects of that failure; what was found and what was expected follow.
"""

from __future__ import annotations

from enum import Enum
from typing import Any


class WasmError(Exception):
    """The base of every error that a module, its bytes or its execution can cause."""


class DecodeError(WasmError):
    """The bytes are malformed: they are not the binary form of any module (specification, chapter 5)."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(f"{message} (at byte 0x{offset:x})")
        self.message = message
        self.offset = offset


class ParseError(DecodeError):
    """The text is malformed: it is not the text form of any module (specification, chapter 6).

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

    ``function`` is the index of the function in whose body the error lies, ``None`` outside of bodies; ``offset`` is
    the byte offset of the instruction or of the section's entry, ``None`` where the module did not come from bytes.
    """

    def __init__(self, message: str, *, function: int | None = None, offset: int | None = None) -> None:
        place = [] if function is None else [f"function {function}"]
        place += [] if offset is None else [f"byte 0x{offset:x}"]
        super().__init__(f"{message} (at {', '.join(place)})" if place else message)
        self.message = message
        self.function = function
        self.offset = offset


class LimitError(WasmError):
    """A module asks for more than a configured limit allows; the message names the limit and its value."""


class CompileResource(Enum):
    """What compiling a module may use too much of."""

    MEMORY = "memory"
    TIME = "time"


class CompileLimitError(LimitError):
    """Decoding, validating or compiling a module takes more memory or time than it may; ``resource`` says which."""

    def __init__(self, resource: CompileResource, message: str) -> None:
        super().__init__(message)
        self.resource = resource


class LinkError(WasmError):
    """The imports that a module declares and those it was given do not match (specification, 4.5.4)."""


class TrapCode(Enum):
    """Why an execution trapped. The values are the words of the official test suite."""

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
    """Execution aborted, as the specification or a limit demands.

    ``function`` and ``offset`` are the index of the innermost guest function in its module and the byte offset of the
    instruction that trapped, where the engine knows them. ``backtrace`` lists the names of the guest functions that
    were active, innermost first.
    """

    def __init__(
        self,
        code: TrapCode,
        detail: str = "",
        *,
        function: int | None = None,
        offset: int | None = None,
        backtrace: tuple[str, ...] = (),
    ) -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail
        self.function = function
        self.offset = offset
        self.backtrace = backtrace

    def __str__(self) -> str:
        """Say the suite's words, then the detail and the place."""
        words = f"{self.code.value}: {self.detail}" if self.detail else self.code.value
        if self.function is None:
            return words
        where = self.backtrace[0] if self.backtrace else f"function {self.function}"
        return f"{words} (in {where}{'' if self.offset is None else f' at byte 0x{self.offset:x}'})"


class Exhaustion(WasmError):
    """The call stack limit was reached; the official suite calls it ``call stack exhausted``."""

    def __init__(self, detail: str = "") -> None:
        super().__init__("call stack exhausted" + (f": {detail}" if detail else ""))


class HostExhaustion(Exhaustion):
    """The host's side of the call stack was used up: Python's own, its thread's, or calls back into guests."""


def nested_too_deep(limit: int) -> HostExhaustion:
    """Return the error for a host that calls back into guests more than ``limit`` times inside one another."""
    return HostExhaustion(f"the host would call back into guests {limit + 1} deep, and nested_calls is {limit}")


class UncaughtException(WasmError):
    """A guest exception left the outermost call (specification, 4.4.9); ``exception`` is the exception's value."""

    def __init__(self, exception: Any = None) -> None:
        super().__init__("uncaught exception")
        self.exception = exception


class Crash(WasmError):
    """The engine found itself in a state that validation excludes: a defect of the engine, never of the guest."""
