"""Rust's mangled names as paths that a user would type: ``greet``, ``plugin::greet``, ``Type::greet``."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec

_PREFIXES = ("_R", "_ZN")
_LONGEST = 2_000
"""The maximum length of a name, mangled or demangled, in characters; its suffixes take the square of that."""


def suffixes(mangled: str) -> Iterator[str]:
    """Yield the suffixes of a mangled name's path, without type arguments, the shortest first.

    Yields nothing if the name is not from Rust or the extra ``debug`` is not installed.
    """
    if not mangled.startswith(_PREFIXES) or len(mangled) > _LONGEST or find_spec("demangle") is None:
        return
    from demangle import demangle

    # Rust and C++ compilers both begin names with _ZN.
    name = demangle(mangled, language="rust")
    if name == mangled or len(name) > _LONGEST:
        return
    segments = _path(name)
    for start in reversed(range(len(segments))):
        yield "::".join(segments[start:])


def readable(name: str) -> str:
    """Return a mangled name's whole path without type arguments; any other name as it is."""
    *_, path = (name, *suffixes(name))
    return path


def _path(name: str) -> list[str]:
    """Return the segments of a path; a leading ``<Type>`` or ``<Type as Trait>`` becomes the segments of the type."""
    first, *rest = _split(name.replace("->", "  "))
    if first.startswith("<"):
        return [*_path(first[1:-1].partition(" as ")[0]), *_plain(rest)]
    return _plain([first, *rest])


def _plain(segments: list[str]) -> list[str]:
    """Remove type arguments from segments, and drop segments that contain nothing else."""
    return [plain for segment in segments if (plain := segment.partition("<")[0])]


def _split(name: str) -> list[str]:
    """Split a path at the double colons outside brackets."""
    segments = [""]
    depth = 0
    for character in name.replace("::", "\0"):
        depth += (character in "<([") - (character in ">)]")
        if character == "\0" and depth <= 0:
            segments.append("")
        else:
            segments[-1] += "::" if character == "\0" else character
    return segments
