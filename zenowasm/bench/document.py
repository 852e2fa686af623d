"""The JSON file: pyperf reads its benchmarks; all other data is below ``zenowasm``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import attrs

from zenowasm.bench.results import Comparison, Results

FORMAT: Final = 1
"""The format version of the part ``zenowasm``; it increases with each change that readers must know about."""
_PYPERF_FORMAT: Final = "1.0"


def to_document(results: Results) -> dict[str, Any]:
    """Return the document: each case is a pyperf benchmark ``group/case``, whose values are the seconds of a run."""
    ours = {**attrs.asdict(results), "format": FORMAT}
    for curve, written in zip(results.curves, ours["curves"], strict=True):
        written["exponent"] = curve.exponent
    return {
        "version": _PYPERF_FORMAT,
        "metadata": {"unit": "second"},
        "benchmarks": [it for comparison in results.comparisons for it in _benchmarks(comparison)],
        "zenowasm": ours,
    }


def _benchmarks(comparison: Comparison) -> Iterator[dict[str, Any]]:
    for it in comparison.measurements:
        metadata = {"name": f"{comparison.name}/{it.label}", "loops": it.loops, "unit": "second"}
        yield {"metadata": metadata, "runs": [{"values": [seconds]} for seconds in it.seconds]}
