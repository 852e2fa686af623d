"""Everything that can go wrong with a plugin, one type per cause; the words are those of the ABI document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import Enum
from pathlib import Path

from zenowasm.interp.errors import Exhaustion, HostExhaustion, Trap, TrapCode, WasmError
from zenowasm.plugin.configuration.limits import PluginLimits
from zenowasm.wasi.errors import ProcExit


class PluginError(Exception):
    """The base of every error that a plugin, its manifest or its binary can cause."""


class FileError(PluginError):
    """A file of the user's is unreadable, not YAML, or says something that it must not say.

    ``file`` is its path; ``line`` counts from 1 and is 0 where no line is to blame; ``field`` is the path of the field,
    such as ``permissions.network[0]``, empty for the whole document.
    """

    def __init__(self, message: str, *, file: Path, line: int = 0, field: str = "") -> None:
        super().__init__(message)
        self.file = file
        self.line = line
        self.field = field


class ManifestError(FileError):
    """It is a plugin's manifest."""


class SettingsError(FileError):
    """It is the host's settings file."""


class ConfigError(PluginError):
    """A configuration value that the manifest requires is missing, or is not of the type declared."""


class LoadError(PluginError):
    """A plugin cannot be loaded: its binary is unreadable, malformed, invalid, or imports what no host offers."""


class LoadPhase(Enum):
    """A phase of loading a plugin, by the words that precede its errors."""

    MODULE = "failed to load WASM module"
    METADATA = "failed to get plugin metadata"
    SLOTS = "failed to get plugin slots"

    def failed(self, cause: object, kind: type[LoadError] = LoadError) -> LoadError:
        """Return the error for a phase that ``cause`` has ended."""
        return kind(f"{self.value}: {cause}")

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Raise a ``PluginError`` of the block as this phase's ``LoadError``."""
        try:
            yield
        except PluginError as error:
            raise self.failed(error) from error


class NotAdmittedError(LoadError):
    """The host's settings do not let the plugin load."""


class NotListedError(NotAdmittedError):
    """The plugin is not on the whitelist; it is no fault that it lies there."""


class MemoryLimitError(LoadError):
    """The module declares more memory, or larger tables, than it may have."""


class UnsupportedLimitError(LoadError):
    """A limit is asked for, by settings, manifest or call, that the engine was made without the means to keep."""


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


class RequestLimitError(RequestError):
    """A call's parameters are longer than the limit."""


class FunctionNotFoundError(PluginError):
    """The module lacks an export of the ABI: ``function F not found in module N``; ``phase`` is that which calls F."""

    def __init__(self, message: str, phase: LoadPhase = LoadPhase.MODULE) -> None:
        super().__init__(message)
        self.phase = phase


class MissingMemoryError(PluginError):
    """The module exports no memory named ``memory``."""


class SignatureError(PluginError):
    """An export of the ABI has another type than the ABI demands."""


class ReplyError(PluginError):
    """A guest answered with something that is not the JSON the ABI demands."""


class BadPointerError(ReplyError):
    """A guest returned a pointer to outside of its memory."""


class OutputLimitError(ReplyError):
    """A guest's answer is longer than what is read of it, and not complete within."""


class AllocationError(PluginError):
    """The guest's ``alloc`` answered 0 or a place that does not hold what was asked for."""


class UnusableInstanceError(PluginError):
    """The instance has trapped or has been cleaned up; a fresh one is needed."""


class BusyError(PluginError):
    """A plugin was called from inside a call of its own."""


class ClosedError(PluginError):
    """The host is shutting down, or is shut down, and takes no more calls."""


class RetiredError(ClosedError):
    """A version of a plugin takes no more calls: another has taken its place, or the host is closed."""


class SlotFailedError(PluginError):
    """A slot answered that it did not succeed; the message is the plugin's own, ``data`` what it answered with it."""

    def __init__(self, slot: str, message: str, data: Mapping[str, object] | None = None) -> None:
        super().__init__(message)
        self.slot = slot
        self.data = data


class CommitError(PluginError):
    """A slot answered success, but a database would not keep what it did: ``failed to commit: E``."""


class PluginFolderError(PluginError):
    """The folder of the plugins does not exist."""


class ScriptFileError(PluginError):
    """The file of a script cannot be read, or is not text."""


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
    """The call took longer than its wall-clock limit, host functions included."""


class PoolTimeoutError(TimeLimitError):
    """The call's time was over before one of the plugin's instances was free, for which it ``waited`` (seconds)."""

    def __init__(self, plugin: str, instances: int, seconds: float, remedy: str) -> None:
        self.waited = seconds
        reason = f"no instance was free for {seconds:.3g} s: the limit of {instances} instances is reached"
        super().__init__(plugin, "plugin_execute", f"{reason}; {remedy}, or give the call more time")


