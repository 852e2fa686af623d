"""The coverage of plugins by their tests."""

from __future__ import annotations

from pathlib import Path

from zenowasm.backends import registry
from zenowasm.backends.protocol import Capability
from zenowasm.paths import UNUSABLE, reason
from zenowasm.profiling.counting import InstructionCounter
from zenowasm.profiling.coverage import coverage_of
from zenowasm.profiling.coverage_page import to_html
from zenowasm.profiling.lcov import to_lcov


def counter_for(backend: str, counter: InstructionCounter | None) -> InstructionCounter | None:
    """Return the counter of a pytest run, a new one without it; ``None`` for an engine that cannot count."""
    if Capability.STEPPING not in registry.engine(backend).capabilities:
        return None
    return InstructionCounter() if counter is None else counter


def write_coverage(counter: InstructionCounter, path: Path, worker: str) -> str:
    """Write a page or a tracefile, and return a sentence about it; ``worker`` is added to the name of the file."""
    target = path.with_name(f"{path.name}.{worker}") if worker else path
    found = coverage_of(counter)
    lines = to_html(found, "the tests") if path.suffix == ".html" else to_lcov(found)
    text = "".join(f"{line}\n" for line in lines)
    try:
        target.write_text(text, encoding="utf-8")
    except UNUSABLE as error:
        return f"cannot write the coverage of plugins to {target}: {reason(error)}"
    problems = [module.problem for module in found if module.problem is not None]
    return "; ".join([f"coverage of plugins: {target}", *problems])
