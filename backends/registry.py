"""Finds engines by name. An engine's package is imported only when the engine is selected.

Another distribution adds an engine with an entry point in the group ``zenowasm.backends``. The entry point's name is
the engine's; its object is a function without parameters that returns the engine. Such an engine must be selected by
name.
"""

from __future__ import annotations

from collections.abc import Collection
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final, cast

from attrs import frozen

from zenowasm.backends.protocol import Engine, EngineOptions
from zenowasm.display import nearest

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint


class BackendError(Exception):
    """Raised when an engine does not exist or its requirements are not installed; the message has the fix."""


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
    """Return the names of this package's engines, installed or not, in display order."""
    return tuple(_ENGINES)


def known() -> tuple[str, ...]:
    """Return these names, followed by the engines of other distributions, which are not imported."""
    return (*_ENGINES, *sorted({it.name for it in _entry_points()} - _ENGINES.keys()))


def installed() -> tuple[str, ...]:
    """Return the names of this package's engines whose requirements are installed."""
    return tuple(name for name in _ENGINES if not missing(name))


def missing(name: str) -> tuple[str, ...]:
    """Return the required packages of an engine of this package that are not installed."""
    return tuple(it for it in _ENGINES[name].requires if find_spec(it) is None)


def fastest() -> str:
    """Return the name of the fastest engine whose requirements are installed."""
    return "wasmtime" if "wasmtime" in installed() else DEFAULT


def install_command(name: str) -> str:
    """Return the command that installs the requirements of an engine of this package; empty if it has none."""
    extra = _ENGINES[name].extra
    return "" if extra is None else f"pip install 'zenowasm[{extra}]'"


def engine(name: str = DEFAULT, options: EngineOptions | None = None) -> Engine:
    """Return a new engine of that name, or the fastest installed one for ``auto``; ``options`` are for this package's.

    Raises ``BackendError`` if there is no such engine, or if a package that it needs is missing.
    """
    if name == AUTO:
        name = fastest()
    entry = _ENGINES.get(name)
    if entry is None:
        return _added(name)
    try:
        module = import_module(entry.module)
    except ModuleNotFoundError as error:
        package = (error.name or "").split(".")[0]
        if package not in entry.requires:
            raise
        raise BackendError(
            f"backend {name!r} needs the package {package!r}, which is not installed: "
            f"run `{install_command(name)}`, or choose --backend {DEFAULT}"
        ) from error
    except (ImportError, OSError, RuntimeError) as error:  # a library that is damaged or for another system
        raise BackendError(f"backend {name!r} cannot be loaded: {error}") from error
    return cast(Engine, module.new_engine(options or EngineOptions()))


def _entry_points() -> Collection[EntryPoint]:
    from importlib.metadata import entry_points  # imported late: it scans all installed distributions, which is slow

    return entry_points(group=GROUP)


def _added(name: str) -> Engine:
    """Return an engine of another distribution; raises ``BackendError``."""
    found = [it for it in _entry_points() if it.name == name]
    if not found:
        near = nearest(name, (*known(), AUTO))
        hint = f"did you mean {near}?" if near else f"choose one of {', '.join(known())}"
        raise BackendError(f"unknown backend {name!r}: {hint}")
    try:
        return cast(Engine, found[0].load()())
    except (ImportError, AttributeError) as error:
        raise BackendError(f"backend {name!r} cannot be loaded from {found[0].value}: {error}") from error
