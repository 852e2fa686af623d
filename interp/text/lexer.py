"""Splits the text format into tokens (specification, 6.2) and separates comments and annotations.

A token is a piece of the text: its first characters determine its kind, and every part of the parser compares or checks
a token before it accepts it. A piece that is not a legal token (an unclosed string, a letter outside ASCII) is
therefore reported as unexpected. Positions are computed on demand, which is only after an error.
"""

from __future__ import annotations

import re
import string
from bisect import bisect_right
from collections.abc import Mapping
from functools import cached_property

from attrs import Factory, frozen

from zenowasm.interp.binary.hints import HINT_SECTION
from zenowasm.interp.errors import LimitError, ParseError
from zenowasm.interp.limits import ModuleLimits

ID_CHARACTERS = frozenset(string.digits + string.ascii_letters + "!#$%&'*+-./:<=>?@\\^_`|~")
"""The characters of keywords, numbers and identifiers (specification, 6.3.5)."""

_ID_CHARACTERS = f"[{re.escape(''.join(sorted(ID_CHARACTERS)))}]"
_PLAIN = r'[^"\\\x00-\x1f\x7f]'
_ESCAPE = r"\\(?:[tnr\"'\\]|[0-9a-fA-F]{2}|u\{[0-9a-fA-F]+(?:_[0-9a-fA-F]+)*\})"
_STRING = rf'"(?:{_PLAIN}|{_ESCAPE})*+"'
# Any quoted text, well-formed or not: an unclosed string is thus one token, and lexing takes linear time.
_QUOTED = r'"(?:[^"\\\x00-\x1f\x7f]|\\[^\x00-\x1f\x7f])*+"?+'
_LINE_COMMENT = r";;[^\n\r]*+"

_TOKEN = re.compile(
    rf"(?:[ \t\n\r]++|{_LINE_COMMENT})*+"
    rf"(\((?:@(?:{_ID_CHARACTERS}++|{_QUOTED})?+)?+|\)|(?:{_ID_CHARACTERS}|{_QUOTED})++|[^ \t\n\r]|\Z)"
)
_COMMENT_START = re.compile(rf"{_QUOTED}|{_LINE_COMMENT}|\(;")
_COMMENT_EDGE = re.compile(r"\(;|;\)")
_NOT_NEWLINE = re.compile(r"[^\n]")
_LEGAL = re.compile(rf"(?:{_ID_CHARACTERS}|{_STRING})++|[,;\[\]{{}}]")
_STRING_TOKEN = re.compile(_STRING)
_ID_TOKEN = re.compile(rf"\$(?:{_ID_CHARACTERS}++|{_STRING})")
_ESCAPED = re.compile(r"\\(u\{([0-9a-fA-F_]+)\}|[0-9a-fA-F]{2}|.)")
_ESCAPED_BYTE = re.compile(rb"\\(?:[0-9a-fA-F]{2}|.)")
_ESCAPES = {"t": "\t", "n": "\n", "r": "\r", '"': '"', "'": "'", "\\": "\\"}

_ESCAPED_BYTES: Mapping[bytes, bytes] = {
    **{
        f"\\{high}{low}".encode(): bytes((int(high + low, 16),))
        for high in string.hexdigits
        for low in string.hexdigits
    },
    **{f"\\{letter}".encode(): character.encode() for letter, character in _ESCAPES.items()},
}
"""The character of each escape except numeric ones."""

KNOWN_ANNOTATIONS = frozenset({"name", "custom", HINT_SECTION})
"""The annotations that this parser interprets; all others are comments (specification, 6.2.5)."""


@frozen
class Annotation:
    """An interpreted annotation: its identifier, its contents, and the places of its tokens.

    ``places`` are token indices before annotations were separated: of the beginning, the contents, and the end.
    """

    id: str
    tokens: tuple[str, ...]
    places: tuple[int, ...]


