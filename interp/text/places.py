"""Finds the instruction of a text that a validator means: it is read once more, with the place of each instruction."""

from __future__ import annotations

from bisect import bisect_left
from functools import cached_property

from zenowasm.interp.binary import decode
from zenowasm.interp.errors import ParseError
from zenowasm.interp.limits import ModuleLimits
from zenowasm.interp.syntax.module import ExternKind, Instruction, Module
from zenowasm.interp.text.lexer import Source, tokenize
from zenowasm.interp.text.parser import ModuleParser
from zenowasm.interp.text.parser_immediates import ROWS


class TextPlaces:
    """The instructions of a text by the byte offsets that they have in what the text was assembled to."""

    def __init__(self, text: str, binary: bytes) -> None:
        """Remember a text, and the module that was made of it; nothing is read before a place is asked for."""
        self._text = text
        self._binary = binary

    def error(self, message: str, function: int | None, offset: int | None) -> ParseError | None:
        """Return an error at the instruction that a validator means by a function and a byte offset.

        There is none outside functions, for an offset of something else, and where the text has the module in quotes
        or as bytes.
        """
        if function is None or offset is None:
            return None
        module, parser = self._module, self._parser
        number = function - len(module.imported(ExternKind.FUNC))
        if parser is None or number not in parser.sequences:
            return None
        offsets, ends = module.codes[number].body().expression.offsets, parser.sequences[number].ends
        pc = bisect_left(offsets, offset)
        if pc == len(offsets) or offsets[pc] != offset:
            return None
        # The `end` of a function is its parenthesis, which is next when everything else was read.
        return parser.error(message, _start(parser, ends[pc + 1]) if pc + 1 < len(ends) else ends[-1])

    @cached_property
    def _module(self) -> Module:
        return decode(self._binary)

    @cached_property
    def _parser(self) -> _PlacedParser | None:
        parser = _PlacedParser(tokenize(self._text), 0, ModuleLimits())
        return parser if isinstance(parser.text(), Module) else None


def _start(parser: ModuleParser, end: int) -> int:
    """Return the token of the instruction that was read when the parser came to ``end``."""
    tokens = parser.tokens
    pos = end - 1
    while tokens[pos] not in ROWS:
        if tokens[pos] == ")":
            opening = _enclosing(tokens, pos)
            if tokens[opening + 1] in ROWS:
                return opening + 1
            pos = opening
        elif tokens[pos] == "then":
            # `if` comes after its condition, when its branch begins.
            return _enclosing(tokens, pos - 1) + 1
        pos -= 1
    return pos


def _enclosing(tokens: list[str], pos: int) -> int:
    """Return the innermost parenthesis that is open before ``pos``."""
    depth = 1
    while depth:
        pos -= 1
        depth += (tokens[pos] == ")") - (tokens[pos] == "(")
    return pos


class _Sequence(list[Instruction]):
    """Instructions, and the tokens at which the parser was before the first of them and when each was appended."""

    def __init__(self, parser: _PlacedParser) -> None:
        super().__init__()
        self.parser = parser
        self.ends = [parser.pos]

    def append(self, instruction: Instruction) -> None:
        """Add an instruction that was just read."""
        self.ends.append(self.parser.pos)
        super().append(instruction)


class _PlacedParser(ModuleParser):
    """Reads a module and keeps the sequence of each function by its number among those that the module defines."""

    def __init__(self, source: Source, pos: int, limits: ModuleLimits) -> None:
        super().__init__(source, pos, limits)
        self.sequences: dict[int, _Sequence] = {}

    def new_sequence(self) -> list[Instruction]:
        """Return the list for a sequence; constant expressions before a function have its number, and are replaced."""
        found = self.sequences[len(self.parts.codes)] = _Sequence(self)
        return found
