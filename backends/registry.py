"""Finds engines by name. An engine's package is imported when it is asked for, never before."""

from __future__ import annotations

from importlib import import_module
from typing import cast

from attrs import frozen

from zenowasm.backends.protocol import Engine


class BackendError(Exception):
    """The engine asked for does not exist, or what it needs is not installed; the message says what to do."""


@frozen
class _Entry:
    module: str
    requires: str | None = None
    extra: str | None = None


_ENGINES = {
    "reference": _Entry("zenowasm.backends.reference"),
    "wasmtime": _Entry("zenowasm.backends.wasmtime", requires="wasmtime", extra="wasmtime"),
}
DEFAULT = "reference"


def names() -> tuple[str, ...]:
    """Return the names of all engines, installed or not, in the order in which they are listed to users."""
    return tuple(_ENGINES)


def engine(name: str = DEFAULT) -> Engine:
    """Return a new engine of that name.

    Raises ``BackendError`` when there is none, or when the package that it needs is missing.
    """
    entry = _ENGINES.get(name)
    if entry is None:
        raise BackendError(f"unknown backend {name!r}: choose one of {', '.join(_ENGINES)}")
    try:
        module = import_module(entry.module)
    except ModuleNotFoundError as error:
        if entry.requires is None or error.name is None or error.name.split(".")[0] != entry.requires:
            raise
        raise BackendError(
            f"backend {name!r} needs the package {entry.requires!r}, which is not installed: "
            f"run `pip install 'zenowasm[{entry.extra}]'`, or choose --backend {DEFAULT}"
        ) from error
    return cast(Engine, module.new_engine())
