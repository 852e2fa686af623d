"""Splits text into tokens."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable
from enum import Enum, auto

import attrs

from zenowasm.zenolang.errors import LexError, ParseError, Position


class TokenKind(Enum):
    """The kind of a token."""

    WORD = auto()
    NUMBER = auto()
    STRING = auto()
    VARIABLE = auto()
    SYMBOL = auto()
    NEWLINE = auto()
    END = auto()


@attrs.frozen
class Token:
    """A token of the source: its kind, its text as written, its offset and its position."""

    kind: TokenKind
    text: str
    start: int
    position: Position

    @property
    def end(self) -> int:
        """The offset after the last character."""
        return self.start + len(self.text)

    def is_symbol(self, *symbols: str) -> bool:
        """Return whether this is one of the given symbols (a quoted "+" is not)."""
        return self.kind is TokenKind.SYMBOL and self.text in symbols

    def describe(self) -> str:
        """Return the token's description for error messages."""
        if self.kind is TokenKind.END:
            return "the end of the script"
        if self.kind is TokenKind.NEWLINE:
            return "the end of the line"
        return f"`{self.text}`" if len(self.text) <= 40 else f"`{self.text[:40]}...`"


# A key in brackets is a constant or a variable, never a whole expression, so a path stays one token.
PATH = r"""\$[^\W\d]\w* (?: \.\w+ | \[ (?: \d+ | \$[^\W\d]\w*(?:\.\w+)* | "[^"\n]*" | '[^'\n]*' ) \] )*"""

_TOKENS = re.compile(
    rf"""
      (?P<SKIP>     [^\S\n]+ | \ufeff | (?: // | \# ) [^\n]* | /\* .*? \*/ )
    | (?P<NEWLINE>  \n )
    | (?P<STRING>   " (?: [^"\\] | \\. )* " | ' (?: [^'\\] | \\. )* ' )
    | (?P<VARIABLE> {PATH} )
    | (?P<NUMBER>   \d+ (?: \.\d+ )? (?: [eE][+-]?\d+ )? (?! \.?\w ) )
    | (?P<WORD>     [^\W\d]\w* (?: [.-]\w+ )* | \d\w* (?: \.\w+ )* )
    | (?P<SYMBOL>   \+\+ | -- | == | != | <= | >= | && | \|\| | \?\? | \+= | -= | [-+*/%!<>=(){{}}\[\]:,;] )
    """,
    re.VERBOSE | re.DOTALL,
)

_NAMES = (TokenKind.WORD, TokenKind.VARIABLE, TokenKind.STRING, TokenKind.NUMBER)

_UNFINISHED = {
    '"': "a string that never ends",
    "'": "a string that never ends",
    "/*": "a comment that never ends",
}


class Places:
    """A mapping from offsets in a text to positions; the first character is at `start`."""

    def __init__(self, text: str, start: Position) -> None:
        self._start = start
        self._lines = [match.end() for match in re.finditer("\n", text)]

    def at(self, offset: int) -> Position:
        """Return the position of the character at this offset."""
        line = bisect_right(self._lines, offset)
        column = offset - self._lines[line - 1] + 1 if line else self._start.column + offset
        return Position(self._start.file, self._start.line + line, column)


def tokenize(source: str, place: Callable[[int], Position]) -> list[Token]:
    """Split `source` into tokens, the last of which is END.

    Parameters: the text, and a function from an offset to its position. Raises LexError.
    """
    tokens: list[Token] = []
    offset = 0
    while offset < len(source):
        position = place(offset)
        match = _TOKENS.match(source, offset)
        # An unterminated comment would otherwise be read as a division.
        if match is None or (match.lastgroup == "SYMBOL" and source.startswith("/*", offset)):
            raise _unexpected(source, offset, position)
        text = match.group()
        if match.lastgroup is not None and match.lastgroup != "SKIP":
            tokens.append(Token(TokenKind[match.lastgroup], text, offset, position))
        offset = match.end()
    tokens.append(Token(TokenKind.END, "", offset, place(offset)))
    return tokens


def _unexpected(source: str, offset: int, position: Position) -> LexError:
    for opening, problem in _UNFINISHED.items():
        if source.startswith(opening, offset):
            return LexError(problem, position, hint=f"it begins here with `{opening}`")
    return LexError(
        f"unexpected character {source[offset]!r}", position, hint='text with punctuation needs quotes: "..."'
    )


class TokenStream:
    """The tokens of a source, and the current index; without `newlines`, line ends are dropped."""

    def __init__(self, source: str, place: Callable[[int], Position], *, newlines: bool = True) -> None:
        self.source = source
        tokens = tokenize(source, place)
        self._tokens = tokens if newlines else [it for it in tokens if it.kind is not TokenKind.NEWLINE]
        self._index = 0

    @property
    def place(self) -> int:
        """The number of tokens taken so far."""
        return self._index

    def since(self, place: int) -> list[Token]:
        """Return the tokens taken since an earlier `place`."""
        return self._tokens[place : self._index]

    def peek(self, ahead: int = 0) -> Token:
        """Return the next token, or one after it; END at and after the end."""
        return self._tokens[min(self._index + ahead, len(self._tokens) - 1)]

    def advance(self) -> Token:
        """Take the next token."""
        token = self.peek()
        self._index += 1
        return token

    def accept(self, *symbols: str) -> Token | None:
        """Take the next token if it is one of these symbols."""
        return self.advance() if self.peek().is_symbol(*symbols) else None

    def expect(self, symbol: str) -> Token:
        """Take the next token, which must be this symbol; raises ParseError otherwise."""
        token = self.accept(symbol)
        if token is None:
            raise ParseError(f"expected `{symbol}`, found {self.peek().describe()}", self.peek().position)
        return token

    def entry_ahead(self) -> bool:
        """Return whether a name and a colon come next, which end the preceding value: `a: $b c: 1`."""
        return self.peek().kind in _NAMES and self.peek(1).is_symbol(":")

    def skip_newlines(self) -> None:
        """Skip line ends."""
        while self.peek().kind is TokenKind.NEWLINE:
            self.advance()

    def newlines_ahead(self) -> int:
        """Return the number of line ends that come next."""
        count = 0
        while self.peek(count).kind is TokenKind.NEWLINE:
            count += 1
        return count
