"""Text into tokens."""

from __future__ import annotations

import re
from enum import Enum, auto

import attrs

from zenowasm.zenolang.errors import LexError, ParseError, Position


class TokenKind(Enum):
    """What a token is."""

    WORD = auto()
    NUMBER = auto()
    STRING = auto()
    VARIABLE = auto()
    SYMBOL = auto()
    NEWLINE = auto()
    END = auto()


@attrs.frozen
class Token:
    """A piece of the source: its kind, its text as written, and where it stands."""

    kind: TokenKind
    text: str
    start: int
    position: Position

    @property
    def end(self) -> int:
        """The offset behind the last character."""
        return self.start + len(self.text)

    def is_symbol(self, *symbols: str) -> bool:
        """Whether this is one of the given symbols (a quoted "+" is not)."""
        return self.kind is TokenKind.SYMBOL and self.text in symbols

    def describe(self) -> str:
        """The token's name in an error message."""
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


def tokenize(source: str, start: Position) -> list[Token]:
    """Split `source` into tokens, the last one END.

    Parameters: the text, and the position of its first character. Raises LexError.
    """
    tokens: list[Token] = []
    line, column, offset = start.line, start.column, 0
    while offset < len(source):
        position = Position(start.file, line, column)
        match = _TOKENS.match(source, offset)
        # An unfinished comment would otherwise pass as a division.
        if match is None or (match.lastgroup == "SYMBOL" and source.startswith("/*", offset)):
            raise _unexpected(source, offset, position)
        text = match.group()
        if match.lastgroup is not None and match.lastgroup != "SKIP":
            tokens.append(Token(TokenKind[match.lastgroup], text, offset, position))
        newlines = text.count("\n")
        line += newlines
        column = len(text) - text.rfind("\n") if newlines else column + len(text)
        offset = match.end()
    tokens.append(Token(TokenKind.END, "", offset, Position(start.file, line, column)))
    return tokens


def _unexpected(source: str, offset: int, position: Position) -> LexError:
    for opening, problem in _UNFINISHED.items():
        if source.startswith(opening, offset):
            return LexError(problem, position, hint=f"it begins here with `{opening}`")
    return LexError(
        f"unexpected character {source[offset]!r}", position, hint='text with punctuation needs quotes: "..."'
    )


class TokenStream:
    """The tokens of a source, and the place reached in them."""

    def __init__(self, source: str, start: Position) -> None:
        self.source = source
        self._tokens = tokenize(source, start)
        self._index = 0

    @property
    def place(self) -> int:
        """How many tokens have been taken."""
        return self._index

    def since(self, place: int) -> list[Token]:
        """The tokens taken since an earlier `place`."""
        return self._tokens[place : self._index]

    def peek(self, ahead: int = 0) -> Token:
        """The next token, or one behind it; END for ever at the end."""
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
        """Take the symbol that has to come now; ParseError if another token does."""
        token = self.accept(symbol)
        if token is None:
            raise ParseError(f"expected `{symbol}`, found {self.peek().describe()}", self.peek().position)
        return token

    def entry_ahead(self) -> bool:
        """Whether a name and its colon come next, which end the value before them: `a: $b c: 1`."""
        return self.peek().kind in _NAMES and self.peek(1).is_symbol(":")

    def skip_newlines(self) -> None:
        """Pass over line ends where they mean nothing."""
        while self.peek().kind is TokenKind.NEWLINE:
            self.advance()

    def newlines_ahead(self) -> int:
        """How many line ends come next."""
        count = 0
        while self.peek(count).kind is TokenKind.NEWLINE:
            count += 1
        return count
