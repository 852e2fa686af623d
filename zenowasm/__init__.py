"""The reference runtime of ZenoEngine's WebAssembly plugin system.

``Host`` runs plugins: ``with Host("plugins") as host: host.call("hello.greet", name="World")``.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zenowasm.plugin import Host as Host
    from zenowasm.plugin import PluginError as PluginError
    from zenowasm.plugin import PluginLimits as PluginLimits
    from zenowasm.plugin import SlotFailedError as SlotFailedError

__version__ = "0.1.0"
__all__ = ["Host", "PluginError", "PluginLimits", "SlotFailedError", "__version__"]


def __getattr__(name: str) -> Any:
    """Import what is public when it is asked for, since every part of the package imports this module."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from zenowasm import plugin

    return getattr(plugin, name)


def __dir__() -> list[str]:
    """Return what is public, imported or not."""
    return sorted(__all__)
