"""Finds the instruction of a text that a validator means: it is read once more, with the place of each instruction."""

from __future__ import annotations

from zenowasm.interp.binary import decode
from zenowasm.interp.errors import ParseError
from zenowasm.interp.limits import ModuleLimits
from zenowasm.interp.syntax.module import ExternKind, Instruction, Module
from zenowasm.interp.text.lexer import Source, tokenize
from zenowasm.interp.text.parser import ModuleParser
from zenowasm.interp.text.parser_immediates import ROWS


def error_in_text(text: str, binary: bytes, message: str, function: int, offset: int) -> ParseError | None:
    """Return a validator's error of the module that a text means as an error at the text's own instruction.

    Parameters: the text, what it was assembled to, and the error's words, function and offset in those bytes. Returns
    ``None`` for a function that the text does not contain, because it has the module in quotes or as bytes.
    """
    parser = _PlacedParser(tokenize(text), 0, ModuleLimits())
    found = parser.text()
    module = decode(binary)
    number = function - len(module.imported(ExternKind.FUNC))
    if not isinstance(found, Module) or number not in parser.sequences:
        return None
    offsets = module.codes[number].body().expression.offsets
    ends = parser.sequences[number].ends
    pc = list(offsets).index(offset)
    # The `end` of a function is its parenthesis, which is next when everything else was read.
    return parser.error(message, _start(parser, ends[pc + 1]) if pc + 1 < len(ends) else ends[-1])


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
