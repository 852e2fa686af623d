"""A script runner whose output is a list."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import attrs
import pytest

from zenowasm.zenolang import Evaluator, Scope, ScriptLimits, SlotRegistry, default_registry, parse


@attrs.define
class ScriptRun:
    lines: list[str]
    scope: Scope
    value: object
    slept: list[float]


Runner = Callable[..., ScriptRun]


@pytest.fixture
def run() -> Runner:
    def run_script(
        source: str,
        *,
        registry: SlotRegistry | None = None,
        variables: Mapping[str, object] | None = None,
        environment: Mapping[str, str] | None = None,
        base_directory: Path | None = None,
        limits: ScriptLimits | None = None,
        clock: Callable[[], float] = lambda: 0.0,
    ) -> ScriptRun:
        result = ScriptRun([], Scope(variables), None, [])
        evaluator = Evaluator(
            registry or default_registry(),
            output=result.lines.append,
            environment=environment,
            base_directory=base_directory,
            limits=limits,
            clock=clock,
            sleep=result.slept.append,
        )
        result.value = evaluator.run(parse(source, "test.zl", limits=limits), result.scope)
        return result

    return run_script
