"""Counts how often each instruction is executed: a hook at each basic block counts, and nothing pauses."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Final, cast

from attrs import Factory, define

from zenowasm.backends.protocol import SteppingStore, Store
from zenowasm.interp.errors import WasmError
from zenowasm.interp.events import Probe
from zenowasm.interp.execution import Configuration, Frame
from zenowasm.interp.execution.arming import Hook, arm
from zenowasm.interp.execution.blocks import block_starts
from zenowasm.interp.execution.code import Code
from zenowasm.interp.execution.handlers import KINDS
from zenowasm.interp.instructions import TABLE
from zenowasm.interp.runtime.instances import FunctionInstance
from zenowasm.interp.validation import ValidModule

_LOOP: Final = KINDS[TABLE.by_mnemonic["loop"]]


@define
class FunctionCounts:
    """How often a function was called, and how often each of its instructions was executed."""

    calls: int
    instructions: list[int]


@define(eq=False)
class BlockCounts:
    """How often one store entered each basic block of a function with ``size`` instructions.

    ``ended`` counts by instruction how often a trap ended the execution there, in the middle of a block. ``called`` has
    the number of calls, if the function begins with a loop, which is entered more often.
    """

    starts: Sequence[int]
    size: int
    entered: list[int]
    called: list[int] | None
    ended: Counter[int] = Factory(Counter)

    def add_to(self, found: FunctionCounts) -> None:
        """Add how often the function was called and each instruction executed."""
        found.calls += (self.called or self.entered)[0]
        counts = found.instructions
        edges = pairwise((*self.starts, self.size))
        for (start, end), entered in zip(edges, self.entered, strict=True):
            for pc in range(start, end) if entered else ():
                counts[pc] += entered
        for pc, times in self.ended.items():
            block = bisect_right(self.starts, pc)
            end = self.starts[block] if block < len(self.starts) else self.size
            for later in range(pc + 1, end):
                counts[later] -= times


class InstructionCounter:
    """A counter of the instructions that any number of stores execute, also in several threads."""

    def __init__(self) -> None:
        self.owners: dict[ValidModule, str] = {}
        """The displayed names of the guests by module, of each module the first."""
        self._stores: list[_Counting] = []

    def attach(self, owner: str, store: Store) -> None:
        """Count in a store; ``owner`` is the displayed name of its guests."""
        observer = _Counting(owner, self.owners)
        self._stores.append(observer)  # each has its own counts: threads may run in several stores at once
        cast(SteppingStore, store).probe = observer

    def counts(self) -> Mapping[ValidModule, Mapping[int, FunctionCounts]]:
        """Return the counts by module and function; other functions were not called."""
        found: dict[ValidModule, dict[int, FunctionCounts]] = {}
        for store in self._stores:
            for (valid, function), blocks in store.functions.items():
                functions = found.setdefault(valid, {})
                blocks.add_to(functions.setdefault(function, FunctionCounts(0, [0] * blocks.size)))
        return found


class _Counting(Probe):
    """The observer of one store."""

    every = False

    def __init__(self, owner: str, owners: dict[ValidModule, str]) -> None:
        self._owner = owner
        self._owners = owners
        self.functions: dict[tuple[ValidModule, int], BlockCounts] = {}

    def code(self, function: FunctionInstance, code: Code) -> Code:
        """Return code that counts its basic blocks."""
        valid = function.module.valid
        self._owners.setdefault(valid, self._owner)
        key = (valid, function.index)
        blocks = self.functions.get(key)
        if blocks is None:
            starts = block_starts(code)
            called = [0] if code.kinds[0] == _LOOP else None
            blocks = self.functions[key] = BlockCounts(starts, len(code.kinds), [0] * len(starts), called)
        hooks = {pc: _counting(blocks.entered, number) for number, pc in enumerate(blocks.starts)}
        entry = None if blocks.called is None else _counting(blocks.called, 0)
        return arm(code, (), {}, hooks, entry_hook=entry)

    def before_unwinding(self, execution: Configuration, error: WasmError) -> None:
        """Remember where a trap ended a block; the calls outside it have ended their blocks."""
        frame = execution.frame
        if frame is not None and frame.pc:
            blocks = self.functions.get((frame.module.valid, frame.function.index))
            if blocks is not None:
                blocks.ended[frame.pc - 1] += 1


def _counting(counts: list[int], number: int) -> Hook:
    def count(frame: Frame) -> None:
        counts[number] += 1

    return count
