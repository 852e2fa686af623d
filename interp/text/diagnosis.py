"""Help for correcting a text: the erroneous line, a mark below the error, and the word that was probably meant."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from itertools import islice

from attrs import frozen

from zenowasm.display import nearest, visible
from zenowasm.interp.errors import ParseError
from zenowasm.interp.text.keywords import KEYWORDS

_WIDTH = 100
"""The maximum number of characters shown of a line."""
_BEFORE = 60
_WORD = re.compile(r"""[^\s()";]+""")
_IDENTIFIER = re.compile(r"""\$[^\s()";]+""")
_MOST_IDENTIFIERS = 2_000
_QUOTED_MODULE = re.compile(r"\(\s*module\s+(?:\$\S+\s+)?quote\b")
_BYTE_ORDER_MARK = "\ufeff"
_LONGEST = 80
FORMER_WORDS: Mapping[str, str] = {
    "anyfunc": "funcref",
    "current_memory": "memory.size",
    "get_global": "global.get",
    "get_local": "local.get",
    "grow_memory": "memory.grow",
    "set_global": "global.set",
    "set_local": "local.set",
    "tee_local": "local.tee",
}
"""Words from drafts of the format, and their replacements. Old conversions such as ``i32.wrap/i64`` are not listed:
they are similar enough to the new ones.
"""
_SCRIPT_WORDS = re.compile(r"assert_\w+|invoke|register|get")


@frozen
class Diagnosis:
    """An error in a text: its position, its message, and lines to show below."""

    line: int
    column: int
    message: str
    excerpt: tuple[str, ...]


def diagnose(text: str, error: ParseError) -> Diagnosis:
    """Describe an error in a text.

    The lines are safe to print. An error inside a quoted module has none, since its line numbers are the quoted text's.
    """
    if _QUOTED_MODULE.search(text):
        return Diagnosis(error.line, error.column, error.message, ())
    hint = _hint(text, error)
    return Diagnosis(error.line, error.column, f"{error.message}{hint}", excerpt(text, error.line, error.column))


def excerpt(text: str, line: int, column: int) -> tuple[str, str]:
    """Return a line, or the part of a long line around the column, and a line with a mark below the column."""
    start = 0
    for _ in range(line - 1):
        start = text.find("\n", start) + 1
    end = text.find("\n", start)
    whole = text[start : len(text) if end < 0 else end]
    first = max(column - 1 - _BEFORE, 0)
    before = visible(whole[first : column - 1].replace("\t", " "))
    after = visible(whole[column - 1 : first + _WIDTH].replace("\t", " ").rstrip())
    left = "..." if first else ""
    right = "..." if len(whole.rstrip()) > first + _WIDTH else ""
    return f"    {left}{before}{after}{right}", f"    {' ' * len(left + before)}^"


def _hint(text: str, error: ParseError) -> str:
    """Return a probable correction, after a semicolon, or an empty string."""
    found = _WORD.match(text, error.offset)
    word = found.group() if found else ""
    if word.startswith(_BYTE_ORDER_MARK):
        return "; the text begins with a byte order mark, which the format does not have"
    if error.message.startswith("unknown operator"):
        if _SCRIPT_WORDS.fullmatch(word):
            return "; this is a script of the test suite, which `zenowasm spec` runs"
        if "a string expected" in error.message:
            return f'; a string is in quotes: "{word[:_LONGEST]}"'
        return _did_you_mean(word, KEYWORDS)
    if error.message.startswith("unknown ") and word.startswith("$"):
        others = (it.group() for it in _IDENTIFIER.finditer(text) if it.group() != word)
        return _did_you_mean(word, dict.fromkeys(islice(others, _MOST_IDENTIFIERS)))
    return ""


def _did_you_mean(word: str, known: Iterable[str]) -> str:
    words = list(known)
    near = (
        FORMER_WORDS.get(word)
        or next((it for it in words if it.lower() == word.lower()), None)
        or next((it for it in words if it.startswith(word) and len(word) > 2), None)
        or nearest(word, words)
    )
    return f"; did you mean {near}?" if near else ""
