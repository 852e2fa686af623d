"""Shows text that guests, manifests and files chose: on a terminal, in a log, in a report."""

from __future__ import annotations

from collections.abc import Iterable

_COMPARED = 100
"""Characters of a word that is looked for: comparing is quadratic in the length, and a guest may invent any word."""


def visible(text: str) -> str:
    r"""Return text as one line that cannot drive a terminal or imitate other lines.

    Everything that Unicode does not call printable becomes an escape: line ends and tabs, control codes (ESC and C1
    among them), format characters (those that reverse the direction of text among them), and the surrogates in which
    Python keeps bytes of file names that are not UTF-8.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def visible_lines(text: str) -> str:
    """Return text of several lines with its line ends and tabs, and all else as ``visible`` has it."""
    return "\n".join("\t".join(map(visible, line.split("\t"))) for line in text.split("\n"))


def kilobytes(size: int) -> str:
    """Return a number of bytes as people read it."""
    if size < 1024:
        return f"{size} bytes"
    return f"{size / 1024:.1f} KiB" if size < 1 << 20 else f"{size / (1 << 20):.1f} MiB"


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the one of the ``known`` words that is most like ``word``, for an error's hint; ``None`` if none is."""
    from difflib import get_close_matches  # errors alone need it

    return next(iter(get_close_matches(word[:_COMPARED], list(known), n=1)), None)