class CpuLimitError(CallError):
    """The call used more CPU time than its share of its wall-clock limit."""


class FuelLimitError(CallError):
    """The call consumed all of its fuel."""


class StackLimitError(CallError):
    """The guest's calls were nested deeper than the limit."""


class HostCallLimitError(CallError):
    """The guest called host functions more often than one call may."""


class GuestExitError(CallError):
    """The guest ended itself with WASI's ``proc_exit``; ``code`` is its exit code."""

    def __init__(self, plugin: str, function: str, code: int) -> None:
        super().__init__(plugin, function, f"the guest exited with code {code}")
        self.code = code


class HostCallsUsedUp(WasmError):  # noqa: N818 - like `Exhaustion`, it ends the guest, and `call_error` names it
    """Raised through a guest's frames when it calls host functions more often than its call may."""


class NestedTooDeep(HostExhaustion):
    """Raised through a guest's frames when its ``alloc`` and host functions call each other too deeply."""

    def __init__(self, depth: int) -> None:
        super().__init__(f"alloc and host functions call each other more than {depth} deep")


def call_error(
    plugin: str, function: str, error: WasmError, limits: PluginLimits, *, late: bool = True, memory: int = 0
) -> CallError:
    """Return the error for a guest call that ended with ``error``; one that ended at a limit names it.

    ``late`` tells of an interrupted call that its wall-clock time is over, rather than its CPU time; ``memory`` is the
    size of the guest's memory in bytes. A script can read the message, so it holds only what every engine says alike:
    the code's words and the place. What one engine knows beyond that is in ``error``, which becomes the result's cause.
    """
    if isinstance(error, ProcExit):
        return GuestExitError(plugin, function, error.code)
    if isinstance(error, HostCallsUsedUp):
        reason = f"the limit of {limits.host_calls} calls of host functions is reached"
        return HostCallLimitError(plugin, function, f"{reason}; {limits.remedy('host_calls', plugin)}")
    if isinstance(error, HostExhaustion):
        return StackLimitError(plugin, function, str(error))
    if isinstance(error, Exhaustion):
        # How deep that is depends on the size of the guest's frames, unless the engine counts calls.
        reason = f"{Exhaustion()} (for guests with small frames the limit is about {limits.call_depth} calls"
        return StackLimitError(plugin, function, f"{reason}; {limits.remedy('call_depth', plugin)})")
    if not isinstance(error, Trap):
        return CallError(plugin, function, str(error))
    if error.code is TrapCode.INTERRUPTED:
        # Where a busy loop is interrupted is chance, so the place is left out.
        return (time_error if late else _cpu_error)(plugin, function, limits)
    if error.code is TrapCode.OUT_OF_FUEL:
        reason = f"{error.code.value} (the limit of {limits.fuel} units is reached; {limits.remedy('fuel', plugin)})"
        return FuelLimitError(plugin, function, reason, error.code)
    place = Trap(error.code, function=error.function, offset=error.offset, backtrace=error.backtrace)
    return GuestTrapError(plugin, function, f"{place}{_memory_hint(plugin, limits, memory)}", error.code)


def time_error(plugin: str, function: str, limits: PluginLimits) -> TimeLimitError:
    """Return the error for a call whose time is over."""
    code = TrapCode.INTERRUPTED
    reason = f"{code.value} (the limit of {limits.seconds:g} s is reached; {limits.remedy('seconds', plugin)})"
    return TimeLimitError(plugin, function, reason, code)


def _cpu_error(plugin: str, function: str, limits: PluginLimits) -> CpuLimitError:
    code = TrapCode.INTERRUPTED
    reason = f"the limit of {limits.cpu_seconds:g} s of CPU time, {limits.cpu:g} of {limits.seconds:g} s, is reached"
    return CpuLimitError(plugin, function, f"{code.value} ({reason}; {limits.remedy('cpu', plugin)})", code)


def _memory_hint(plugin: str, limits: PluginLimits, memory: int) -> str:
    """Say that memory may have run out: a guest is refused it quietly, and often traps soon after.

    Whether it was refused any is not known on every engine, so this tells what is: how much of it the guest has.
    """
    if 2 * memory < limits.memory_bytes:
        return ""
    return (
        f" (its memory has {memory} of at most {limits.memory_bytes} bytes: if it ran out, "
        f"{limits.remedy('memory_bytes', plugin)})"
    )
