"""Finds the instruction that trapped.

If a branch leads only to a trap, such as ``unreachable`` or a load that can never be inside its memory, wasmtime's
compiler merges both into one conditional trap. Its place is that of the branch, or of the epoch check at the beginning
of a function or loop, unless fuel is counted in between. For comparison with other engines and for display, this module
finds the instruction that trapped.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterator
from typing import Final

from zenowasm.interp.errors import TrapCode
from zenowasm.interp.syntax.module import Expression

_BLOCKS: Final = ("block", "loop", "if", "try_table")
_BRANCHES: Final = ("br_if", "br_on_null", "br_on_non_null", "br_on_cast", "br_on_cast_fail")
_ENDINGS: Final = ("if", "loop", *_BRANCHES, "br_table", "return", "throw", "throw_ref", "call", "return_call")


def place_of_trap(expression: Expression, offset: int, codes: Collection[TrapCode]) -> int | None:
    """Return the place of the instruction that trapped with one of ``codes``, given the place that wasmtime reports.

    Return ``None`` if it is unknown.
    """
    found = next(_Code(expression, codes).trapping(bisect_left(expression.offsets, offset)), None)
    return None if found is None else expression.offsets[found]


class _Code:
    """The instructions of a function by index, with the block around each and the end of each block."""

    def __init__(self, expression: Expression, codes: Collection[TrapCode]) -> None:
        self._expression = expression
        self._codes = codes
        self._names = [it.opcode.mnemonic for it in expression.instructions]
        self._around: list[int] = []
        self._ends: dict[int, int] = {}
        self._elses: dict[int, int] = {}
        blocks = [-1]
        for index, name in enumerate(self._names):
            self._around.append(blocks[-1])
            if name in _BLOCKS:
                blocks.append(index)
            elif name == "else":
                self._elses[blocks[-1]] = index
            elif name == "end":
                self._ends[blocks.pop()] = index

    def trapping(self, index: int) -> Iterator[int]:
        """Yield the instructions that may have trapped after the one at ``index``, the most likely first."""
        for successor in self._successors(index):
            if (found := self._straight(successor)) is not None:
                yield found

    def _successors(self, index: int) -> list[int]:
        name = self._names[index]
        if name == "if":
            otherwise = self._elses.get(index, self._ends[index])
            return [index + 1, otherwise + 1]
        if name in _BRANCHES:
            return [*self._target(index), index + 1]
        return [index + 1] if name == "loop" else [index]

    def _target(self, index: int) -> list[int]:
        """Return the target of a branch in a list, which is empty if the branch leaves the function."""
        label = next(it for it in self._expression.instructions[index].immediates if isinstance(it, int))
        block = self._around[index]
        for _ in range(label):
            block = self._around[block] if block >= 0 else -1
        if block < 0:
            return []
        return [block + 1 if self._names[block] == "loop" else self._ends[block] + 1]

    def _straight(self, index: int) -> int | None:
        """Return the first instruction from ``index`` on that can trap, if its code fits and no branch precedes it."""
        while index < len(self._names):
            name = self._names[index]
            traps = self._expression.instructions[index].opcode.traps
            if traps or name in _ENDINGS:
                return index if set(traps) & set(self._codes) else None
            if name == "br":
                (target,) = self._target(index) or (len(self._names),)
                if target <= index:
                    return None
                index = target
            elif name == "else":
                index = self._ends[self._around[index]] + 1
            else:
                index += 1
        return None
