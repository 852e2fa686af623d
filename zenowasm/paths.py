"""Why a path that a user gave cannot be used."""

from __future__ import annotations

from typing import Final

UNUSABLE: Final = (OSError, ValueError)
"""What opening a path may raise; a ``ValueError`` is for a path with a NUL."""


def reason(error: OSError | ValueError) -> str:
    """Return why a path could not be opened, in the words of the operating system."""
    return str(error.strerror) if isinstance(error, OSError) else str(error)
