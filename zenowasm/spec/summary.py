"""Counts outcomes by file, by proposal and by engine."""

from __future__ import annotations

import re
from collections.abc import Iterable

from attrs import field, frozen

from zenowasm.spec.runner import ScriptResult, Status

CORE = "core"

# The suite has all proposals in one folder; the first expression that matches a file's name decides.
_PROPOSALS = (
    ("relaxed SIMD", r"relaxed_|\w+_relaxed_"),
    ("SIMD", r"simd_"),
    ("memory64", r"(?![fi]64$)\w+64(-imports)?$|binary_leb128_64$|table_copy_mixed$"),
    ("tail calls", r"return_call"),
    ("exceptions", r"tag$|throw|try_table$"),
    ("garbage collection", r"array|struct$|i31$|extern$|ref_(cast|eq|test)$|br_on_cast|type-|table-sub$|binary-gc$"),
    ("function references", r"call_ref$|br_on_(non_)?null$|ref_as_non_null$|ref$|local_init$|unreached-valid$"),
    ("multiple memories", r"(?!f32|f64|i32|i64|utf8)\w+\d$|memory-multi$"),
    ("annotations", r"annotations$|id$|custom$"),
    ("modules and linking", r"linking|imports|exports|instance$|inline-module$"),
)


def proposal_of(name: str) -> str:
    """Return the proposal to which a script of the suite belongs, by its file name, as an aid for readers."""
    stem = name.removesuffix(".wast")
    return next((proposal for proposal, names in _PROPOSALS if re.match(names, stem)), CORE)


@frozen
class Counts:
    """The number of commands that passed, failed and were skipped, and the number of scripts that could not be read."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    unreadable: int = 0

    @property
    def total(self) -> int:
        """The total number of commands."""
        return self.passed + self.failed + self.skipped

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.passed + other.passed,
            self.failed + other.failed,
            self.skipped + other.skipped,
            self.unreadable + other.unreadable,
        )

    @property
    def ok(self) -> bool:
        """Whether all scripts were read and no command failed."""
        return not (self.failed or self.unreadable)


def counts_of(result: ScriptResult) -> Counts:
    """Count a script's outcomes."""
    return Counts(*map(result.count, (Status.PASS, Status.FAIL, Status.SKIP, Status.UNREADABLE)))


def total_of(results: Iterable[ScriptResult]) -> Counts:
    """Count the outcomes of several scripts."""
    return sum(map(counts_of, results), Counts())


@frozen
class SuiteResult:
    """The results of one engine for all scripts, in order."""

    backend: str
    version: str
    scripts: tuple[ScriptResult, ...] = field(repr=False)

    @property
    def counts(self) -> Counts:
        """The counts over all scripts."""
        return total_of(self.scripts)

    @property
    def seconds(self) -> float:
        """The total time of all scripts."""
        return sum(it.seconds for it in self.scripts)
