"""Folded instructions (specification, 6.5.11): each in parentheses around the instructions of its operands.

Folding never changes the order of instructions: an instruction encloses those right before it if they produce exactly
its operands. The text therefore assembles to the same bytes, whatever the arities are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

from attrs import define, field

from zenowasm.interp.instructions import Structure
from zenowasm.interp.syntax.module import Instruction
from zenowasm.interp.validation import Arity

_Node: TypeAlias = "tuple[str, Sequence[_Node], int, str | None, bool]"
"""One pair of parentheses: its first words, its contents, the number of operands that it leaves, the line to print
before it, and whether it is a block. Each instruction inside a block has its own line, as does the last parenthesis.

A plain tuple: each instruction has one, and creating objects of a class took a tenth of the printing time.
"""


@define(eq=False)
class _Sequence:
    """The instructions of an open block. Later instructions cannot enclose those before ``floor``.

    ``parts`` is the contents of the block's own node, ``head`` and ``line`` belong to that node.
    """

    nodes: list[_Node]
    head: str = ""
    line: str | None = None
    parts: list[_Node] = field(factory=list)
    floor: int = 0

    def take(self, count: int) -> list[_Node]:
        """Remove and return the nodes that leave exactly the last ``count`` operands; none if no nodes do."""
        nodes = self.nodes
        start = len(nodes)
        while count > 0 and start > self.floor and 0 < nodes[start - 1][2] <= count:
            start -= 1
            count -= nodes[start][2]
        if count:
            self.floor = len(nodes)
            return []
        taken = nodes[start:]
        del nodes[start:]
        return taken


def fold(
    instructions: Iterable[tuple[Instruction, str, Arity]], before: Mapping[int, str], indents: tuple[str, ...]
) -> list[str]:
    """Return the lines of a body without its final ``end``.

    Parameters: each instruction with its text and its arity; lines to print before instructions, by instruction index;
    the indentation by depth, the last one for all greater depths.
    """
    sequence = _Sequence([])
    nodes = sequence.nodes
    open_: list[_Sequence] = []
    line = None
    for pc, ((opcode, _), text, (taken, left)) in enumerate(instructions):
        if before:
            line = before.get(pc)
        structure = opcode.structure
        if structure is None:
            if not taken:
                nodes.append((text, (), left, line, False))
            elif taken == 1 and len(nodes) > sequence.floor and nodes[-1][2] == 1:  # the most frequent case by far
                nodes[-1] = (text, (nodes[-1],), left, line, False)
            else:
                inside = sequence.take(taken)
                nodes.append((text, inside, left, line, False))
        elif structure is Structure.END:
            if not open_:
                break
            block, sequence = sequence, open_.pop()
            nodes = sequence.nodes
            nodes.append((block.head, block.parts, left, block.line, True))
        elif structure is Structure.ELSE:
            nodes = []
            sequence.parts.append(("else", nodes, 0, None, True))
            sequence = _Sequence(nodes, sequence.head, sequence.line, sequence.parts)
        else:
            within: list[_Node] = []
            parts = within
            if structure is Structure.IF:
                parts = [*sequence.take(1), ("then", within, 0, None, True)]
            if taken > (structure is Structure.IF):
                sequence.floor = len(nodes)
            open_.append(sequence)
            sequence, nodes = _Sequence(within, text, line, parts), within
    return _rendered(nodes, indents)


def _rendered(nodes: list[_Node], indents: tuple[str, ...]) -> list[str]:
    """Return the lines of nodes; a closing parenthesis follows the last operand on its line."""
    lines: list[str] = []
    deepest = len(indents) - 1
    stack: list[tuple[Iterator[_Node], bool]] = []
    rest, indent, line = iter(nodes), indents[0], ""
    while True:
        for head, inside, _, before, is_block in rest:
            if line:
                lines.append(line)
            if before is not None:
                lines.append(indent + before)
            if inside:
                line = f"{indent}({head}"
                stack.append((rest, is_block))
                rest, indent = iter(inside), indents[min(len(stack), deepest)]
                break
            line = f"{indent}({head})"
        else:
            if not stack:
                break
            rest, is_block = stack.pop()
            indent = indents[min(len(stack), deepest)]
            if is_block:
                lines.append(line)
                line = f"{indent})"
            else:
                line += ")"
    if line:
        lines.append(line)
    return lines
