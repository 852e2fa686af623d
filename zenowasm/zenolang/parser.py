"""Parses tokens into statements."""

from __future__ import annotations

import attrs

from zenowasm.zenolang.errors import LexError, NestingError, ParseError, Position, SourceLimitError
from zenowasm.zenolang.expressions import ExpressionParser, name_of_token, path_of
from zenowasm.zenolang.lexer import Places, Token, TokenKind, TokenStream
from zenowasm.zenolang.limits import ScriptLimits
from zenowasm.zenolang.syntax import Expression, Program, Statement

# `} else: {` right after a block is also accepted, and becomes a child of the slot before it.
CONTINUATIONS = {"else": "if", "catch": "try"}

_PLAIN = (TokenKind.WORD, TokenKind.NUMBER, TokenKind.SYMBOL)


def parse(source: str, file: str = "<script>", *, limits: ScriptLimits | None = None) -> Program:
    """Parse a whole script.

    Parameters: the text, its name in errors, and the limits (the default ones if None).
    Raises only LexError, ParseError, SourceLimitError or NestingError.
    Source: the ABI document, "ZenoLang, the part `run script.zl` needs".
    """
    limits = limits or ScriptLimits()
    start = Position(file, 1, 1)
    if len(source) > limits.source_length:
        raise SourceLimitError(f"the script is longer than {limits.source_length} characters", start)
    try:
        source.encode()
    except UnicodeEncodeError as error:
        raise LexError("the text is not Unicode: it has an unpaired surrogate", start) from error
    try:
        parser = _StatementParser(TokenStream(source, Places(source, start).at), limits)
        return Program(parser.statements(closing=None), file)
    except RecursionError:
        # The depth is limited anyway; this is for a caller with little stack left.
        raise NestingError("not enough stack is left to parse the script", start) from None


class _StatementParser:
    def __init__(self, stream: TokenStream, limits: ScriptLimits) -> None:
        self._stream = stream
        self._expressions = ExpressionParser(stream, limits)

    def statements(self, closing: Token | None) -> tuple[Statement, ...]:
        """Read statements up to the end, or up to and including the brace that closes `closing`."""
        found: list[Statement] = []
        while True:
            self._skip_separators()
            token = self._stream.peek()
            if token.is_symbol("}"):
                if closing is None:
                    raise ParseError("unexpected `}`: no block is open", token.position)
                self._stream.advance()
                return tuple(found)
            if token.kind is TokenKind.END:
                if closing is not None:
                    raise ParseError("a block is not closed", closing.position, hint="its `{` stands here")
                return tuple(found)
            self._read_statement(found)

    def _skip_separators(self) -> None:
        while self._stream.peek().kind is TokenKind.NEWLINE or self._stream.accept(",", ";"):
            self._stream.skip_newlines()

    def _read_statement(self, found: list[Statement]) -> None:
        statement = self._statement()
        found.append(statement)
        if statement.has_block and CONTINUATIONS.get(self._stream.peek().text) == statement.name:
            continuation = self._statement()
            found[-1] = attrs.evolve(found[-1], children=(*found[-1].children, continuation))
        token = self._stream.peek()
        separated = token.kind in (TokenKind.NEWLINE, TokenKind.END) or self._stream.entry_ahead()
        if not found[-1].has_block and not separated and not token.is_symbol(",", ";", "}"):
            raise ParseError(
                f"expected the end of the line, found {token.describe()}", token.position, hint=_hint(token)
            )

    def _statement(self) -> Statement:
        token = self._stream.advance()
        name = _statement_name(token)
        value, raw, alias = self._value() if self._stream.accept(":") else (None, None, ())
        opening = self._opening_brace()
        children: tuple[Statement, ...] = ()
        if opening is not None:
            with self._expressions.nested(opening):
                children = self.statements(closing=opening)
        return Statement(name, value, raw, alias + children, opening is not None, token.position)

    def _value(self) -> tuple[Expression | None, str | None, tuple[Statement, ...]]:
        first = self._stream.peek()
        if first.kind in (TokenKind.NEWLINE, TokenKind.END) or first.is_symbol("{", "}", ",", ";"):
            return None, None, ()
        before = self._stream.place
        value = self._expressions.expression()
        taken = self._stream.since(before)
        plain = all(token.kind in _PLAIN and not token.is_symbol("[", "{") for token in taken)
        raw = self._stream.source[first.start : taken[-1].end] if plain else None
        return value, raw, self._alias()

    def _alias(self) -> tuple[Statement, ...]:
        """Read the `as $item` of `foreach: $list as $item`, which is equivalent to a child `as: $item`."""
        word, variable = self._stream.peek(), self._stream.peek(1)
        if word.text != "as" or variable.kind is not TokenKind.VARIABLE:
            return ()
        self._stream.advance()
        self._stream.advance()
        value = path_of(variable.text, variable.position)
        return (Statement("as", value, None, (), False, word.position),)

    def _opening_brace(self) -> Token | None:
        # No statement begins with a brace, so one on a later line belongs to this statement.
        if not self._stream.peek(self._stream.newlines_ahead()).is_symbol("{"):
            return None
        self._stream.skip_newlines()
        return self._stream.expect("{")


def _statement_name(token: Token) -> str:
    if token.kind is not TokenKind.VARIABLE:
        return name_of_token(token)
    if path_of(token.text, token.position).keys:
        raise ParseError(
            f"cannot assign to a part, {token.describe()}", token.position, hint="assign the whole variable"
        )
    return token.text


def _hint(token: Token) -> str:
    if token.is_symbol("="):
        return "`==` compares, `$x: value` assigns"
    if token.is_symbol("++", "--"):
        return "write `$i: $i + 1`"
    return 'text with punctuation needs quotes: "..."'
