"""Kernels on engines: their results are compared first, then their speed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import partial

from attrs import frozen

from zenowasm.backends import registry
from zenowasm.backends.protocol import EngineOptions
from zenowasm.bench.engines.ours import Counting, Ours
from zenowasm.bench.engines.protocol import Engine, Running
from zenowasm.bench.errors import DisagreementError, RefusedError
from zenowasm.bench.kernels import Kernel
from zenowasm.bench.measure import Case


@frozen
class Opened:
    """A kernel on the engines that can run it, by label; ``refused`` has the other engines' reasons."""

    kernel: Kernel
    engines: Mapping[str, Engine]
    running: Mapping[str, Running]
    refused: Mapping[str, str]

    def argument(self, label: str) -> int:
        """Return the argument for an engine."""
        return self.kernel.small if self.engines[label].in_python else self.kernel.large


def open_kernel(kernel: Kernel, engines: Sequence[Engine], stack: ExitStack) -> Opened:
    """Load a kernel on every engine; raises ``DisagreementError`` if their results differ."""
    running: dict[str, Running] = {}
    refused: dict[str, str] = {}
    for engine in engines:
        try:
            running[engine.label] = kernel.load(engine, stack)
        except RefusedError as error:
            refused[engine.label] = str(error)
    opened = Opened(kernel, {it.label: it for it in engines}, running, refused)
    _compare(opened, kernel.small, list(running))
    _compare(opened, kernel.large, [label for label in running if not opened.engines[label].in_python])
    return opened


def _compare(opened: Opened, argument: int, labels: Sequence[str]) -> None:
    kernel = opened.kernel
    answers = {label: opened.running[label].call(argument) % (1 << kernel.bits) for label in labels}
    if argument in kernel.answers:
        answers["the known result"] = kernel.answers[argument]
    if len(set(answers.values())) > 1:
        raise DisagreementError(f"{kernel.name}({argument})", {label: hex(it) for label, it in answers.items()})


def cases(opened: Opened, work: Mapping[int, float]) -> list[Case]:
    """Return a case for each engine; ``work`` is the work of a run, by argument."""
    return [
        Case(label, partial(running.time, opened.argument(label)), work[opened.argument(label)])
        for label, running in opened.running.items()
    ]


def instructions(kernel: Kernel, arguments: Sequence[int]) -> dict[int, float]:
    """Return the million instructions that a run executes, by argument: the fuel on our fastest engine."""
    with ExitStack() as stack:
        counting = kernel.load(Ours(registry.installed()[-1], EngineOptions()), stack)
        assert isinstance(counting, Counting)
        return {argument: counting.fuel(argument) / 1e6 for argument in arguments}
