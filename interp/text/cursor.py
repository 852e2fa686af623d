"""A position among tokens, and the index spaces in which identifiers are bound (specification, 6.3 and 6.6.1)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NoReturn

from zenowasm.interp import proposals
from zenowasm.interp.errors import ParseError
from zenowasm.interp.text.keywords import is_known
from zenowasm.interp.text.lexer import (
    Annotation,
    Source,
    describe_illegal,
    identifier,
    is_legal,
    string_bytes,
    string_name,
)
from zenowasm.interp.text.values import parse_unsigned

_INDEX_START = frozenset("$0123456789")
_PLAIN_DIGITS = 9
"""The number of decimal digits up to which every integer is below 2^32. Nearly all indices are this short."""


class Space:
    """An index space: its entries by identifier (in ``lexer.identifier``'s spelling), and the entries' names."""

    __slots__ = ("count", "indexes", "names", "unique", "what")

    def __init__(self, what: str, *, unique: bool = True) -> None:
        """Begin without entries; errors call them ``what``. Identifiers that nothing uses need not be ``unique``."""
        self.what = what
        self.unique = unique
        self.count = 0
        self.indexes: dict[str, int] = {}
        self.names: dict[int, str] = {}


class Cursor:
    """A reader of successive tokens. It never reads the empty token at the end, so there is always a next token."""

    def __init__(self, source: Source, pos: int = 0) -> None:
        """Begin at the token with index ``pos``."""
        self.source = source
        self.tokens = source.tokens
        self.pos = pos

    # -- errors --

    def error(self, message: str, pos: int | None = None) -> ParseError:
        """Return an error at a token, by default the next one."""
        return self.source.error(message, self.pos if pos is None else pos)

    def unexpected(self, expected: str, pos: int | None = None) -> ParseError:
        """Return an error that names the token found and what was expected instead."""
        token = self.tokens[self.pos if pos is None else pos]
        if not token:
            found = "unexpected end of text"
        elif not token.startswith("(") and token != ")" and not is_legal(token):
            found = describe_illegal(token)
        elif is_known(token):
            found = f"unexpected token {token[:80]!r}"
        else:
            found = f"unknown operator {token[:80]}"
        return self.error(f"{found}: {expected} expected{self._proposal(pos)}", pos)

    def _proposal(self, pos: int | None) -> str:
        """Return a clause that names the proposal of the token, or of the one after its parenthesis."""
        pos = self.pos if pos is None else pos
        return proposals.of_word(self.tokens[pos] if self.tokens[pos] != "(" else self.tokens[pos + 1])

    def fail(self, expected: str) -> NoReturn:
        """Raise the error that ``unexpected`` returns."""
        raise self.unexpected(expected)

    # -- tokens --

    def at(self, keyword: str) -> bool:
        """Return whether the next tokens are a parenthesis and this keyword."""
        return self.tokens[self.pos] == "(" and self.tokens[self.pos + 1] == keyword

    def open(self, keyword: str) -> bool:
        """Read a parenthesis and this keyword if they are next; return whether they were."""
        if self.tokens[self.pos] == "(" and self.tokens[self.pos + 1] == keyword:
            self.pos += 2
            return True
        return False

    def take(self, token: str) -> bool:
        """Read this token if it is next; return whether it was."""
        if self.tokens[self.pos] == token:
            self.pos += 1
            return True
        return False

    def expect(self, token: str) -> None:
        """Read this token; raises ``ParseError`` if another one is next."""
        if self.tokens[self.pos] != token:
            self.fail(f"{token!r}")
        self.pos += 1

    def close(self) -> None:
        """Read a closing parenthesis."""
        self.expect(")")

    def closes(self) -> bool:
        """Read a closing parenthesis if it is next; return whether it was."""
        return self.take(")")

    # -- strings and numbers --

    def string(self) -> bytes:
        """Read a string (specification, 6.3.3)."""
        data = string_bytes(self.tokens[self.pos])
        if data is None:
            self.fail("a string")
        self.pos += 1
        return data

    def strings(self) -> bytes:
        """Read any number of strings and concatenate them."""
        parts: list[bytes] = []
        while self.tokens[self.pos].startswith('"'):
            parts.append(self.string())
        return b"".join(parts)

    def quoted(self) -> bytes:
        """Read the strings of a quoted module, separated so that no token spans two of them."""
        parts: list[bytes] = []
        while self.tokens[self.pos].startswith('"'):
            parts += [self.string(), b" "]
        return b"".join(parts)

    def name(self) -> str:
        """Read a name: a UTF-8 string (specification, 6.3.4)."""
        data = self.string()
        try:
            return data.decode()
        except UnicodeDecodeError:
            raise self.error("malformed UTF-8 encoding", self.pos - 1) from None

    def unsigned(self, bits: int) -> int:
        """Read an unsigned integer of ``bits`` bits (specification, 6.3.1)."""
        try:
            value = parse_unsigned(bits, self.tokens[self.pos])
        except ValueError as error:
            raise self.number_error(error) from None
        self.pos += 1
        return value

    def number_error(self, error: ValueError) -> ParseError:
        """Return an error at the next token for a number that could not be read."""
        message = str(error)
        if message.startswith("expected "):
            return self.unexpected(message.removeprefix("expected ").partition(",")[0])
        return self.error(f"constant out of range: {message}")

    # -- identifiers and indices --

    def identifier(self) -> str | None:
        """Read an identifier if one is next (6.3.5); return it in ``lexer.identifier``'s spelling."""
        token = self.tokens[self.pos]
        if not token.startswith("$"):
            return None
        name = identifier(token)
        if name is None:
            raise self._identifier_error(token)
        self.pos += 1
        return name

    def _identifier_error(self, token: str) -> ParseError:
        if token in ("$", '$""'):
            return self.error("empty identifier")
        if string_bytes(token[1:]) is not None:
            return self.error("malformed UTF-8 encoding in an identifier")
        return self.unexpected("an identifier")

    def bind(self, space: Space) -> int:
        """Read the optional identifier and name of a new entry of an index space (6.6.1); return its index."""
        index = space.count
        space.count = index + 1
        spelled, name = self.spelled_name()
        if spelled is not None and space.indexes.setdefault(spelled, index) != index and space.unique:
            raise self.error(f"duplicate {space.what} {self.tokens[self.pos - 1]}", self.pos - 1)
        if name is not None:
            space.names[index] = name
        return index

    def spelled_name(self) -> tuple[str | None, str | None]:
        """Read an identifier if one is next; return it and the name, from an annotation or the identifier."""
        spelled = self.identifier()
        name = self.name_annotation()
        return spelled, spelled[1:] if name is None and spelled is not None else name

    def name_annotation(self) -> str | None:
        """Return the name in a name annotation before the next token (specification, name annotations)."""
        if not self.source.annotations:
            return None
        for annotation in self.annotations("name"):
            name = string_name(annotation.tokens[0]) if len(annotation.tokens) == 1 else None
            if name is None:
                raise self.source.annotation_error("malformed @name annotation: one name expected", annotation)
            return name
        return None

    def annotations(self, kind: str, pos: int | None = None) -> Iterator[Annotation]:
        """Yield the annotations of a kind before a token, by default the next one, and mark them as read."""
        for annotation in self.source.annotations.get(self.pos if pos is None else pos, ()):
            if annotation.id == kind:
                self.source.read.add(annotation.places[0])
                yield annotation

    def at_index(self, pos: int) -> bool:
        """Return whether the token at ``pos`` is an index: a number or an identifier."""
        return self.tokens[pos][:1] in _INDEX_START

    def index(self, space: Space) -> int:
        """Read an index into a space; an identifier must be bound, a number may be any (specification, 6.6.1)."""
        token = self.tokens[self.pos]
        found = space.indexes.get(token)
        if found is None:
            return self._index(space, token)
        self.pos += 1
        return found

    def _index(self, space: Space, token: str) -> int:
        if len(token) <= _PLAIN_DIGITS and token.isascii() and token.isdecimal():
            self.pos += 1
            return int(token)
        if token.startswith("$"):
            spelled = self.identifier() or token
            found = space.indexes.get(spelled)
            if found is None:
                raise self.error(f"unknown {space.what} {token}", self.pos - 1)
            return found
        if not self.at_index(self.pos):
            self.fail(f"the index of a {space.what}")
        return self.unsigned(32)
