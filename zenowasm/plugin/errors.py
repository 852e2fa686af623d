"""The errors of plugins, one type per cause; their messages are those of the ABI document."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import Enum
from functools import cached_property, partial
from pathlib import Path

from zenowasm.interp.errors import Exhaustion, HostExhaustion, Trap, TrapCode, WasmError
from zenowasm.plugin.configuration.limits import PluginLimits
from zenowasm.wasi.errors import ProcExit


class PluginError(Exception):
    """The base of all errors that a plugin, its manifest or its binary can cause."""


class FileError(PluginError):
    """A file of the user's is unreadable, not YAML, or has an invalid value.

    ``file`` is its path. ``line`` counts from 1 and is 0 for an error without a line. ``field`` is the path of the
    field, such as ``permissions.network[0]``, and empty for the whole document.
    """

    def __init__(self, message: str, *, file: Path, line: int = 0, field: str = "") -> None:
        super().__init__(message)
        self.file = file
        self.line = line
        self.field = field


class ManifestError(FileError):
    """A plugin's manifest is unreadable or invalid."""


class SettingsError(FileError):
    """The host's settings file is unreadable or invalid."""


class ConfigError(PluginError):
    """A configuration value that the manifest requires is missing or has another type than declared."""


class LoadError(PluginError):
    """A plugin cannot be loaded: its binary is unreadable, malformed or invalid, or it imports something that no host
    offers.
    """


class LoadPhase(Enum):
    """A phase of loading a plugin. The value precedes the phase's errors."""

    MODULE = "failed to load WASM module"
    METADATA = "failed to get plugin metadata"
    SLOTS = "failed to get plugin slots"

    def failed(self, cause: object, kind: type[LoadError] = LoadError) -> LoadError:
        """Return the error for a phase that failed because of ``cause``."""
        return kind(f"{self.value}: {cause}")

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Raise a ``PluginError`` of the block as this phase's ``LoadError``."""
        try:
            yield
        except PluginError as error:
            raise self.failed(error) from error


class NotAdmittedError(LoadError):
    """The host's settings forbid loading the plugin."""


class NotListedError(NotAdmittedError):
    """The plugin is not on the whitelist, which is not an error of the plugin."""


class MemoryLimitError(LoadError):
    """The module declares more memory or larger tables than permitted."""


class UnsupportedLimitError(LoadError):
    """The settings, the manifest or a call set a limit that the engine, with its options, cannot enforce."""


class AlreadyLoadedError(LoadError):
    """Two plugins have the same name: ``plugin N already loaded``."""


class SlotConflictError(LoadError):
    """A plugin declares a slot that another plugin or the language already has."""


class NotLoadedError(PluginError):
    """No plugin of that name is loaded: ``plugin N not loaded``."""


class SlotNotFoundError(PluginError):
    """The plugin has no such slot: ``slot S not found in plugin N``."""


class InputError(PluginError):
    """The parameters of a call do not match the slot's declared inputs."""


class RequestError(PluginError):
    """The parameters of a call have no JSON form, or are too large."""


class RequestLimitError(RequestError):
    """The parameters of a call are longer than the limit."""


class FunctionNotFoundError(PluginError):
    """The module lacks an export of the ABI: ``function F not found in module N``; ``phase`` is the phase that
    calls F.
    """

    def __init__(self, message: str, phase: LoadPhase = LoadPhase.MODULE) -> None:
        super().__init__(message)
        self.phase = phase


class MissingMemoryError(PluginError):
    """The module exports no memory named ``memory``."""


class SignatureError(PluginError):
    """An export of the ABI has another type than the ABI requires."""


class ReplyError(PluginError):
    """A guest's response is not the JSON that the ABI requires."""


class BadPointerError(ReplyError):
    """A guest returned a pointer outside its memory."""


class OutputLimitError(ReplyError):
    """A guest's response is longer than the limit."""


class AllocationError(PluginError):
    """The guest's ``alloc`` returned 0, or an address where the requested size does not fit."""


class UnusableInstanceError(PluginError):
    """The instance has trapped or was cleaned up; use a fresh one."""


class BusyError(PluginError):
    """A plugin was called from inside its own call."""


class ClosedError(PluginError):
    """The host is shutting down or closed, and accepts no calls."""


class RetiredError(ClosedError):
    """A version of a plugin accepts no more calls: a new version has replaced it, or the host is closed."""


class SlotFailedError(PluginError):
    """A slot returned a failure; the message is the plugin's own, and ``data`` the data that came with it."""

    def __init__(self, slot: str, message: str, data: Mapping[str, object] | None = None) -> None:
        super().__init__(message)
        self.slot = slot
        self.data = data


class CommitError(PluginError):
    """A slot succeeded, but a database could not commit its changes: ``failed to commit: E``."""


class PluginFolderError(PluginError):
    """The plugin folder does not exist."""


class ScriptFileError(PluginError):
    """A script's file cannot be read, or is not text."""


