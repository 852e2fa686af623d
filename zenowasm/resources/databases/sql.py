"""Finds SQL placeholders by the lexical rules of each database, so that values are bound and never formatted in.

Sources: SQLite, "SQL As Understood By SQLite" (tokens, comments, keywords); PostgreSQL, chapter 4.1 "Lexical
Structure".
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final, NamedTuple, TypeAlias

from attrs import frozen

from zenowasm.resources.databases.settings import StatementError

Parameter: TypeAlias = "str | int | float | bool | None"
Parameters: TypeAlias = "Sequence[object] | Mapping[str, object] | None"

MAX_SQL: Final = 1_000_000
"""The maximum length of one statement in characters; SQLite's default for the same limit."""
# Deliberately without statements that change a session, end a transaction, access files or run on their own.
_QUERIES: Final = ("(", "SELECT", "WITH", "VALUES", "TABLE", "EXPLAIN", "SHOW")
_CHANGES: Final = ("INSERT", "UPDATE", "DELETE", "MERGE", "REPLACE", "TRUNCATE", "CALL")
_DEFINITIONS: Final = ("CREATE", "ALTER", "DROP", "COMMENT", "GRANT", "REVOKE")
PERMITTED: Final = frozenset((*_QUERIES, *_CHANGES, *_DEFINITIONS))
ONE_STATEMENT: Final = "only one statement is permitted"
"""The one message for an error that each database reports differently."""
_SHORT: Final = 4_000
"""The maximum length, in characters, of a statement whose placeholders are cached."""
_TEMPLATES: Final = 256
"""The number of cached statements."""
_INTEGERS: Final = range(-(2**63), 2**63)

# Possessive quantifiers, and alternatives that match the end of the text: no text causes much backtracking.
_LITERAL = r"'[^']*+(?:''[^']*+)*+(?:'|\Z)"
_QUOTED = r'"[^"]*+(?:""[^"]*+)*+(?:"|\Z)'
_ESCAPED = r"'[^'\\]*+(?:(?:\\.|'')[^'\\]*+)*+(?:'|\Z)"
_LINE_COMMENT = r"--[^\n]*+"
_WORD = r"(?P<word>[^\W\d][\w$]*+)"
_BLOCK = r"(?P<block>/\*)"
_SQLITE = re.compile(
    rf"(?P<comment>{_LINE_COMMENT})|{_BLOCK}|{_LITERAL}|{_QUOTED}|`[^`]*+`?|\[[^\]]*+\]?|{_WORD}"
    r"|(?P<positional>\?)|(?P<named>[:@$#]\w++)",
    re.DOTALL,
)
_POSTGRESQL = re.compile(
    # An escape string can continue in a literal on the next line, still with escapes.
    rf"(?P<comment>{_LINE_COMMENT})|{_BLOCK}|[eE]{_ESCAPED}(?:[ \t\r\f\v]*+\n\s*+{_ESCAPED})*+|{_LITERAL}|{_QUOTED}"
    rf"|{_WORD}|(?P<tag>\$(?:[^\W\d]\w*+)?\$)(?:.*?(?P=tag)|.*)|::|:="
    r"|(?P<operator>\?\?)|(?P<positional>\?)|(?P<named>:[^\W\d]\w*+)",
    re.DOTALL,
)
_COMMENT_MARK = re.compile(r"/\*|\*/")


@frozen(eq=False)
class Dialect:
    """The differences between databases.

    They are the tokens, nested comments, the numbering of the driver's placeholders, and the first words of statements
    that cannot change anything.
    """

    tokens: re.Pattern[str]
    nested_comments: bool
    numbered: bool
    reads: frozenset[str]


SQLITE: Final = Dialect(_SQLITE, nested_comments=False, numbered=False, reads=frozenset({"SELECT", "VALUES"}))
# A function that a SELECT calls may change anything.
POSTGRESQL: Final = Dialect(_POSTGRESQL, nested_comments=True, numbered=True, reads=frozenset())


class BoundStatement(NamedTuple):
    """SQL with the driver's placeholders, and the values for them in order.

    ``reads`` is true if the statement cannot change anything.
    """

    sql: str
    values: tuple[Parameter, ...]
    reads: bool = False


