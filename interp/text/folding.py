"""Folded instructions (specification, 6.5.11): each in parentheses, with the instructions of its operands inside.

Folding never changes the order of instructions: an instruction takes what stands right before it, if that is all of its
operands and nothing else. So the text has the same bytes, whatever the arities say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from attrs import define, field

from zenowasm.interp.instructions import Structure
from zenowasm.interp.syntax.module import Instruction
from zenowasm.interp.validation import Arity


@define(eq=False)
class _Node:
    """One pair of parentheses: its first words, what is inside, and how many operands it leaves.

    ``line`` stands before it. Instructions inside a block are on lines of their own, and so is its last parenthesis.
    """

    head: str
    inside: Sequence[_Node] = ()
    left: int = 0
    line: str | None = None
    is_block: bool = False


@define(eq=False)
class _Sequence:
    """The instructions of an open block, of which those before ``floor`` have been used by others.

    ``parts`` is what is inside of the block's own node.
    """

    nodes: list[_Node]
    block: _Node | None = None
    parts: list[_Node] = field(factory=list)
    floor: int = 0

    def take(self, count: int) -> list[_Node]:
        """Remove and return the nodes that leave the last ``count`` operands; none where they leave others, too."""
        nodes = self.nodes
        start = len(nodes)
        if count == 1 and start > self.floor and nodes[-1].left == 1:  # by far the most are so
            return [nodes.pop()]
        while count > 0 and start > self.floor and 0 < nodes[start - 1].left <= count:
            start -= 1
            count -= nodes[start].left
        if count:
            self.floor = len(nodes)
            return []
        taken = nodes[start:]
        del nodes[start:]
        return taken


def fold(
    instructions: Iterable[tuple[Instruction, str, Arity]], before: Mapping[int, str], indents: tuple[str, ...]
) -> Iterator[str]:
    """Yield the lines of a body without its final ``end``.

    Parameters: each instruction with its text and its arity; lines that stand before instructions, by their index; the
    indentation by depth, of which the last one is for all deeper lines.
    """
    body = _Sequence([])
    open_ = [body]
    for pc, ((opcode, _), text, (taken, left)) in enumerate(instructions):
        sequence = open_[-1]
        structure = opcode.structure
        if structure is None:
            inside = sequence.take(taken) if taken else ()
            sequence.nodes.append(_Node(text, inside, left, before.get(pc) if before else None))
        elif structure is Structure.END:
            open_.pop()
            if sequence.block is not None:
                sequence.block.left = left
        elif structure is Structure.ELSE:
            within: list[_Node] = []
            sequence.parts.append(_Node("else", within, is_block=True))
            open_[-1] = _Sequence(within, sequence.block, sequence.parts)
        else:
            within = []
            parts = within
            if structure is Structure.IF:
                parts = [*sequence.take(1), _Node("then", within, is_block=True)]
            if taken > (structure is Structure.IF):
                sequence.floor = len(sequence.nodes)
            node = _Node(text, parts, 0, before.get(pc), is_block=True)
            sequence.nodes.append(node)
            open_.append(_Sequence(within, node, parts))
    yield from _render(body.nodes, indents)


def _render(nodes: list[_Node], indents: tuple[str, ...]) -> Iterator[str]:
    """Yield the lines of nodes; a parenthesis that ends operands stands behind the last of them."""
    deepest = len(indents) - 1
    stack: list[tuple[Iterator[_Node], bool]] = []
    rest, indent, line = iter(nodes), indents[0], ""
    while True:
        for node in rest:
            if line:
                yield line
            if node.line is not None:
                yield indent + node.line
            if node.inside:
                line = f"{indent}({node.head}"
                stack.append((rest, node.is_block))
                rest, indent = iter(node.inside), indents[min(len(stack), deepest)]
                break
            line = f"{indent}({node.head})"
        else:
            if not stack:
                break
            rest, is_block = stack.pop()
            indent = indents[min(len(stack), deepest)]
            if is_block:
                yield line
                line = f"{indent})"
            else:
                line += ")"
    if line:
        yield line
