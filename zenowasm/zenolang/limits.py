"""The limits of one script run, and the budget that is charged against them."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from zenowasm.zenolang.errors import SizeLimitError, StepLimitError, TimeLimitError

STEPS_BETWEEN_CLOCK_READINGS = 256


@attrs.frozen(kw_only=True)
class ScriptLimits:
    """The limits of one script; the defaults suit untrusted scripts."""

    source_length: int = 512 * 1024
    """The number of characters in one file."""
    syntax_nesting: int = 64
    """The nesting of blocks and brackets in the source."""
    run_nesting: int = 150
    """The nesting of running blocks, including those of `call` and `include`."""
    steps: int = 5_000_000
    """The number of statements run and expressions evaluated."""
    value_size: int = 4 * 1024 * 1024
    """The number of characters and items in one value, over all levels."""
    value_nesting: int = 64
    """The nesting of lists and maps in one value."""
    integer_bits: int = 4096
    """The bits of one integer. Integers are exact, so without a limit they could grow indefinitely."""
    output_length: int = 16 * 1024 * 1024
    """The number of characters printed and logged."""
    sleep_seconds: float = 60.0
    """The seconds spent in `sleep`, over all calls."""
    seconds: float | None = None
    """The seconds that a run may take, None for no limit. A slot that blocks is not interrupted."""


class Budget:
    """The resources that one run has used so far."""

    def __init__(self, limits: ScriptLimits, clock: Callable[[], float]) -> None:
        self._limits = limits
        self._clock = clock
        self._started = clock()
        self._steps = 0
        self._next_reading = STEPS_BETWEEN_CLOCK_READINGS
        self._output = 0
        self._slept = 0.0

    def spend_steps(self, count: int = 1) -> None:
        """Count steps; raises StepLimitError or TimeLimitError if none are left."""
        self._steps += count
        if self._steps > self._limits.steps:
            raise StepLimitError(f"the script takes more than {self._limits.steps} steps", hint="does a loop ever end?")
        if self._steps >= self._next_reading:
            self._next_reading = self._steps + STEPS_BETWEEN_CLOCK_READINGS
            self._check_time()

    def spend_output(self, count: int) -> None:
        """Count printed characters; raises SizeLimitError if there are too many."""
        self._output += count
        if self._output > self._limits.output_length:
            raise SizeLimitError(f"the script prints more than {self._limits.output_length} characters")

    def spend_sleep(self, seconds: float) -> None:
        """Count a sleep before it begins; raises TimeLimitError if it would exceed the limit."""
        self._slept += seconds
        if self._slept > self._limits.sleep_seconds:
            raise TimeLimitError(f"the script sleeps more than {self._limits.sleep_seconds:g} seconds")

    def _check_time(self) -> None:
        limit = self._limits.seconds
        if limit is not None and self._clock() - self._started > limit:
            raise TimeLimitError(f"the script runs for more than {limit:g} seconds")
