"""What engines and plugin hosts under measurement have in common."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import Protocol


class Peer(Protocol):
    """Something that is measured beside others, where it is installed."""

    label: str
    """Its name in reports."""
    install: str
    """The command that installs it."""

    def version(self) -> str | None:
        """Return the version of what is installed, or ``None`` when it is absent."""
        ...


def installed_version(package: str) -> str | None:
    """Return a distribution's version, or ``None`` when it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None
