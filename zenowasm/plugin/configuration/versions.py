"""Parses the version ranges of ``requires.zeno`` in manifests: ``>=0.3.0``, ``^1.2``, ``~1.2.3``, ``1.x``, ``>=1 <2``.

Commas and spaces mean "and", ``||`` means "or", as in the package managers that plugin authors know.
"""

from __future__ import annotations

import re

ZENO_VERSION = "0.6.3"
"""The version of ZenoEngine whose plugin interface this host implements."""

_Version = tuple[int, int, int]
_MAX_LENGTH = 200
_VERSION = re.compile(r"v?(\d{1,9})(?:\.(\d{1,9}|[xX*]))?(?:\.(\d{1,9}|[xX*]))?(?:[-+][0-9A-Za-z.+-]*)?")
_TERM = re.compile(r"(>=|<=|>|<|==?|!=|\^|~>?)?\s*([^\s,|]+)")
_SEPARATOR = re.compile(r"[\s,]*")
_INFINITY = 10**12


class RangeError(ValueError):
    """A version or a range is malformed."""


def parse_version(text: str) -> tuple[int, int, int]:
    """Return a version's (major, minor, patch). Missing parts are 0; suffixes after ``-`` or ``+`` are ignored."""
    low, _ = _bounds(text)
    return low


def satisfies(version: str, wanted: str) -> bool:
    """Return whether ``version`` is in the range ``wanted``; raises ``RangeError`` if either is malformed."""
    if len(wanted) > _MAX_LENGTH:
        raise RangeError(f"a version range may have {_MAX_LENGTH} characters")
    have = parse_version(version)
    # No early return: a malformed alternative is an error even if an earlier one matches.
    results = [_all_terms(have, alternative) for alternative in wanted.split("||")]
    return any(results)


def _all_terms(have: _Version, text: str) -> bool:
    position = _skip(text, 0)
    matched = True
    while position < len(text):
        term = _TERM.match(text, position)
        if term is None:
            raise RangeError(f"not a version range: {text.strip()!r}")
        matched = _term(have, term.group(1) or "=", term.group(2)) and matched
        position = _skip(text, term.end())
    return matched


def _skip(text: str, position: int) -> int:
    separator = _SEPARATOR.match(text, position)
    return position if separator is None else separator.end()


def _term(have: _Version, operator: str, text: str) -> bool:
    low, high = _bounds(text)
    if operator in ("=", "=="):
        return low <= have < high
    if operator == "!=":
        return not low <= have < high
    if operator == ">=":
        return have >= low
    if operator == ">":
        return have >= high
    if operator == "<":
        return have < low
    if operator == "<=":
        return have < high
    if operator == "^":
        return low <= have < _next_breaking(low, high)
    return low <= have < _next_minor(text, low)


def _bounds(text: str) -> tuple[_Version, _Version]:
    """Return the range of versions that ``text`` denotes, without its end: ``1.2`` is 1.2.0 up to 1.3.0."""
    if text in ("*", "x", "X"):
        return (0, 0, 0), (_INFINITY, 0, 0)
    match = _VERSION.fullmatch(text)
    if match is None:
        raise RangeError(f"not a version: {text[:40]!r}")
    major, minor, patch = (int(part) if part is not None and part.isdigit() else None for part in match.groups())
    assert major is not None
    if minor is None:
        return (major, 0, 0), (major + 1, 0, 0)
    if patch is None:
        return (major, minor, 0), (major, minor + 1, 0)
    return (major, minor, patch), (major, minor, patch + 1)


def _next_breaking(low: _Version, high: _Version) -> _Version:
    """Return the first version that may be incompatible with ``low``: its leftmost nonzero part is incremented."""
    major, minor, _ = low
    if major or high[0] > major:
        return max((major + 1, 0, 0), high)
    if minor or high[1] > minor:
        return max((0, minor + 1, 0), high)
    return high


def _next_minor(text: str, low: _Version) -> _Version:
    return (low[0], low[1] + 1, 0) if "." in text else (low[0] + 1, 0, 0)
