"""Display of untrusted text from guests, manifests and files: on a terminal, in a log, in a report."""

from __future__ import annotations

from collections.abc import Iterable

_COMPARED = 100
"""The maximum length of a compared word: comparison takes quadratic time, and a guest may invent any word."""


def visible(text: str) -> str:
    r"""Return text as one line that cannot control a terminal or imitate other lines.

    Every character that Unicode does not classify as printable is escaped: line ends and tabs, control codes (including
    ESC and C1), format characters (including those that reverse the direction of text), and the surrogates in which
    Python keeps bytes of file names that are not UTF-8.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def visible_lines(text: str) -> str:
    """Return text of several lines; keep line ends and tabs, and escape the rest like ``visible``."""
    return "\n".join("\t".join(map(visible, line.split("\t"))) for line in text.split("\n"))


def kilobytes(size: int) -> str:
    """Return a number of bytes in readable form."""
    if size < 1024:
        return f"{size} bytes"
    return f"{size / 1024:.1f} KiB" if size < 1 << 20 else f"{size / (1 << 20):.1f} MiB"


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the one of the ``known`` words most similar to ``word``, for an error's hint; ``None`` if none is."""
    from difflib import get_close_matches  # needed only for errors

    return next(iter(get_close_matches(word[:_COMPARED], list(known), n=1)), None)
