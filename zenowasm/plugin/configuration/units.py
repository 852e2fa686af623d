"""Parses and formats sizes, durations and shares in the notation of manifests and settings files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NewType

from zenowasm.interp.limits import MIB

if TYPE_CHECKING:
    from fractions import Fraction

Size = NewType("Size", int)
"""A number of bytes."""
Duration = NewType("Duration", float)
"""A number of seconds."""
Share = NewType("Share", float)
"""A part of one processor core, greater than 0 and at most 1."""
Count = NewType("Count", int)
"""A whole number of 1 or more."""
OutputSize = NewType("OutputSize", int)
"""A number of bytes of at least 1 MiB, the lowest limit on a guest's reply (ABI document, "Guest exports")."""

_WRITTEN = re.compile(r"([0-9]{1,18})(?:\.([0-9]{1,9}))? ?([A-Za-z]{0,3})")
_DIGITS = re.compile(r"[0-9](_?[0-9]){0,17}")
_SIZES: Final = MappingProxyType(
    {"": 1, "b": 1}
    | {unit + letter: 1000**power for power, unit in enumerate("kmgt", 1) for letter in ("", "b")}
    | {unit + "ib": 1024**power for power, unit in enumerate("kmgt", 1)}
)
_MILLISECONDS: Final = MappingProxyType({"": 1000, "s": 1000, "ms": 1, "m": 60_000, "h": 3_600_000})
_MOST_SECONDS: Final = 1_000_000_000
SIZE_FORM: Final = "a size such as 100MB, 64KiB or 1048576"
DURATION_FORM: Final = "a duration greater than 0 such as 30s, 500ms or 2m"
SHARE_FORM: Final = "a share of one core greater than 0 and at most 1, such as 0.5"


def parse_size(text: str) -> Size:
    """Parse a number of bytes: a plain number, or one with kB, MB, GB, TB (of 1000) or KiB, MiB, GiB, TiB (of 1024).

    Case does not matter. Raises ``ValueError`` for anything else, and for a fraction of a byte.
    """
    amount = _amount(text, _SIZES)
    if amount is None or amount.denominator != 1 or amount >= 1 << 62:
        raise ValueError(f"expected {SIZE_FORM}")
    return Size(int(amount))


def parse_output_size(text: str) -> OutputSize:
    """Parse a size of at least 1 MiB; raises ``ValueError``."""
    size = parse_size(text)
    if size < MIB:
        raise ValueError("expected a size of at least 1MiB")
    return OutputSize(size)


def parse_count(text: str) -> Count:
    """Parse a whole number of 1 or more, with optional underscores between digits; raises ``ValueError``."""
    if not _DIGITS.fullmatch(text) or int(text) == 0:
        raise ValueError("expected a whole number of 1 or more")
    return Count(int(text))


def parse_duration(text: str) -> Duration:
    """Parse a duration in ``ms``, ``s``, ``m``, ``h``, or seconds if it has no unit; raises ``ValueError``."""
    amount = _amount(text, _MILLISECONDS)
    if amount is None or not 0 < amount <= _MOST_SECONDS * 1000:
        raise ValueError(f"expected {DURATION_FORM}")
    return Duration(float(amount / 1000))


def parse_share(text: str) -> Share:
    """Parse a share of one core; raises ``ValueError`` unless it is greater than 0 and at most 1."""
    amount = _amount(text, {"": 1})
    if amount is None or not 0 < amount <= 1:
        raise ValueError(f"expected {SHARE_FORM}")
    return Share(float(amount))


def show_size(size: int) -> str:
    """Format a size for ``parse_size``, in the largest unit that represents it exactly."""
    for base, ending in ((1024, "iB"), (1000, "B")):
        for power, unit in reversed(tuple(enumerate("KMGT" if base == 1024 else "kMGT", 1))):
            if size and size % base**power == 0:
                return f"{size // base**power}{unit}{ending}"
    return f"{size}B"


def show_duration(seconds: float) -> str:
    """Format a duration for ``parse_duration``, to a billionth of a second."""
    if seconds < 1 and (seconds * 1000).is_integer():
        return f"{int(seconds * 1000)}ms"
    return f"{seconds:.9f}".rstrip("0").rstrip(".") + "s"


def _amount(text: str, units: Mapping[str, int]) -> Fraction | None:
    from fractions import Fraction  # most documents have no amounts

    found = _WRITTEN.fullmatch(text)
    if found is None or found[3].lower() not in units:
        return None
    whole, part, unit = found[1], found[2] or "", found[3].lower()
    return Fraction(int(whole + part), 10 ** len(part)) * units[unit]
