"""The grammar of values: constants, strings, paths, lists, and the operators between them."""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import contextmanager

from zenowasm.zenolang.errors import NestingError, ParseError, Position
from zenowasm.zenolang.lexer import PATH, Places, Token, TokenKind, TokenStream
from zenowasm.zenolang.limits import ScriptLimits
from zenowasm.zenolang.syntax import (
    Assignment,
    Chain,
    Expression,
    ListLiteral,
    Literal,
    LoopHeader,
    MapLiteral,
    Path,
    Text,
    Unary,
)

# From the lowest precedence to the highest.
PRECEDENCE: tuple[tuple[str, ...], ...] = (
    ("??",),
    ("||",),
    ("&&",),
    ("==", "!="),
    ("<", "<=", ">", ">="),
    ("+", "-"),
    ("*", "/", "%"),
)

_LEVELS = {operator: level for level, operators in enumerate(PRECEDENCE) for operator in operators}

CONSTANTS: dict[str, bool | None] = {"true": True, "false": False, "nil": None, "null": None}

_KEY = re.compile(r"""\.(?P<name>\w+) | \[ (?P<index>[^\]"']+ | "[^"]*" | '[^']*') \]""", re.VERBOSE)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "'": "'", "\\": "\\"}
_STRING_PIECE = re.compile(
    rf"""
      \\ (?P<escape> . )
    | (?P<path> {PATH} )
    | \$\{{ \$? (?P<braced> [^{{}}"]* ) \}}
    | (?P<open> \$\{{ )
    | [^\\$]+ | .
    """,
    re.VERBOSE | re.DOTALL,
)


class ExpressionParser:
    """A parser of expressions in a token stream, which limits their nesting.

    Source: the ABI document, "ZenoLang, the part `run script.zl` needs".
    """

    def __init__(self, stream: TokenStream, limits: ScriptLimits) -> None:
        self.stream = stream
        self.limits = limits
        self._depth = 0

    @contextmanager
    def nested(self, token: Token) -> Iterator[None]:
        """Enter one level of nesting; raises NestingError before the recursion becomes too deep for Python."""
        if self._depth >= self.limits.syntax_nesting:
            raise NestingError(
                f"blocks and brackets are nested more than {self.limits.syntax_nesting} deep", token.position
            )
        self._depth += 1
        yield
        self._depth -= 1

    def expression(self, level: int = 0) -> Expression:
        """Read one expression of operators with at least the precedence `level`; raises ParseError if there is none."""
        left = self._operand()
        while (found := self._operator_level()) >= level:
            rest: list[tuple[str, Expression]] = []
            while token := self.stream.accept(*PRECEDENCE[found]):
                self.stream.skip_newlines()
                rest.append((token.text, self.expression(found + 1)))
            left = Chain(left, tuple(rest), left.position)
        return left

    def _operator_level(self) -> int:
        """Return the precedence of the next operator, -1 if the next token is not an operator."""
        token = self.stream.peek()
        return _LEVELS.get(token.text, -1) if token.kind is TokenKind.SYMBOL else -1

    def _operand(self) -> Expression:
        token = self.stream.advance()
        match token.kind:
            case TokenKind.NUMBER | TokenKind.WORD:
                return self._constant(token)
            case TokenKind.STRING:
                return text_of(token, self.limits)
            case TokenKind.VARIABLE:
                return path_of(token.text, token.position)
        if token.is_symbol("!", "-"):
            with self.nested(token):
                return Unary(token.text, self._operand(), token.position)
        if token.is_symbol("("):
            with self.nested(token):
                self.stream.skip_newlines()
                inner = self.expression()
                self.stream.skip_newlines()
                self.stream.expect(")")
                return inner
        if token.is_symbol("["):
            with self.nested(token):
                return ListLiteral(tuple(self._items("]")), token.position)
        if token.is_symbol("{"):
            with self.nested(token):
                return MapLiteral(tuple(self._entries()), token.position)
        raise ParseError(
            f"expected a value, found {token.describe()}",
            token.position,
            hint='text with punctuation needs quotes: "..."',
        )

    def _items(self, closing: str) -> Iterator[Expression]:
        self.stream.skip_newlines()
        while not self.stream.accept(closing):
            yield self.expression()
            self._separator(closing)

    def _entries(self) -> Iterator[tuple[str, Expression]]:
        self.stream.skip_newlines()
        while not self.stream.accept("}"):
            key = name_of_token(self.stream.advance())
            self.stream.expect(":")
            self.stream.skip_newlines()
            yield key, self.expression()
            self._separator("}")

    def _separator(self, closing: str) -> None:
        newlines = self.stream.newlines_ahead()
        self.stream.skip_newlines()
        separated = self.stream.accept(",") is not None or newlines > 0 or self.stream.entry_ahead()
        self.stream.skip_newlines()
        token = self.stream.peek()
        if not separated and not token.is_symbol(closing):
            raise ParseError(f"expected `,` or `{closing}`, found {token.describe()}", token.position)

    def _constant(self, first: Token) -> Literal:
        last = first
        while self._continues_text():
            last = self.stream.advance()
        if last is not first:
            return Literal(self.stream.source[first.start : last.end], first.position)
        if first.kind is TokenKind.NUMBER:
            return Literal(self._number(first), first.position)
        return Literal(CONSTANTS.get(first.text, first.text), first.position)

    def _continues_text(self) -> bool:
        """Return whether an unquoted text continues: `created_at DESC` is one text, but `$list as $item` is not."""
        token, following = self.stream.peek(), self.stream.peek(1)
        if token.kind not in (TokenKind.WORD, TokenKind.NUMBER) or self.stream.entry_ahead():
            return False
        return not (token.text == "as" and following.kind is TokenKind.VARIABLE)

    def _number(self, token: Token) -> int | float:
        if token.text.isdecimal():
            # A digit has fewer than four bits; this check precedes the costly conversion.
            if len(token.text) <= self.limits.integer_bits // 4:
                return int(token.text)
        else:
            number = float(token.text)
            if math.isfinite(number):
                return number
        raise ParseError(f"the number {token.describe()} is too large", token.position)


