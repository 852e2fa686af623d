"""Writes coredumps: an observer of stores captures the state of their guests where they trap."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from itertools import chain
from logging import getLogger
from pathlib import Path
from typing import Final, Generic, Protocol, TypeVar, cast

from zenowasm.backends.protocol import Capability, Engine, SteppingStore, Store
from zenowasm.coredumps.errors import CoredumpError
from zenowasm.coredumps.format import Coredump, DumpedFrame, DumpedInstance
from zenowasm.interp.errors import Exhaustion, Trap, UncaughtException, WasmError
from zenowasm.interp.events import Probe
from zenowasm.interp.execution import Configuration, Frame
from zenowasm.interp.matching import top
from zenowasm.interp.runtime.instances import FunctionInstance, GlobalInstance, ModuleInstance
from zenowasm.interp.runtime.memory import MemoryInstance
from zenowasm.interp.runtime.values import Value
from zenowasm.interp.syntax.module import locals_of
from zenowasm.interp.types import RefType, ValType
from zenowasm.interp.validation import operands_of
from zenowasm.paths import UNUSABLE, reason

_T = TypeVar("_T")
Typed = tuple[ValType | None, Value]

_FAILURES: Final = (Trap, Exhaustion, UncaughtException)
"""The errors that count as a trap; a guest's other errors, such as WASI's exit, end it normally."""


class Secrets(Protocol):
    """The secret values that no coredump may contain."""

    def masked(self, data: bytes) -> tuple[bytes, object]:
        """Return ``data`` with a mask of the same length for each secret value, and something about them."""
        ...


class CoredumpWriter:
    """A file that gets a coredump whenever a guest traps in a store that it watches; the last one stays.

    Only its owner may read the file. Raises ``CoredumpError`` if the file cannot be written.
    """

    def __init__(self, file: Path | str) -> None:
        self.path = Path(file)
        self.written = False
        try:
            is_new = not self.path.exists()
            os.close(self._open())
            if is_new:
                self.path.unlink()
        except UNUSABLE as error:
            raise self._failure(error) from error

    def watch(self, store: Store, name: str, module: Path, secrets: Secrets | None = None) -> None:
        """Write a coredump when a guest traps in a store, whose modules come from the file ``module``.

        The memories in it are without ``secrets``.
        """
        cast(SteppingStore, store).probe = _Watcher(self, name, module, secrets)

    def write(self, dump: Coredump) -> None:
        """Write a coredump; a failure is reported to Python's logging, since the guest's trap matters more."""
        data = dump.encoded()
        try:
            with os.fdopen(self._open(), "wb") as file:
                file.truncate()
                file.write(data)
            self.written = True
        except UNUSABLE as error:
            getLogger(__name__).error("%s", self._failure(error))

    def _open(self) -> int:
        return os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def _failure(self, error: OSError | ValueError) -> CoredumpError:
        return CoredumpError(f"cannot write the coredump {self.path}: {reason(error)}")


def check_engine(engine: Engine) -> None:
    """Raise ``CoredumpError`` if an engine cannot show the locals and operands of its guests."""
    if Capability.STEPPING not in engine.capabilities:
        raise CoredumpError(
            f"the engine {engine.name} cannot write coredumps: use the engine reference, or record the run and debug "
            "the recording"
        )


class _Watcher(Probe):
    """An observer of one store; each of its executions runs inside a host call of the one before."""

    every = False

    def __init__(self, writer: CoredumpWriter, name: str, module: Path, secrets: Secrets | None) -> None:
        self._writer = writer
        self._name = name
        self._module = module
        self._secrets = secrets
        self._executions: list[Configuration] = []
        self._error: WasmError | None = None

    def entered(self, execution: Configuration) -> None:
        """Remember an execution."""
        self._executions.append(execution)

    def left(self, execution: Configuration) -> None:
        """Forget an execution."""
        if execution in self._executions:
            self._executions.remove(execution)

    def before_unwinding(self, execution: Configuration, error: WasmError) -> None:
        """Write a coredump, once for an error that also ends the executions outside this one."""
        if isinstance(error, _FAILURES) and error is not self._error:
            self._error = error
            frames = chain.from_iterable(it.frames() for it in reversed(self._executions))
            self._writer.write(captured(self._name, str(error), str(self._module.resolve()), frames, self._secrets))


def captured(
    name: str,
    error: str,
    module: str,
    frames: Iterable[Frame],
    secrets: Secrets | None = None,
    pc: int | None = None,
) -> Coredump:
    """Return the coredump of active calls, innermost first, whose modules come from the file ``module``.

    ``pc`` is the innermost call's instruction, by default the one that it has begun.
    """
    instances: _Space[ModuleInstance] = _Space()
    memories: _Space[MemoryInstance] = _Space()
    globals_: _Space[GlobalInstance] = _Space()
    types = _OperandTypes()
    dumped: list[DumpedFrame] = []
    for frame in frames:
        at = max(frame.pc - 1, 0) if dumped or pc is None else pc
        dumped.append(_frame(frame, at, instances.index(frame.module), types))
    return Coredump(
        name=name,
        error=error,
        modules=[module] * bool(instances.entries),
        instances=[
            DumpedInstance(0, [*map(memories.index, it.memories)], [*map(globals_.index, it.globals)])
            for it in instances.entries
        ],
        frames=dumped,
        memories=[(it.type, _masked(bytes(it.data), secrets)) for it in memories.entries],
        globals=[(_dumped_type(it.type.value), it.value) for it in globals_.entries],
    )


def _masked(data: bytes, secrets: Secrets | None) -> bytes:
    return data if secrets is None else secrets.masked(data)[0]


class _Space(Generic[_T]):
    """An index space of a coredump: objects, each once, in the order in which they were met."""

    def __init__(self) -> None:
        self.entries: list[_T] = []
        self._indexes: dict[int, int] = {}

    def index(self, entry: _T) -> int:
        """Return the index of an object."""
        found = self._indexes.setdefault(id(entry), len(self.entries))
        if found == len(self.entries):
            self.entries.append(entry)
        return found


class _OperandTypes:
    """The operand types of functions, found once for each function: a recursion may have thousands of calls of one."""

    def __init__(self) -> None:
        self._found: dict[FunctionInstance, Sequence[Sequence[object]]] = {}

    def before(self, frame: Frame, pc: int) -> Sequence[object]:
        """Return the operand types before an instruction."""
        found = self._found.get(frame.function)
        if found is None:
            context = frame.module.valid.context
            points = operands_of(context, frame.function.index, frame.code.body)
            found = self._found[frame.function] = [it.types for it in points]
        return found[pc]


def _frame(frame: Frame, pc: int, instance: int, types: _OperandTypes) -> DumpedFrame:
    body = frame.code.body
    locals_ = zip(locals_of(frame.function.type, body), frame.locals, strict=True)
    # What the instruction has popped was on top, so the remaining operands still have the types from before it.
    operands = zip(types.before(frame, pc), frame.stack, strict=False)
    offset = body.expression.offsets[pc] - frame.code.source.offset
    return DumpedFrame(instance, frame.function.index, offset, list(locals_), [*map(_typed, operands)])


def _typed(operand: tuple[object, Value]) -> Typed:
    type_, value = operand
    return cast(ValType, type_), value


def _dumped_type(type_: ValType) -> ValType:
    """Return the type of a global in a coredump, which has no types of its own."""
    return RefType(True, top(type_.heap)) if isinstance(type_, RefType) else type_
