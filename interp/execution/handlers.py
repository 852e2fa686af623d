"""Finds what executes a row of the instruction table, and puts its immediates into the form that it wants.

A handler is a plain function of the frame and one immediate. Rows that share their execution (numeric operators,
loads, stores) share a handler and differ in the immediate; every other row has a handler of its identifier in
``control``, ``variables``, ``references``, ``tables`` or ``memories``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, TypeAlias

from zenowasm.interp.execution import aggregates, control, memories, numeric, references, tables, variables
from zenowasm.interp.instructions import Effect, Immediate, Opcode
from zenowasm.interp.numerics.operators import LANE_OPERATORS, OPERATORS

Handler: TypeAlias = Callable[[Any, Any], None]

_MODULES = (control, variables, references, aggregates, tables, memories, numeric)
_CONSTANTS = frozenset({Immediate.I32, Immediate.I64, Immediate.F32, Immediate.F64, Immediate.V128})


@cache
def handler(opcode: Opcode) -> Handler:
    """Return the function that executes a row."""
    if opcode.mnemonic in OPERATORS or opcode.mnemonic in LANE_OPERATORS:
        return numeric.BY_ARITY[len(opcode.parameters or ())]
    if opcode.access is not None:
        return memories.store(opcode.access) if Effect.WRITES_MEMORY in opcode.effects else memories.load(opcode.access)
    if _CONSTANTS.intersection(opcode.immediates):
        return numeric.const
    found: Handler = next(vars(module)[opcode.identifier] for module in _MODULES if opcode.identifier in vars(module))
    return found


def immediate(opcode: Opcode, immediates: tuple[Any, ...]) -> Any:
    """Return the immediate that the handler wants: an operator, an access, the only one, or all of them."""
    if opcode.mnemonic in OPERATORS:
        return OPERATORS[opcode.mnemonic]
    if opcode.mnemonic in LANE_OPERATORS:
        return LANE_OPERATORS[opcode.mnemonic](*immediates)
    if opcode.access is not None:
        memarg, *lane = immediates
        stores = Effect.WRITES_MEMORY in opcode.effects
        return memarg.memory, memarg.offset, *memories.form(opcode.access, stores, *lane)
    return immediates[0] if len(immediates) == 1 else immediates
