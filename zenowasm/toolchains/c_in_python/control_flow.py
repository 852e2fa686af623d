"""Translation of blocks that jump to each other into WebAssembly's nested blocks.

The method is from Norman Ramsey, "Beyond Relooper" (ICFP 2022). A block is placed inside its dominator. A block that
several jumps reach follows a ``block`` from which they break, and the target of a backward jump becomes a ``loop``.
C without a ``goto`` into a loop always has this form.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Generic, TypeVar

B = TypeVar("B", bound=Hashable)


class IrreducibleError(Exception):
    """Raised when a loop can be entered at two places."""


class ControlFlow(Generic[B]):
    """The order and the nesting of a function's reachable blocks."""

    def __init__(self, entry: B, successors: Mapping[B, Sequence[B]]) -> None:
        """Analyse a function; raises ``IrreducibleError`` if a loop can be entered at two places."""
        self.order = {block: index for index, block in enumerate(_reverse_postorder(entry, successors))}
        predecessors: dict[B, list[B]] = {block: [] for block in self.order}
        for block in self.order:
            for target in successors[block]:
                predecessors[target].append(block)
        self._dominators = self._immediate_dominators(entry, predecessors)
        self.loops: set[B] = set()
        self.merges: set[B] = set()
        for block, sources in predecessors.items():
            back = [source for source in sources if self.is_back(source, block)]
            if not all(self._dominates(block, source) for source in back):
                raise IrreducibleError
            if back:
                self.loops.add(block)
            if len(sources) - len(back) > 1:
                self.merges.add(block)
        self._following: dict[B, list[B]] = {block: [] for block in self.order}
        for block in self.order:  # in order, so that the lists of following blocks are ordered too
            if block in self.merges:
                self._following[self._dominators[block]].append(block)

    def is_back(self, source: B, target: B) -> bool:
        """Return whether a jump goes back to the head of a loop."""
        return self.order[target] <= self.order[source]

    def following(self, block: B) -> list[B]:
        """Return the blocks placed after ``block``, in order; each follows a separate WebAssembly ``block``."""
        return self._following[block]

    def _dominates(self, dominator: B, block: B) -> bool:
        while self.order[block] > self.order[dominator]:
            block = self._dominators[block]
        return block == dominator

    def _immediate_dominators(self, entry: B, predecessors: Mapping[B, list[B]]) -> dict[B, B]:
        """Compute the immediate dominators (Cooper, Harvey, Kennedy, "A Simple, Fast Dominance Algorithm", 2001)."""
        found: dict[B, B] = {entry: entry}
        changed = True
        while changed:
            changed = False
            for block in self.order:
                if block == entry:
                    continue
                known = [source for source in predecessors[block] if source in found]
                dominator = known[0]
                for other in known[1:]:
                    dominator = self._common(found, dominator, other)
                if found.get(block) != dominator:
                    found[block] = dominator
                    changed = True
        return found

    def _common(self, dominators: Mapping[B, B], left: B, right: B) -> B:
        while left != right:
            if self.order[left] > self.order[right]:
                left = dominators[left]
            else:
                right = dominators[right]
        return left


def _reverse_postorder(entry: B, successors: Mapping[B, Sequence[B]]) -> list[B]:
    finished: list[B] = []
    seen = {entry}
    pending = [(entry, iter(successors[entry]))]
    while pending:
        block, targets = pending[-1]
        target = next((target for target in targets if target not in seen), None)
        if target is None:
            finished.append(block)
            pending.pop()
        else:
            seen.add(target)
            pending.append((target, iter(successors[target])))
    return finished[::-1]
