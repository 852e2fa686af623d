import os
import sys

import pytest

from zenowasm.bench.measure import Case, Measurement, measure, pinned
from zenowasm.bench.statistics import Spread


def test_cases_take_turns_and_are_calibrated():
    """Two cases of 1 ms and 4 ms a run: samples of at least 10 ms, one of each a round, after the calibration."""
    calls = []

    def case(label, run_seconds):
        def sample(count):
            calls.append((label, count))
            return count * run_seconds

        return Case(label, sample, 8)

    slow, fast = measure([case("slow", 0.004), case("fast", 0.001)], 3, 0.01)
    rounds = [label for label, _ in calls[-6:]]
    assert rounds == ["slow", "fast"] * 3
    assert slow.loops * 0.004 >= 0.01
    assert fast.loops * 0.001 >= 0.01
    assert slow.seconds == pytest.approx([0.004] * 3)
    assert fast.rate == Spread(*[pytest.approx(8000)] * 3)


def test_a_clock_that_does_not_move_does_not_end_the_calibration():
    taken = iter([0.0, 0.0, 1.0, 1.0])
    (it,) = measure([Case("a", lambda count: next(taken), 1)], 1, 0.5)
    assert it.loops > 1


def test_rates_are_work_per_second():
    assert Measurement("a", 6, 1, (2.0, 3.0)).rates == [3.0, 2.0]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a process choose its cores")
def test_pinning_is_undone():
    before = os.sched_getaffinity(0)
    with pytest.raises(ZeroDivisionError), pinned(1) as cores:
        assert os.sched_getaffinity(0) == set(cores) == {max(before)}
        raise ZeroDivisionError
    assert os.sched_getaffinity(0) == before
