"""Going back and forth in a replay: snapshots, searches, and the machine that a debugging session drives."""

from zenowasm.timetravel.history import HistoryLimits
from zenowasm.timetravel.machine import TimeMachine
from zenowasm.timetravel.times import Time

__all__ = ["HistoryLimits", "Time", "TimeMachine"]
