"""Finds engines by name. An engine's package is imported when it is asked for, never before.

Another distribution adds an engine with an entry point of the group ``zenowasm.backends``: its name is the
engine's, its object a function without parameters that returns the engine. Only who names such an engine uses it.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Final, cast

from attrs import frozen

from zenowasm.backends.protocol import Engine, EngineOptions


class BackendError(Exception):
    """The engine asked for does not exist, or what it needs is not installed; the message says what to do."""


@frozen
class _Entry:
    module: str
    requires: tuple[str, ...] = ()
    extra: str | None = None


_ENGINES = {
    "reference": _Entry("zenowasm.backends.reference"),
    "wasmtime": _Entry("zenowasm.backends.wasmtime", requires=("wasmtime", "_cffi_backend"), extra="wasmtime"),
}
DEFAULT = "reference"
AUTO: Final = "auto"
GROUP: Final = "zenowasm.backends"


def names() -> tuple[str, ...]:
    """Return the names of this package's engines, installed or not, in the order in which they are listed to users."""
    return tuple(_ENGINES)


def installed() -> tuple[str, ...]:
    """Return the names of this package's engines whose requirements are installed."""
    return tuple(name for name, it in _ENGINES.items() if all(map(find_spec, it.requires)))


def fastest() -> str:
    """Return the name of the fastest engine whose requirements are installed."""
    return "wasmtime" if "wasmtime" in installed() else DEFAULT


def install_command(name: str) -> str:
    """Return the command that installs what an engine of this package needs, empty where it needs nothing."""
    extra = _ENGINES[name].extra
    return "" if extra is None else f"pip install 'zenowasm[{extra}]'"


def engine(name: str = DEFAULT, options: EngineOptions | None = None) -> Engine:
    """Return a new engine of that name, the fastest installed one for ``auto``; ``options`` are for this package's.

    Raises ``BackendError`` when there is none, or when the package that it needs is missing.
    """
    if name == AUTO:
        name = fastest()
    entry = _ENGINES.get(name)
    if entry is None:
        return _added(name)
    try:
        module = import_module(entry.module)
    except ModuleNotFoundError as error:
        missing = (error.name or "").split(".")[0]
        if missing not in entry.requires:
            raise
        raise BackendError(
            f"backend {name!r} needs the package {missing!r}, which is not installed: "
            f"run `{install_command(name)}`, or choose --backend {DEFAULT}"
        ) from error
    return cast(Engine, module.new_engine(options or EngineOptions()))


def _added(name: str) -> Engine:
    """Return an engine of another distribution; raises ``BackendError``."""
    from importlib.metadata import entry_points  # it reads what is installed, which takes its time

    found = list(entry_points(group=GROUP, name=name))
    if not found:
        raise BackendError(f"unknown backend {name!r}: choose one of {', '.join(_ENGINES)}")
    try:
        return cast(Engine, found[0].load()())
    except (ImportError, AttributeError) as error:
        raise BackendError(f"backend {name!r} cannot be loaded from {found[0].value}: {error}") from error
