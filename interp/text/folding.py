"""Folded instructions (specification, 6.5.11): each in parentheses, with the instructions of its operands inside.

Folding never changes the order of instructions: an instruction takes what stands right before it, if that is all of its
operands and nothing else. So the text has the same bytes, whatever the arities say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from attrs import define, field

from zenowasm.interp.instructions import Structure
from zenowasm.interp.syntax.module import Instruction
from zenowasm.interp.validation import Arity


@define(eq=False)
class _Node:
    """One pair of parentheses: its first words, what is inside, and how many operands it leaves.

    ``lines`` stand before it. Instructions inside a block are on lines of their own, and so is its last parenthesis.
    """

    head: str
    inside: list[_Node] = field(factory=list)
    left: int = 0
    lines: tuple[str, ...] = ()
    is_block: bool = False


@define(eq=False)
class _Sequence:
    """The instructions of an open block, of which those before ``floor`` have been used by others."""

    nodes: list[_Node]
    block: _Node | None = None
    floor: int = 0

    def take(self, count: int) -> list[_Node]:
        """Remove and return the nodes that leave the last ``count`` operands; none where they leave others, too."""
        start = len(self.nodes)
        while count > 0 and start > self.floor and 0 < self.nodes[start - 1].left <= count:
            start -= 1
            count -= self.nodes[start].left
        if count:
            self.floor = len(self.nodes)
            return []
        taken = self.nodes[start:]
        del self.nodes[start:]
        return taken


def fold(
    instructions: Iterable[tuple[Instruction, str, Arity, tuple[str, ...]]], indents: tuple[str, ...]
) -> Iterator[str]:
    """Yield the lines of a body without its final ``end``.

    Parameters: each instruction with its text, its arity and the lines that stand before it; the indentation by depth,
    of which the last one is for all deeper lines.
    """
    body = _Sequence([])
    open_ = [body]
    for (opcode, _), text, arity, lines in instructions:
        sequence = open_[-1]
        match opcode.structure:
            case None:
                inside = sequence.take(arity.taken)
                sequence.nodes.append(_Node(f"({text}", inside, arity.left, lines))
            case Structure.BLOCK:
                sequence.floor = len(sequence.nodes) if arity.taken else sequence.floor
                node = _Node(f"({text}", [], 0, lines, is_block=True)
                sequence.nodes.append(node)
                open_.append(_Sequence(node.inside, node))
            case Structure.IF:
                condition = sequence.take(1)
                sequence.floor = len(sequence.nodes) if arity.taken > 1 else sequence.floor
                then = _Node("(then", is_block=True)
                node = _Node(f"({text}", [*condition, then], 0, lines, is_block=True)
                sequence.nodes.append(node)
                open_.append(_Sequence(then.inside, node))
            case Structure.ELSE:
                branch = _Node("(else", is_block=True)
                assert sequence.block is not None
                sequence.block.inside.append(branch)
                open_[-1] = _Sequence(branch.inside, sequence.block)
            case Structure.END:
                open_.pop()
                if sequence.block is not None:
                    sequence.block.left = arity.left
    yield from _render(body.nodes, indents)


_CLOSE: Final = ")"


def _render(nodes: list[_Node], indents: tuple[str, ...]) -> Iterator[str]:
    """Yield the lines of nodes; a parenthesis that ends operands stands behind the last of them."""
    deepest = len(indents) - 1
    pending: list[tuple[_Node | str, int]] = [(node, 0) for node in reversed(nodes)]
    line = ""
    while pending:
        item, depth = pending.pop()
        indent = indents[min(depth, deepest)]
        if isinstance(item, str):
            if item is _CLOSE:
                line += _CLOSE
            else:
                yield line
                line = indent + item.strip()
            continue
        if line:
            yield line
        for before in item.lines:
            yield indent + before
        line = indent + item.head
        if not item.inside:
            line += _CLOSE
            continue
        pending.append((f" {_CLOSE}" if item.is_block else _CLOSE, depth))
        pending += [(inside, depth + 1) for inside in reversed(item.inside)]
    if line:
        yield line
