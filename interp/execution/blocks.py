"""Basic blocks of code: straight runs that execution enters at the first instruction and leaves after the last."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from zenowasm.interp.execution.code import Code
from zenowasm.interp.execution.handlers import KINDS
from zenowasm.interp.instructions import Effect, Opcode, Structure


def _ends(row: Opcode) -> bool:
    """Return whether another instruction than the next one may follow an instruction without a trap."""
    if Effect.CALLS in row.effects:
        return True  # the call may throw, trap or exit
    return Effect.CONTROL in row.effects and row.structure not in (Structure.BLOCK, Structure.END)


_ENDING: Final = frozenset(kind for row, kind in KINDS.items() if _ends(row))
_RETURNING: Final = frozenset(
    kind
    for row, kind in KINDS.items()
    if row.mnemonic == "return" or {Effect.CALLS, Effect.CONTROL} <= row.effects  # tail calls
)


def block_starts(code: Code) -> list[int]:
    """Return the first instructions of a function's basic blocks, in order."""
    count = len(code.kinds)
    starts = {0, *catch_targets(code)}
    for pc, (kind, (_, immediate)) in enumerate(zip(code.kinds, code.instructions, strict=True)):
        if kind in _ENDING:
            starts.add(pc + 1)
            starts.update(_targets(immediate))
    starts.discard(count)
    return sorted(starts)


def exits(code: Code) -> list[int]:
    """Return the instructions that return from a function: returns, tail calls, and the last one."""
    return [pc for pc, kind in enumerate(code.kinds) if kind in _RETURNING or pc == len(code.kinds) - 1]


def catch_targets(code: Code) -> set[int]:
    """Return the instructions at which a function continues after an exception."""
    return {clause.branch[0] for region in code.regions for clause in region.clauses}


def _targets(immediate: Any) -> Iterator[int]:
    """Yield the targets of the branches in a handler's immediate: the lists in it."""
    if isinstance(immediate, list):
        yield immediate[0]
    elif isinstance(immediate, tuple):
        yield from (it[0] for it in immediate if isinstance(it, list))
