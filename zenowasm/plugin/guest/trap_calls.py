"""The guest's active calls at a trap, with their source lines."""

from __future__ import annotations

from collections.abc import Sequence

from zenowasm.interp.errors import Trap
from zenowasm.plugin.errors import LoadError
from zenowasm.plugin.guest.code import read_binary
from zenowasm.plugin.lifecycle.loaded_plugin import Version
from zenowasm.plugin.resolved import ResolvedPlugin


def calls_at(plugin: ResolvedPlugin, trap: Trap) -> Sequence[str]:
    """Return the active functions, innermost first, each with its file and line if they are known.

    The lines come from the plugin's binary, unless the file has changed since the plugin was loaded.
    """
    from zenowasm.debugger.trap_lines import with_lines

    try:
        binary = read_binary(plugin.manifest, plugin.services.limits.binary_bytes)
    except LoadError:
        return trap.backtrace
    is_same = str(Version.of(plugin.manifest, binary)) == plugin.version
    return with_lines(trap, binary) if is_same else trap.backtrace