def bind(sql: str, parameters: Parameters, dialect: Dialect) -> BoundStatement:
    """Return ``sql`` with its placeholders in the driver's form, and their values.

    With a list (or nothing), each ``?`` outside quotes and comments takes the next value; in PostgreSQL's operators,
    ``?`` is written ``??``, as in ``data ??| :names``. With an object, each ``:name`` takes the value of that name, and
    ``?`` is unchanged; a slice is written with spaces (``a[1 : n]``). Raises ``StatementError`` if the SQL is too long
    or not one of the permitted statements, if placeholders and values do not match, or if a value has no SQL form.
    """
    if len(sql) > MAX_SQL:
        raise StatementError(f"the SQL is longer than {MAX_SQL} characters")
    named = parameters if isinstance(parameters, Mapping) else None
    template = (_short_template if len(sql) <= _SHORT else _template)(sql, dialect, named is not None)
    if named is not None:
        values = tuple(_named(named, name) for name in template.places)
    else:
        given = tuple(parameters or ())
        if len(template.places) != len(given):
            asked = len(template.places)
            raise StatementError(f"{asked} placeholders (?) in the SQL, but {len(given)} parameters")
        values = tuple(_parameter(value, f"parameter {number}") for number, value in enumerate(given, 1))
    if template.first not in PERMITTED:
        raise StatementError(_refusal(template.first))
    return BoundStatement(template.sql, values, template.first in dialect.reads)


def _named(parameters: Mapping[str, object], placeholder: str) -> Parameter:
    name = placeholder[1:]
    if placeholder[0] != ":" or name not in parameters:
        raise StatementError(f"no parameter for the placeholder {placeholder[:40]}")
    return _parameter(parameters[name], f"parameter {name[:40]}")


def _refusal(first: str) -> str:
    if not first:
        return "the SQL is empty"
    return f"{first[:40]} statements are not permitted" if first[0].isalpha() else "the SQL does not begin with a word"


@frozen
class _Template:
    """SQL with the driver's placeholders, the source of each one's value, and the first word."""

    sql: str
    places: tuple[str, ...]
    first: str


def _template(sql: str, dialect: Dialect, named: bool) -> _Template:
    if "\0" in sql:
        raise StatementError("the SQL contains a NUL character")
    if not _is_unicode(sql):
        raise StatementError("the SQL is not valid Unicode")
    translation = _Translation(dialect, named)
    text = translation.translate(sql)
    return _Template(text, tuple(translation.places), translation.first)


# Plugins repeat the same statements, and this takes longer than a query by primary key.
_short_template = lru_cache(_TEMPLATES)(_template)


class _Translation:
    def __init__(self, dialect: Dialect, named: bool) -> None:
        self._dialect = dialect
        self._named = named
        self._numbers: dict[str, int] = {}
        self.first = ""
        self.places: list[str] = []

    def translate(self, sql: str) -> str:
        parts: list[str] = []
        position = 0
        while match := self._dialect.tokens.search(sql, position):
            between = sql[position : match.start()]
            end = self._comment_end(sql, match.end()) if match["block"] else match.end()
            parts += (between, self._replacement(match, sql[match.start() : end]))
            if not self.first:
                self._note_first(between, match)
            position = end
        if not self.first:
            self.first = sql[position:].strip()[:1]
        parts.append(sql[position:])
        return "".join(parts)

    def _note_first(self, between: str, match: re.Match[str]) -> None:
        if between.strip():
            self.first = between.strip()[0]
        elif not (match["comment"] or match["block"]):
            self.first = match["word"].upper() if match["word"] else match.group()[0]

    def _comment_end(self, sql: str, position: int) -> int:
        depth = 1
        while mark := _COMMENT_MARK.search(sql, position):
            position = mark.end()
            if mark.group() == "*/":
                depth -= 1
            elif self._dialect.nested_comments:
                depth += 1
            if depth == 0:
                return position
        return len(sql)

    def _replacement(self, match: re.Match[str], text: str) -> str:
        if match["positional"] and not self._named:
            return self._place(text)
        if match["named"] and self._named:
            if self._dialect.numbered and text in self._numbers:
                return f" ${self._numbers[text]} "
            self._numbers[text] = len(self.places) + 1
            return self._place(text)
        if self._dialect is POSTGRESQL:
            return "?" if match["operator"] and not self._named else text
        if match["named"] or match["positional"]:
            raise StatementError(f"placeholder {text[:40]} does not fit: a list fills ?, an object fills :name")
        return text

    def _place(self, placeholder: str) -> str:
        """Record a placeholder; spaces separate the driver's placeholder from adjacent letters and digits."""
        self.places.append(placeholder)
        return f" ${len(self.places)} " if self._dialect.numbered else " ? "


def _parameter(value: object, name: str) -> Parameter:
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        if value not in _INTEGERS:
            raise StatementError(f"{name} is beyond 64 bits; pass it as a string")
        return value
    if isinstance(value, list | dict):
        try:
            value = json.dumps(value, ensure_ascii=False)
        except (TypeError, ValueError, RecursionError) as error:
            raise StatementError(f"{name} has no JSON form") from error
    if not isinstance(value, str):
        raise StatementError(f"{name} has no form in SQL: {type(value).__name__}")
    if "\0" in value:
        raise StatementError(f"{name} contains a NUL character")
    if not _is_unicode(value):
        raise StatementError(f"{name} is not valid Unicode")
    return value


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
