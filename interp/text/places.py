"""Locates the instruction that a validator reports, by parsing the text again and recording each instruction."""

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
    """The instructions of a text, by their byte offsets in the binary that it was assembled to."""

    def __init__(self, text: str, binary: bytes) -> None:
        """Set the text and the binary made from it; both are parsed on demand."""
        self._text = text
        self._binary = binary

    def error(self, message: str, function: int | None, offset: int | None) -> ParseError | None:
        """Return an error at the instruction that a validator identifies by a function and a byte offset.

        Returns ``None`` outside functions, for an offset that is not an instruction's, and if the text quotes the
        module or contains it as bytes.
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
        # The `end` of a function is its closing parenthesis, which follows all its instructions.
        return parser.error(message, _start(parser, ends[pc + 1]) if pc + 1 < len(ends) else ends[-1])

    @cached_property
    def _module(self) -> Module:
        return decode(self._binary)

    @cached_property
    def _parser(self) -> _PlacedParser | None:
        parser = _PlacedParser(tokenize(self._text), 0, ModuleLimits())
        return parser if isinstance(parser.text(), Module) else None


def _start(parser: ModuleParser, end: int) -> int:
    """Return the first token of the instruction whose reading ended at ``end``."""
    tokens = parser.tokens
    pos = end - 1
    while tokens[pos] not in ROWS:
        if tokens[pos] == ")":
            opening = _enclosing(tokens, pos)
            if tokens[opening + 1] in ROWS:
                return opening + 1
            pos = opening
        elif tokens[pos] == "then":
            # `if` is emitted after its condition, when its first arm begins.
            return _enclosing(tokens, pos - 1) + 1
        pos -= 1
    return pos


def _enclosing(tokens: list[str], pos: int) -> int:
    """Return the innermost parenthesis that is still open before ``pos``."""
    depth = 1
    while depth:
        pos -= 1
        depth += (tokens[pos] == ")") - (tokens[pos] == "(")
    return pos


class _Sequence(list[Instruction]):
    """Instructions, with the parser's position before the first of them and after each was appended."""

    def __init__(self, parser: _PlacedParser) -> None:
        super().__init__()
        self.parser = parser
        self.ends = [parser.pos]

    def append(self, instruction: Instruction) -> None:
        """Add an instruction that was just read, and its end."""
        self.ends.append(self.parser.pos)
        super().append(instruction)


class _PlacedParser(ModuleParser):
    """A module parser that keeps each function's sequence, by the function's index among the module's own."""

    def __init__(self, source: Source, pos: int, limits: ModuleLimits) -> None:
        super().__init__(source, pos, limits)
        self.sequences: dict[int, _Sequence] = {}

    def new_sequence(self) -> list[Instruction]:
        """Return a list for a sequence; a constant expression uses the next function's number and is replaced by it."""
        found = self.sequences[len(self.parts.codes)] = _Sequence(self)
        return found
