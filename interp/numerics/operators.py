"""The numeric operators by mnemonic."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from zenowasm.interp.numerics.conversions import conversions
from zenowasm.interp.numerics.floats import float_operators
from zenowasm.interp.numerics.integers import integer_operators
from zenowasm.interp.numerics.vectors import lane_operators, vector_operators


def _operators() -> dict[str, Callable[..., Any]]:
    operators: dict[str, Callable[..., Any]] = {}
    for bits in (32, 64):
        operators |= {f"i{bits}.{name}": function for name, function in integer_operators(bits).items()}
        operators |= {f"f{bits}.{name}": function for name, function in float_operators(bits).items()}
    return operators | conversions() | vector_operators()


OPERATORS: Mapping[str, Callable[..., Any]] = MappingProxyType(_operators())
"""The numeric operators by mnemonic. An operator that traps raises ``Trap`` without a place; its caller adds it."""

LANE_OPERATORS: Mapping[str, Callable[..., Callable[..., Any]]] = MappingProxyType(lane_operators())
"""By mnemonic, a function that maps an instruction's lane immediates to its operator."""
