"""The reference runtime of ZenoEngine's WebAssembly plugin system, and WebAssembly for Python.

``Host`` runs plugins: ``with Host("plugins") as host: host.call("hello.greet", name="World")``. ``Module``, ``Store``
and ``Instance`` run any module: ``Instance("add.wat").exports.add(2, 3)``.
"""

from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zenowasm.backends.registry import BackendError as BackendError
    from zenowasm.embedding import Aggregate as Aggregate
    from zenowasm.embedding import Caller as Caller
    from zenowasm.embedding import Exports as Exports
    from zenowasm.embedding import Function as Function
    from zenowasm.embedding import Global as Global
    from zenowasm.embedding import GuestException as GuestException
    from zenowasm.embedding import Instance as Instance
    from zenowasm.embedding import Memory as Memory
    from zenowasm.embedding import Module as Module
    from zenowasm.embedding import Step as Step
    from zenowasm.embedding import Steps as Steps
    from zenowasm.embedding import Store as Store
    from zenowasm.embedding import Table as Table
    from zenowasm.embedding import Tag as Tag
    from zenowasm.embedding import Wasi as Wasi
    from zenowasm.embedding import pass_caller as pass_caller
    from zenowasm.embedding import wasm_imports as wasm_imports
    from zenowasm.interp.errors import DecodeError as DecodeError
    from zenowasm.interp.errors import Exhaustion as Exhaustion
    from zenowasm.interp.errors import LimitError as LimitError
    from zenowasm.interp.errors import LinkError as LinkError
    from zenowasm.interp.errors import ParseError as ParseError
    from zenowasm.interp.errors import Trap as Trap
    from zenowasm.interp.errors import TrapCode as TrapCode
    from zenowasm.interp.errors import ValidationError as ValidationError
    from zenowasm.interp.errors import WasmError as WasmError
    from zenowasm.interp.limits import ExecutionLimits as ExecutionLimits
    from zenowasm.plugin import Host as Host
    from zenowasm.plugin import PluginError as PluginError
    from zenowasm.plugin import PluginLimits as PluginLimits
    from zenowasm.plugin import SlotFailedError as SlotFailedError

__version__ = "0.1.0"
_HOMES = MappingProxyType(
    {
        "zenowasm.plugin": ("Host", "PluginError", "PluginLimits", "SlotFailedError"),
        "zenowasm.embedding": (
            *("Aggregate", "Caller", "Exports", "Function", "Global", "GuestException", "Instance", "Memory", "Module"),
            *("Step", "Steps", "Store", "Table", "Tag", "Wasi", "pass_caller", "wasm_imports"),
        ),
        "zenowasm.interp.errors": (
            *("DecodeError", "Exhaustion", "LimitError", "LinkError", "ParseError", "Trap", "TrapCode"),
            *("ValidationError", "WasmError"),
        ),
        "zenowasm.interp.limits": ("ExecutionLimits",),
        "zenowasm.backends.registry": ("BackendError",),
    }
)
_HOME = MappingProxyType({name: home for home, names in _HOMES.items() for name in names})
__all__ = [*sorted(_HOME), "__version__"]  # noqa: PLE0604 - they are strings


def __getattr__(name: str) -> Any:
    """Import a public name on first use, because every part of the package imports this module."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    """Return the public names, imported or not."""
    return sorted(__all__)
