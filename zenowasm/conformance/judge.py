"""Compares observations with a scenario's expectations, and the observations on two engines with each other."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from attrs import frozen

from zenowasm.conformance.scenario import UNSAID

ANYTHING = "..."


@frozen
class Difference:
    """The first difference between two observations: a path such as ``steps[0].fuel``, and both values."""

    path: str
    left: Any
    right: Any


def first_difference(left: Any, right: Any, path: str = "") -> Difference | None:
    """Return the first difference between two values of mappings, lists and scalars, ``None`` if they are equal."""
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        for key in dict.fromkeys((*left, *right)):
            inner = f"{path}.{key}" if path else str(key)
            if (key in left) != (key in right):
                return Difference(inner, left.get(key), right.get(key))
            if found := first_difference(left[key], right[key], inner):
                return found
        return None
    if _is_list(left) and _is_list(right):
        for index in range(min(len(left), len(right))):
            if found := first_difference(left[index], right[index], f"{path}[{index}]"):
                return found
        if len(left) == len(right):
            return None
        index = min(len(left), len(right))
        return Difference(f"{path}[{index}]", list(left[index : index + 1]), list(right[index : index + 1]))
    # 1, 1.0 and true are different values here, because their JSON differs.
    return None if type(left) is type(right) and left == right else Difference(path, left, right)


def faults(expected: Mapping[str, Any], observed: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """Yield a sentence for every expectation that does not hold; ignore those that are ``UNSAID``."""
    for key, wanted in expected.items():
        if wanted is not UNSAID and not matches(wanted, observed.get(key)):
            yield f"{path}{key}: expected {wanted!r}, found {observed.get(key)!r}"


def matches(wanted: Any, found: Any) -> bool:
    """Return whether ``found`` matches ``wanted``, in which ``...`` matches any value, or any part of a text."""
    if wanted == ANYTHING:
        return found is not None
    if isinstance(wanted, Mapping) and isinstance(found, Mapping):
        return wanted.keys() == found.keys() and all(matches(wanted[key], found[key]) for key in wanted)
    if _is_list(wanted) and _is_list(found):
        return len(wanted) == len(found) and all(map(matches, wanted, found))
    if isinstance(wanted, str) and isinstance(found, str) and ANYTHING in wanted:
        pattern = ".*".join(map(re.escape, wanted.split(ANYTHING)))
        return re.fullmatch(pattern, found, re.DOTALL) is not None
    return type(wanted) is type(found) and bool(wanted == found)


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)
