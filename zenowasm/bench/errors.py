"""Errors that end a measurement."""

from __future__ import annotations

from collections.abc import Mapping


class BenchError(Exception):
    """Raised when the requested measurement is not possible; the message names the choices."""


class DisagreementError(Exception):
    """Raised when engines return different results: the speed of a wrong result is meaningless."""

    def __init__(self, group: str, answers: Mapping[str, object]) -> None:
        listed = "; ".join(f"{label} answered {answer}" for label, answer in answers.items())
        super().__init__(f"{group}: the engines disagree: {listed}")
        self.group = group
        self.answers = dict(answers)


class RefusedError(Exception):
    """Raised when an engine cannot run a workload; the message is the engine's own."""
