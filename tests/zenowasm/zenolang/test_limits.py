import pytest

from zenowasm.zenolang.errors import SizeLimitError, StepLimitError, TimeLimitError
from zenowasm.zenolang.limits import STEPS_BETWEEN_CLOCK_READINGS, Budget, ScriptLimits


def budget(**limits: float) -> Budget:
    return Budget(ScriptLimits(**limits), lambda: 0.0)  # type: ignore[arg-type]


def test_the_last_allowed_step_is_allowed():
    spent = budget(steps=3)
    spent.spend_steps(3)
    with pytest.raises(StepLimitError, match="more than 3 steps"):
        spent.spend_steps()


def test_output_is_counted_over_all_lines():
    spent = budget(output_length=10)
    spent.spend_output(10)
    with pytest.raises(SizeLimitError, match="10 characters"):
        spent.spend_output(1)


def test_sleep_is_counted_over_all_calls():
    spent = budget(sleep_seconds=2)
    spent.spend_sleep(2)
    with pytest.raises(TimeLimitError, match="2 seconds"):
        spent.spend_sleep(0.1)


def test_time_is_read_from_the_clock_given():
    readings = iter([100.0, 105.0, 111.0])
    spent = Budget(ScriptLimits(seconds=10), lambda: next(readings))
    spent.spend_steps(STEPS_BETWEEN_CLOCK_READINGS)
    with pytest.raises(TimeLimitError, match="more than 10 seconds"):
        spent.spend_steps(STEPS_BETWEEN_CLOCK_READINGS)