def name_of_token(token: Token) -> str:
    """Return the name of a key or a statement; raises ParseError if the token cannot be a name."""
    if token.kind in (TokenKind.WORD, TokenKind.NUMBER):
        return token.text
    if token.kind is TokenKind.STRING:
        return text_of(token).source
    raise ParseError(f"expected a name, found {token.describe()}", token.position)


def path_of(text: str, position: Position) -> Path:
    """Split a path that the lexer has matched: `$a.b[0]`."""
    name, *_ = re.split(r"[.\[]", text[1:], maxsplit=1)
    keys: list[str | Path] = []
    for match in _KEY.finditer(text, 1 + len(name)):
        key = match["name"] or match["index"]
        if key.startswith("$"):
            keys.append(path_of(key, position))
        else:
            keys.append(key[1:-1] if key[0] in "\"'" else key)
    return Path(name, tuple(keys), position)


def text_of(token: Token, limits: ScriptLimits | None = None) -> Text:
    """Decode a quoted string: escapes in both kinds, interpolation only in double quotes."""
    fills = token.text[0] == '"'
    places = Places(token.text, token.position)
    parts: list[str | Expression] = []
    source: list[str] = []
    for match in _STRING_PIECE.finditer(token.text, 1, len(token.text) - 1):
        whole = match.group()
        if (escape := match["escape"]) is not None:
            decoded = _ESCAPES.get(escape, whole)
            parts.append("$" if fills and escape == "$" else decoded)
            source.append(decoded)
            continue
        source.append(whole)
        if fills and match["path"] is not None:
            parts.append(path_of(whole, places.at(match.start())))
        elif fills and match["braced"] is not None:
            parts.append(_filled_in(match, places, limits or ScriptLimits()))
        elif fills and match["open"] is not None:
            raise _bad_brace(places.at(match.start()))
        else:
            parts.append(whole)
    return Text(tuple(parts), "".join(source), token.position, token.text)


