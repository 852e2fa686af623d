"""Subtyping (specification, 3.3): which type may stand where another is expected."""

from __future__ import annotations

from zenowasm.interp.types import ExternType, FuncType, GlobalType, Limits, MemType, RefType, TableType, ValType


def matches_valtype(found: ValType, expected: ValType) -> bool:
    """Say whether a value of type ``found`` may be used as ``expected`` (3.3.5)."""
    if found is expected:
        return True
    if isinstance(found, RefType) and isinstance(expected, RefType):
        return found.heap is expected.heap and (expected.nullable or not found.nullable)
    return False


def matches_limits(found: Limits, expected: Limits) -> bool:
    """Say whether a size range lies inside the expected one (3.3.13)."""
    if found.minimum < expected.minimum:
        return False
    return expected.maximum is None or (found.maximum is not None and found.maximum <= expected.maximum)


def matches_externtype(found: ExternType, expected: ExternType) -> bool:
    """Say whether an import of type ``expected`` may be given something of type ``found`` (3.3.17)."""
    match found, expected:
        case FuncType(), FuncType():
            return found == expected
        case TableType(), TableType():
            return found.element == expected.element and matches_limits(found.limits, expected.limits)
        case MemType(), MemType():
            return matches_limits(found.limits, expected.limits)
        case GlobalType(), GlobalType():
            if found.mutable or expected.mutable:
                return found == expected
            return matches_valtype(found.value, expected.value)
        case _:
            return False