@frozen(eq=False)
class Source:
    """A text in tokens. The last token is empty and marks the end; it may be repeated.

    ``annotations`` maps a token's index to the annotations before it. ``places`` maps it to the token's index before
    annotations were separated, if there were any. ``read`` identifies the annotations that a parser has read, by their
    beginnings; one that was never read is misplaced.
    """

    text: str
    tokens: list[str]
    annotations: Mapping[int, list[Annotation]] = Factory(dict)
    places: list[int] | None = None
    read: set[int] = Factory(set)

    @cached_property
    def _offsets(self) -> list[int]:
        return [match.start(1) for match in _TOKEN.finditer(self.text)]

    @cached_property
    def _lines(self) -> list[int]:
        return [0] + [match.end() for match in re.finditer("\n", self.text)]

    def line(self, index: int) -> int:
        """Return the line on which a token starts; lines are numbered from 1."""
        return self._place(index)[1]

    def error(self, message: str, index: int) -> ParseError:
        """Return an error at a token."""
        return ParseError(message, *self._place(index))

    def annotation_error(self, message: str, annotation: Annotation) -> ParseError:
        """Return an error at the beginning of an annotation."""
        return ParseError(message, *_place(self._lines, self._offsets[annotation.places[0]]))

    def check_annotations(self) -> None:
        """Raise ``ParseError`` if an interpreted annotation was not read."""
        for found in self.annotations.values():
            for annotation in found:
                if annotation.places[0] not in self.read:
                    raise self.annotation_error(f"misplaced @{annotation.id} annotation", annotation)

    def _place(self, index: int) -> tuple[int, int, int]:
        raw = index if self.places is None else self.places[index]
        return _place(self._lines, self._offsets[raw])


def _place(lines: list[int], offset: int) -> tuple[int, int, int]:
    line = bisect_right(lines, offset)
    return offset, line, offset - lines[line - 1] + 1


def _error(text: str, message: str, offset: int) -> ParseError:
    return ParseError(message, offset, text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset))


def tokenize(source: str | bytes, limits: ModuleLimits | None = None) -> Source:
    """Split a text into tokens.

    Parameters: the text, as a string or UTF-8 bytes; the limits, of which the module size applies. Raises
    ``ParseError`` for bytes that are not UTF-8, for unclosed comments or annotations and for illegal tokens in
    annotations, ``LimitError`` for a text that is too long (specification, 6.2).
    """
    limits = limits or ModuleLimits()
    if len(source) > limits.module_bytes:
        raise LimitError(f"a text of {len(source)} characters: at most {limits.module_bytes} are allowed")
    text = _decode(source) if isinstance(source, bytes) else _checked(source)
    text = _without_block_comments(text)
    tokens: list[str] = _TOKEN.findall(text)
    if "(@" in text:
        return _without_annotations(Source(text, tokens))
    return Source(text, tokens)


def _decode(source: bytes) -> str:
    try:
        return source.decode()
    except UnicodeDecodeError as error:
        before = source[: error.start].decode()
        raise _error(before, "malformed UTF-8 encoding", len(before)) from None


