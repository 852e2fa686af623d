"""Everything that can go wrong with a plugin, one type per cause; the words are those of the ABI document."""

from __future__ import annotations

from pathlib import Path

from zenowasm.interp.errors import Exhaustion, Trap, TrapCode, WasmError
from zenowasm.wasi.errors import ProcExit


class PluginError(Exception):
    """The base of every error that a plugin, its manifest or its binary can cause."""


class ManifestError(PluginError):
    """A manifest is unreadable, not YAML, or says something that it must not say.

    ``file`` is the manifest's path; ``line`` counts from 1 and is 0 where no line is to blame; ``field`` is the path
    of the field, such as ``permissions.network[0]``, empty for the whole document.
    """

    def __init__(self, message: str, *, file: Path, line: int = 0, field: str = "") -> None:
        super().__init__(message)
        self.file = file
        self.line = line
        self.field = field


class ConfigError(PluginError):
    """A configuration value that the manifest requires is missing, or is not of the type declared."""


class LoadError(PluginError):
    """A plugin cannot be loaded: its binary is unreadable, malformed, invalid, or imports what no host offers."""


class AlreadyLoadedError(LoadError):
    """Two plugins carry one name: ``plugin N already loaded``."""


class SlotConflictError(LoadError):
    """A plugin claims a slot that another plugin or the language itself already has."""


class NotLoadedError(PluginError):
    """No plugin of that name is loaded: ``plugin N not loaded``."""


class SlotNotFoundError(PluginError):
    """The plugin has no such slot: ``slot S not found in plugin N``."""


class InputError(PluginError):
    """A call's parameters do not fit the inputs that the slot declares."""


class RequestError(PluginError):
    """A call's parameters cannot travel as JSON, or are too large."""


class FunctionNotFoundError(PluginError):
    """The module lacks an export of the ABI: ``function F not found in module N``."""


class MissingMemoryError(PluginError):
    """The module exports no memory named ``memory``."""


class SignatureError(PluginError):
    """An export of the ABI has another type than the ABI demands."""


class ReplyError(PluginError):
    """A guest answered with something that is not the JSON the ABI demands."""


class BadPointerError(ReplyError):
    """A guest returned a pointer to outside of its memory."""


class AllocationError(PluginError):
    """The guest's ``alloc`` answered 0 or a place that does not hold what was asked for."""


class UnusableInstanceError(PluginError):
    """The instance has trapped or has been cleaned up; a fresh one is needed."""


class BusyError(PluginError):
    """A plugin was called from inside a call of its own."""


class ClosedError(PluginError):
    """The host is shutting down, or is shut down, and takes no more calls."""


class CallError(PluginError):
    """A call into a guest did not return: ``failed to call N.F: <trap>``.

    ``trap_code`` is the code of the trap, ``None`` where it was not a trap.
    """

    def __init__(self, plugin: str, function: str, reason: str, trap_code: TrapCode | None = None) -> None:
        super().__init__(f"failed to call {plugin}.{function}: {reason}")
        self.plugin = plugin
        self.function = function
        self.trap_code = trap_code


class GuestTrapError(CallError):
    """The guest trapped."""


class TimeLimitError(CallError):
    """The call took longer than its wall-clock limit."""


class FuelLimitError(CallError):
    """The call consumed all of its fuel."""


class StackLimitError(CallError):
    """The guest's calls were nested deeper than the limit."""


class GuestExitError(CallError):
    """The guest ended itself with WASI's ``proc_exit``; ``code`` is its exit code."""

    def __init__(self, plugin: str, function: str, code: int) -> None:
        super().__init__(plugin, function, f"the guest exited with code {code}")
        self.code = code


def call_error(plugin: str, function: str, error: WasmError, seconds: float | None, fuel: int | None) -> CallError:
    """Return the error for a guest call that ended with ``error``; the limits are named where one was the cause.

    A script can read the message, so it holds only what every engine says alike: the code's words and the place. What
    one engine knows beyond that is in ``error``, which becomes the result's cause.
    """
    if isinstance(error, ProcExit):
        return GuestExitError(plugin, function, error.code)
    if isinstance(error, Exhaustion):
        return StackLimitError(plugin, function, str(Exhaustion()))
    if not isinstance(error, Trap):
        return CallError(plugin, function, str(error))
    if error.code is TrapCode.INTERRUPTED:
        # Where a busy loop is interrupted is chance, so the place is left out.
        reason = f"{error.code.value} (the limit of {seconds:g} s is reached)"
        return TimeLimitError(plugin, function, reason, error.code)
    if error.code is TrapCode.OUT_OF_FUEL:
        reason = f"{error.code.value} (the limit of {fuel} units is reached)"
        return FuelLimitError(plugin, function, reason, error.code)
    place = Trap(error.code, function=error.function, offset=error.offset, backtrace=error.backtrace)
    return GuestTrapError(plugin, function, str(place), error.code)
