"""The handler that executes each row of the instruction table, and the form of its immediate.

A handler is a plain function of the frame and one immediate. Rows that are executed alike (numeric operators, loads,
stores) share a handler and differ in the immediate; every other row has its own registered handler.

Each row has a kind, a single character. The kinds of a function's rows form a string, so everything that depends on the
row alone is computed for all of them at once, by ``map`` or a regular expression.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from zenowasm.interp.execution import (  # noqa: F401 - some only register handlers
    aggregates,
    control,
    memories,
    numeric,
    references,
    tables,
    variables,
)
from zenowasm.interp.execution.registry import Handler, executes
from zenowasm.interp.instructions import TABLE, Effect, Immediate, Opcode
from zenowasm.interp.numerics.operators import LANE_OPERATORS, OPERATORS
from zenowasm.interp.validation import Context

Linker: TypeAlias = Callable[[Context, Any], Any]

_CONSTANTS = frozenset({Immediate.I32, Immediate.I64, Immediate.F32, Immediate.F64, Immediate.V128})


def _shared(opcode: Opcode) -> Handler | None:
    """Return the handler that a row shares with others, or ``None``."""
    if opcode.mnemonic in OPERATORS or opcode.mnemonic in LANE_OPERATORS:
        return numeric.BY_ARITY[len(opcode.parameters or ())]
    if opcode.access is not None:
        return memories.store(opcode.access) if Effect.WRITES_MEMORY in opcode.effects else memories.load(opcode.access)
    if _CONSTANTS.intersection(opcode.immediates):
        return numeric.const
    return None


def _linker(opcode: Opcode) -> Linker | None:
    if opcode.mnemonic in LANE_OPERATORS:
        make = LANE_OPERATORS[opcode.mnemonic]
        return lambda context, lanes: make(lanes)
    if opcode.access is not None:
        access, stores = opcode.access, Effect.WRITES_MEMORY in opcode.effects
        if opcode.lanes:
            return lambda context, place: (place[0], place[1], *memories.form(access, stores, place[2]))
        form = memories.form(access, stores)
        return lambda context, place: place + form
    if opcode.mnemonic in ("call_indirect", "return_call_indirect"):
        return lambda context, indexes: (context.types[indexes[0]], indexes[1])
    return None


KINDS: Mapping[Opcode, str] = {row: chr(number) for number, row in enumerate(TABLE.rows)}
"""The kind of each row."""

ROWS: Mapping[str, Opcode] = {kind: row for row, kind in KINDS.items()}
"""The row of each kind."""

_SHARED: Mapping[Opcode, Handler] = {row: shared for row in TABLE.rows if (shared := _shared(row)) is not None}
_OWN = executes.for_rows(row for row in TABLE.rows if row not in _SHARED)

HANDLERS: Mapping[str, Handler] = {kind: _SHARED.get(row) or _OWN[row] for row, kind in KINDS.items()}
"""The handler of each kind."""

FUEL: Mapping[str, int] = {kind: row.fuel for row, kind in KINDS.items()}
"""The fuel cost of each kind."""

CONSTANT_IMMEDIATES: Mapping[str, Any] = {
    kind: OPERATORS[row.mnemonic] for row, kind in KINDS.items() if row.mnemonic in OPERATORS
}
"""The immediates that do not depend on the instruction's position."""

LINKERS: Mapping[str, Linker] = {kind: linker for row, kind in KINDS.items() if (linker := _linker(row)) is not None}
"""By kind, a function that makes the handler's immediate from the plain data in an ``ObjectCode``."""


def plain_immediate(immediates: tuple[Any, ...]) -> Any:
    """Return an instruction's immediates in the form that most handlers expect: a single one, or a tuple of all."""
    return immediates[0] if len(immediates) == 1 else immediates
