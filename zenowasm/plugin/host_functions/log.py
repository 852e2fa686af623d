"""``host_log``: needs no permission (ABI document, section "Imports")."""

from __future__ import annotations

from zenowasm.host.linker import HostFunction
from zenowasm.host.memory import MemoryFaultError, visible_text
from zenowasm.interp.types import I32
from zenowasm.plugin.host_functions.context import HostContext, plain

_LONGEST_LEVEL = 5


def functions(context: HostContext) -> tuple[HostFunction, ...]:
    """Return ``host_log`` for one plugin instance."""

    def host_log(level_pointer: int, level_length: int, pointer: int, length: int) -> None:
        memory = context.guest.memory
        try:
            memory.check(level_pointer, level_length)
            # No level is longer than "error": whatever is longer is not one of the four and counts as info.
            level = memory.read(level_pointer, min(level_length, _LONGEST_LEVEL + 1))
        except MemoryFaultError:
            context.log.write("error", b"Failed to read log level from WASM memory")
            return
        kept = min(length, context.limits.log_message_bytes)
        try:
            memory.check(pointer, length)
            message = memory.read(pointer, kept)
        except MemoryFaultError:
            context.log.write("error", b"Failed to read log message from WASM memory")
            return
        context.log.write(visible_text(level), message, length - kept)

    return (plain(context, "host_log", (I32, I32, I32, I32), host_log, ()),)