class CallError(PluginError):
    """A call into a guest did not return: ``failed to call N.F: <trap>``.

    ``trap_code`` is the code of the trap, ``None`` for any other cause. ``find_calls`` returns ``calls``.
    """

    def __init__(
        self,
        plugin: str,
        function: str,
        reason: str,
        trap_code: TrapCode | None = None,
        find_calls: Callable[[], Sequence[str]] = tuple,
    ) -> None:
        super().__init__(f"failed to call {plugin}.{function}: {reason}")
        self.plugin = plugin
        self.function = function
        self.trap_code = trap_code
        self._find_calls = find_calls

    @cached_property
    def calls(self) -> Sequence[str]:
        """The guest's active calls at a trap, innermost first, each with its file and line if they are known.

        The lines are read from the plugin's debugging information when they are asked for.
        """
        return self._find_calls()

    @cached_property
    def __notes__(self) -> list[str]:  # type: ignore[override] # mypy takes a cached property for read-only
        """The notes that Python shows below the error's message in a traceback."""
        lines = [f"{number:>4}: {name}" for number, name in enumerate(self.calls)]
        return ["\n".join(["Calls of the guest, innermost first:", *lines])] if lines else []


class GuestTrapError(CallError):
    """The guest trapped."""


class TimeLimitError(CallError):
    """The call took longer than its wall-clock limit, host functions included."""


class PoolTimeoutError(TimeLimitError):
    """The call's time ended before one of the plugin's instances became free; it ``waited`` for that many seconds."""

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
    """The guest made more host calls than one call may make."""


class GuestExitError(CallError):
    """The guest exited with WASI's ``proc_exit``; ``code`` is its exit code."""

    def __init__(self, plugin: str, function: str, code: int) -> None:
        super().__init__(plugin, function, f"the guest exited with code {code}")
        self.code = code


class HostCallsUsedUp(WasmError):  # noqa: N818 - like `Exhaustion`, it ends the guest, and `call_error` names it
    """Raised through a guest's frames when it makes more host calls than its call may."""


class NestedTooDeep(HostExhaustion):
    """Raised through a guest's frames when its ``alloc`` and host functions call one another too deeply."""

    def __init__(self, depth: int) -> None:
        super().__init__(f"alloc and host functions call each other more than {depth} deep")


def _names(trap: Trap) -> Sequence[str]:
    return trap.backtrace


def call_error(
    plugin: str,
    function: str,
    error: WasmError,
    limits: PluginLimits,
    *,
    late: bool = True,
    memory: int = 0,
    find_calls: Callable[[Trap], Sequence[str]] = _names,
) -> CallError:
    """Return the error for a guest call that ended with ``error``; for a limit, the error names it.

    ``late`` is whether an interrupted call exceeded its wall-clock time instead of its CPU time. ``memory`` is the size
    of the guest's memory in bytes. A script can read the message, so it contains only what is the same on every engine:
    the code's words and the place. The details of one engine are in ``error``, which becomes the cause of the result.
    ``find_calls`` returns the guest's calls at a trap (see ``CallError.calls``).
    """
    if isinstance(error, ProcExit):
        return GuestExitError(plugin, function, error.code)
    if isinstance(error, HostCallsUsedUp):
        reason = f"the limit of {limits.host_calls} calls of host functions is reached"
        return HostCallLimitError(plugin, function, f"{reason}; {limits.remedy('host_calls', plugin)}")
    if isinstance(error, HostExhaustion):
        return StackLimitError(plugin, function, str(error))
    if isinstance(error, Exhaustion):
        # Unless the engine counts calls, the depth depends on the size of the guest's frames.
        reason = f"{Exhaustion()} (for guests with small frames the limit is about {limits.call_depth} calls"
        return StackLimitError(plugin, function, f"{reason}; {limits.remedy('call_depth', plugin)})")
    if not isinstance(error, Trap):
        return CallError(plugin, function, str(error))
    if error.code is TrapCode.INTERRUPTED:
        # The place at which a busy loop is interrupted is random, so it is omitted.
        return (time_error if late else _cpu_error)(plugin, function, limits)
    if error.code is TrapCode.OUT_OF_FUEL:
        reason = f"{error.code.value} (the limit of {limits.fuel} units is reached; {limits.remedy('fuel', plugin)})"
        return FuelLimitError(plugin, function, reason, error.code)
    place = Trap(error.code, function=error.function, offset=error.offset, backtrace=error.backtrace)
    reason = f"{place}{_memory_hint(plugin, limits, memory)}"
    return GuestTrapError(plugin, function, reason, error.code, partial(find_calls, error))


def time_error(plugin: str, function: str, limits: PluginLimits) -> TimeLimitError:
    """Return the error for a call that exceeded its time limit."""
    code = TrapCode.INTERRUPTED
    reason = f"{code.value} (the limit of {limits.seconds:g} s is reached; {limits.remedy('seconds', plugin)})"
    return TimeLimitError(plugin, function, reason, code)


def _cpu_error(plugin: str, function: str, limits: PluginLimits) -> CpuLimitError:
    code = TrapCode.INTERRUPTED
    reason = f"the limit of {limits.cpu_seconds:g} s of CPU time, {limits.cpu:g} of {limits.seconds:g} s, is reached"
    return CpuLimitError(plugin, function, f"{code.value} ({reason}; {limits.remedy('cpu', plugin)})", code)


def _memory_hint(plugin: str, limits: PluginLimits, memory: int) -> str:
    """Return a hint that the guest may have run out of memory: ``memory.grow`` fails silently, often before a trap.

    Not every engine reports whether it failed, so the hint names the memory that the guest has.
    """
    if 2 * memory < limits.memory_bytes:
        return ""
    return (
        f" (its memory has {memory} of at most {limits.memory_bytes} bytes: if it ran out, "
        f"{limits.remedy('memory_bytes', plugin)})"
    )
