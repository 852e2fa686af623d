"""The common interface of measured engines and plugin hosts."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import Protocol


class Peer(Protocol):
    """An engine or a plugin host that is measured if it is installed."""

    label: str
    """Its name in reports."""
    install: str
    """The command that installs it."""

    def version(self) -> str | None:
        """Return the installed version, or ``None`` if the peer is absent."""
        ...


def installed_version(package: str) -> str | None:
    """Return a distribution's version, or ``None`` if it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None
