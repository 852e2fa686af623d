"""Limits on compiling that every engine enforces."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

from zenowasm.backends.protocol import CompileLimits
from zenowasm.interp.errors import CompileLimitError, CompileResource
from zenowasm.interp.progress import Progress


def bounded(limits: CompileLimits, size: int) -> Progress:
    """Return a counter for the work on a module of ``size`` bytes; at the limits, it raises ``CompileLimitError``."""
    deadline = monotonic() + limits.seconds_for(size)
    within_memory = memory_checkpoint(limits)

    def checkpoint(held: int) -> None:
        within_memory(held)
        if monotonic() > deadline:
            raise out_of_time(limits, size)

    return Progress(checkpoint)


def memory_checkpoint(limits: CompileLimits) -> Callable[[int], None]:
    """Return a checkpoint that raises ``CompileLimitError`` if it receives more bytes of memory than the limit."""

    def checkpoint(held: int) -> None:
        if held > limits.memory_bytes:
            raise out_of_memory(limits)

    return checkpoint


def out_of_memory(limits: CompileLimits) -> CompileLimitError:
    """Return the error for a module that needs too much memory."""
    return CompileLimitError(
        CompileResource.MEMORY, f"the module takes more than {limits.memory_bytes} bytes of memory to compile"
    )


def out_of_time(limits: CompileLimits, size: int) -> CompileLimitError:
    """Return the error for a module of ``size`` bytes that needs too much time."""
    seconds = limits.seconds_for(size)
    return CompileLimitError(
        CompileResource.TIME, f"the module of {size} bytes takes longer than {seconds:.3g} s to compile"
    )