def _checked(text: str) -> str:
    """Return the text; raises ``ParseError`` for a character without a UTF-8 encoding, such as a lone surrogate."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise _error(text, "malformed UTF-8 encoding", error.start) from None
    return text


def _without_block_comments(text: str) -> str:
    """Replace comments in ``(; ;)``, which nest, by spaces, so that all other text keeps its position."""
    if "(;" not in text:
        return text
    parts: list[str] = []
    done = at = 0
    while (start := _COMMENT_START.search(text, at)) is not None:
        at = start.end()
        if start.group() != "(;":
            continue
        depth = 1
        while depth:
            edge = _COMMENT_EDGE.search(text, at)
            if edge is None:
                raise _error(text, "unclosed comment", start.start())
            depth += 1 if edge.group() == "(;" else -1
            at = edge.end()
        parts += [text[done : start.start()], _NOT_NEWLINE.sub(" ", text[start.start() : at])]
        done = at
    return "".join([*parts, text[done:]])


def _without_annotations(source: Source) -> Source:
    """Return the source with annotations separated from the tokens."""
    raw = source.tokens
    tokens: list[str] = []
    places: list[int] = []
    annotations: dict[int, list[Annotation]] = {}
    index = 0
    while index < len(raw):
        token = raw[index]
        if not token.startswith("(@"):
            tokens.append(token)
            places.append(index)
            index += 1
            continue
        name = _annotation_name(source, index)
        end = _annotation_end(source, index)
        if name in KNOWN_ANNOTATIONS:
            annotations.setdefault(len(tokens), []).append(_annotation(name, raw, index, end))
        index = end + 1
    return Source(source.text, tokens, annotations, places)


def _annotation(name: str, raw: list[str], start: int, end: int) -> Annotation:
    """Return the annotation with these tokens; annotations inside it count as space, as they do everywhere."""
    tokens: list[str] = []
    places = [start]
    depth = 0
    for place in range(start + 1, end):
        token = raw[place]
        if depth:
            depth += token.startswith("(") - (token == ")")
        elif token.startswith("(@"):
            depth = 1
        else:
            tokens.append(token)
            places.append(place)
    return Annotation(name, tuple(tokens), (*places, end))


def _annotation_name(source: Source, index: int) -> str:
    spelled = source.tokens[index][2:]
    if not spelled.startswith('"'):
        name: str | None = spelled
    elif _STRING_TOKEN.fullmatch(spelled):
        name = string_name(spelled)
        if name is None:
            raise source.error("malformed UTF-8 encoding in an annotation's identifier", index)
    else:
        name = None
    if not name:
        raise source.error("empty annotation id", index)
    return name


def _annotation_end(source: Source, start: int) -> int:
    """Return the index of the parenthesis that closes an annotation; its contents must be legal tokens."""
    depth = 1
    for index in range(start + 1, len(source.tokens)):
        token = source.tokens[index]
        if token == ")":
            depth -= 1
            if not depth:
                return index
        elif token.startswith("(") and (token == "(" or is_legal(token[1:])):
            depth += 1
        elif not token:
            break
        elif not is_legal(token):
            raise source.error(describe_illegal(token), index)
    raise source.error("unclosed annotation", start)


def is_legal(token: str) -> bool:
    """Return whether this is a legal token of the format; do not call it for parentheses."""
    if not _LEGAL.fullmatch(token):
        return False
    return "\\u" not in token or all(_is_scalar(code) for _, code in _ESCAPED.findall(token) if code)


def _is_scalar(code: str) -> bool:
    """Return whether hexadecimal digits denote a Unicode scalar value: in range and not a surrogate (6.3.3)."""
    value = int(code.replace("_", ""), 16)
    return value < 0xD800 or 0xE000 <= value <= 0x10FFFF


def describe_illegal(token: str) -> str:
    """Return what is wrong with an illegal token."""
    _, quote, quoted = token.partition('"')
    if quote:
        return f"malformed string {token[:80]}" if quoted.endswith('"') else "unclosed string"
    return f"illegal character in {token[:80]!r}"


def string_bytes(token: str) -> bytes | None:
    """Return the bytes that a string token denotes (specification, 6.3.3), or ``None`` if it is not a string."""
    if "\\" not in token:
        if len(token) >= 2 and token[0] == token[-1] == '"' and token.count('"') == 2:
            return token[1:-1].encode()
        return None
    if not _STRING_TOKEN.fullmatch(token):
        return None
    if "\\u" not in token:
        return _ESCAPED_BYTE.sub(lambda match: _ESCAPED_BYTES[match.group()], token[1:-1].encode())
    parts: list[bytes] = []
    done = 1
    for match in _ESCAPED.finditer(token):
        parts.append(token[done : match.start()].encode())
        escape, code = match.group(1), match.group(2)
        if code is not None:
            if not _is_scalar(code):
                return None
            parts.append(chr(int(code.replace("_", ""), 16)).encode())
        elif escape in _ESCAPES:
            parts.append(_ESCAPES[escape].encode())
        else:
            parts.append(bytes((int(escape, 16),)))
        done = match.end()
    parts.append(token[done:-1].encode())
    return b"".join(parts)


def string_name(token: str) -> str | None:
    """Return the name that a string token denotes (specification, 6.3.4), or ``None`` if it is not UTF-8."""
    data = string_bytes(token)
    try:
        return None if data is None else data.decode()
    except UnicodeDecodeError:
        return None


def identifier(token: str) -> str | None:
    """Return an identifier (specification, 6.3.5) in a canonical spelling, or ``None`` if the token is not one.

    The canonical spelling is the token itself if the name after ``$`` needs no quotes, and otherwise a quote followed
    by the name, which is not the spelling of any other token.
    """
    if '"' not in token:
        return token if len(token) > 1 and token[0] == "$" else None
    name = string_name(token[1:]) if _ID_TOKEN.fullmatch(token) else None
    if not name:
        return None
    return f"${name}" if ID_CHARACTERS.issuperset(name) else f'"{name}'