def _filled_in(match: re.Match[str], places: Places, limits: ScriptLimits) -> Expression:
    """Parse the content of `${...}`: a variable, with or without its `$`, or an expression."""
    position = places.at(match.start())
    if re.fullmatch(PATH, "$" + match["braced"], re.VERBOSE) is not None:
        return path_of("$" + match["braced"], position)
    first = match.start() + 2
    stream = TokenStream(match.group()[2:-1], lambda offset: places.at(first + offset), newlines=False)
    if stream.peek().kind is TokenKind.END:
        raise _bad_brace(position)
    expression = ExpressionParser(stream, limits).expression()
    _expect_end(stream)
    for token in stream.since(0):
        if token.kind is TokenKind.WORD and token.text not in CONSTANTS:
            hint = "a variable in an expression has its `$`, a text its quotes"
            raise ParseError(f"{token.describe()} is neither a variable nor a text", token.position, hint=hint)
    return expression


def _bad_brace(position: Position) -> ParseError:
    return ParseError(
        "`${` is not followed by a variable and `}`",
        position,
        hint=r"write ${a.b} or ${$a + 1}, or \${ for the characters",
    )


def parse_condition(text: Text, limits: ScriptLimits) -> Expression:
    """Parse a condition in a string, `if: "$a == 1"`; an empty condition is the empty text."""
    if not text.source.strip():
        return Literal("", text.position)
    stream = _quoted(text)
    expression = ExpressionParser(stream, limits).expression()
    _expect_end(stream)
    return expression


def parse_loop_header(text: Text, limits: ScriptLimits) -> LoopHeader:
    """Parse `"$i = 0; $i < 3; $i++"`; raises ParseError if it does not have three parts."""
    stream = _quoted(text)
    parser = ExpressionParser(stream, limits)
    start = None if stream.peek().is_symbol(";") else _assignment(parser)
    stream.expect(";")
    condition = None if stream.peek().is_symbol(";") else parser.expression()
    stream.expect(";")
    advance = None if stream.peek().kind is TokenKind.END else _assignment(parser)
    _expect_end(stream)
    return LoopHeader(start, condition, advance)


def _quoted(text: Text) -> TokenStream:
    """Return the tokens of quoted code, each with its position in the source."""
    places = Places(text.raw, text.position)
    decoded, written = [0], [1]  # offsets after each escape, which is two characters in the source
    for match in _STRING_PIECE.finditer(text.raw, 1, len(text.raw) - 1):
        if match["escape"] in _ESCAPES:
            decoded.append(decoded[-1] + match.start() - written[-1] + 1)
            written.append(match.end())

    def place(offset: int) -> Position:
        escape = bisect_right(decoded, offset) - 1
        return places.at(written[escape] + offset - decoded[escape])

    return TokenStream(text.source, place, newlines=False)


def _expect_end(stream: TokenStream) -> None:
    stream.skip_newlines()
    token = stream.peek()
    if token.kind is not TokenKind.END:
        hint = "`==` compares" if token.is_symbol("=") else ""
        raise ParseError(f"expected the end of the code, found {token.describe()}", token.position, hint=hint)


def _assignment(parser: ExpressionParser) -> Assignment:
    token = parser.stream.advance()
    variable = path_of(token.text, token.position) if token.kind is TokenKind.VARIABLE else None
    if variable is None or variable.keys:
        raise ParseError(f"expected a variable, found {token.describe()}", token.position)
    operator = parser.stream.accept("=", "++", "--", "+=", "-=")
    if operator is None:
        found = parser.stream.peek()
        raise ParseError(f"expected `=`, `++` or `--`, found {found.describe()}", found.position)
    if operator.text == "=":
        return Assignment(variable.name, parser.expression())
    amount = parser.expression() if operator.text.endswith("=") else Literal(1, operator.position)
    return Assignment(variable.name, Chain(variable, ((operator.text[0], amount),), operator.position))
