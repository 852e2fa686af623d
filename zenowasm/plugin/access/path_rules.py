"""Matches file paths by segment, under a root, never by string prefix.

An entry is a folder or file relative to the root: ``data`` and ``data/*`` permit everything in ``data``, ``*``
everything under the root. An entry that ends in ``:ro`` permits reading only; ``:rw``, and no ending, permit both, as
in the original engine.
"""

from __future__ import annotations

from attrs import frozen

from zenowasm.plugin.access.url_rules import RuleError

MAX_PATH = 4096
_READ_ONLY = ":ro"
_READ_WRITE = ":rw"


def clean_path(path: str) -> tuple[str, ...] | None:
    """Return the segments of a relative path with ``.`` and inner ``..`` resolved, as in the original engine.

    Returns ``None`` if the path is empty, absolute or too long, if it leaves the root, or if it contains a NUL, a
    backslash or a drive.
    """
    if not path or len(path) > MAX_PATH or path.startswith("/") or "\0" in path or "\\" in path:
        return None
    segments: list[str] = []
    for segment in path.split("/"):
        if segment in ("", "."):
            continue
        if segment == "..":
            if not segments:
                return None
            segments.pop()
        else:
            segments.append(segment)
    if segments and len(segments[0]) > 1 and segments[0][1] == ":":
        return None
    return tuple(segments)


@frozen
class PathRule:
    """One entry of ``permissions.filesystem``: the leading segments of a path, and whether writing is permitted."""

    text: str
    segments: tuple[str, ...]
    writable: bool

    @classmethod
    def parse(cls, text: str) -> PathRule:
        """Parse a rule; raises ``RuleError`` if it cannot match any path."""
        writable = not text.endswith(_READ_ONLY)
        bare = text.removesuffix(_READ_ONLY) if not writable else text.removesuffix(_READ_WRITE)
        if bare == "*":
            return cls(text, (), writable)
        bare = bare.removesuffix("/*")
        if "*" in bare:
            raise RuleError("`*` is valid only alone or as a final `/*`")
        segments = clean_path(bare)
        if segments is None:
            raise RuleError("paths must be relative to the root and stay inside it")
        return cls(text, segments, writable)

    def matches(self, path: str, *, write: bool) -> bool:
        """Return whether the rule permits reading (or writing) ``path``."""
        if write and not self.writable:
            return False
        segments = clean_path(path)
        if not segments:
            return False
        return segments[: len(self.segments)] == self.segments
