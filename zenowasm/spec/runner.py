"""Judges every command of a script on any engine.

A malformed module must fail in decoding, and an invalid one in validation. A trap must have the script's message, and
results are compared by their bits. Any error of an engine is a failure of that one command.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from pathlib import Path
from time import perf_counter
from typing import Generic, TypeVar, cast

from attrs import frozen

from zenowasm.backends.protocol import Budget, Engine, ExecutionLimits, Extern, Func, Global, Module, Value
from zenowasm.interp.errors import (
    DecodeError,
    Exhaustion,
    LinkError,
    Trap,
    UncaughtException,
    ValidationError,
    WasmError,
)
from zenowasm.interp.types import ResultType
from zenowasm.spec import script as syntax
from zenowasm.spec.customs import check_customs
from zenowasm.spec.patterns import describe_all, describe_patterns, fits, matches_all
from zenowasm.spec.script import KEYWORDS, Action, BinaryModule, Command, Get, ModuleSource, Script, TextModule
from zenowasm.spec.spectest import NAME, spectest

Assemble = Callable[[str], bytes]
"""A parser of the text format: from a module's source to its binary form; raises ``DecodeError``."""

DEFAULT_BUDGET = Budget(fuel=200_000_000, seconds=120.0)
"""Many times the need of any command in the suite, so that even a broken engine ends."""

_LIMITS = ExecutionLimits(memory_bytes=1 << 30)
"""More than any script of the suite needs for all its memories, which share one store."""


class Status(Enum):
    """The status of a judged command."""

    PASS = "pass"
    FAIL = "fail"
    SKIP = "skip"
    UNREADABLE = "not readable"
    """The status of a whole script; the number of its commands is unknown."""


@frozen
class Outcome:
    """A judged command: its line, its keyword, and why it failed or was skipped."""

    line: int
    command: str
    status: Status
    reason: str = ""


@frozen
class ScriptResult:
    """The outcomes of a script's commands, in order."""

    path: Path
    outcomes: tuple[Outcome, ...]
    seconds: float

    def count(self, status: Status) -> int:
        """Return the number of commands with this status."""
        return sum(it.status is status for it in self.outcomes)

    def failures(self) -> tuple[Outcome, ...]:
        """Return the failures in order, including a script that is not readable."""
        return tuple(it for it in self.outcomes if it.status in (Status.FAIL, Status.UNREADABLE))


class _FailedError(Exception):
    """Raised when a command does not behave as the script requires."""


class _SkippedError(Exception):
    """Raised when a command cannot be judged."""


def run_script(
    script: Script, engine: Engine, *, budget: Budget = DEFAULT_BUDGET, assemble: Assemble | None = None
) -> ScriptResult:
    """Run all commands of a script in one new store and judge each.

    ``budget`` limits each command. Without ``assemble``, commands whose module is only available in the text format are
    skipped. Errors of an engine are not raised; they are failures of the command.
    """
    started = perf_counter()
    runner = _Runner(engine, budget, assemble)
    outcomes = tuple([runner.judge(command) for command in script.commands])
    return ScriptResult(script.path, outcomes, perf_counter() - started)


_Item = TypeVar("_Item")


class _Named(Generic[_Item]):
    """The instances of a script by name; the last one is also available without a name."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._items: dict[str | None, _Item] = {}
        self._failed: dict[str | None, int] = {}

    def make(self, name: str | None, line: int, make: Callable[[], _Item]) -> None:
        """Make an item; even if that fails, it hides earlier items, so that no command runs in those instead."""
        for key in (name, None):
            self._items.pop(key, None)
            self._failed[key] = line
        item = make()
        self._items.update({name: item, None: item})

    def find(self, name: str | None) -> _Item:
        item = self._items.get(name)
        if item is None:
            what = f"{self._what} {name}" if name else self._what
            line = self._failed.get(name)
            raise _FailedError(f"no {what}{'' if line is None else f': the command in line {line} failed'}")
        return item


class _Runner:
    def __init__(self, engine: Engine, budget: Budget, assemble: Assemble | None) -> None:
        self._engine = engine
        self._assemble = assemble
        self._store = engine.new_store(_LIMITS)
        self._store.set_budget(budget)
        self._imports: dict[tuple[str, str], Extern] = {}
        self._instances = _Named[Mapping[str, Extern]]("instance")
        self._definitions = _Named[Module]("module definition")
        self._offer(NAME, spectest(self._store))

    def judge(self, command: Command) -> Outcome:
        """Run and judge one command."""
        status, reason = Status.PASS, ""
        try:
            self._run(command)
        except _SkippedError as skipped:
            status, reason = Status.SKIP, str(skipped)
        except _FailedError as failed:
            status, reason = Status.FAIL, str(failed)
        except Exception as fault:  # noqa: BLE001 - the engine is under test: a defect of it is a failure, not our end
            status, reason = Status.FAIL, _describe_error(fault)
        return Outcome(command.line, KEYWORDS[type(command)], status, reason)

    def _run(self, command: Command) -> None:
        match command:
            case syntax.InstantiateModule(line, name, module):
                self._instances.make(name, line, lambda: self._instantiate(self._compile(module)))
            case syntax.DefineModule(line, name, module):
                self._definitions.make(name, line, lambda: self._compile(module))
            case syntax.InstantiateDefinition(line, name, definition):
                self._instances.make(name, line, lambda: self._instantiate(self._definitions.find(definition)))
            case syntax.Register(_, module_name, instance):
                self._offer(module_name, self._instances.find(instance))
            case syntax.Perform(_, action):
                self._perform(action)
            case syntax.AssertReturn(_, action, expected):
                values = self._perform(action)
                if not matches_all(values, expected):
                    raise _FailedError(f"expected {describe_patterns(expected)}, got {describe_all(values)}")
                # Values do not carry their integer or float type, so take it from the export.
                types = self._result_types(action)
                if not all(map(fits, types, expected)):
                    raise _FailedError(
                        f"expected {describe_patterns(expected)}, got results of type {' '.join(map(str, types))}"
                    )
            case syntax.AssertTrap(_, action, words):
                _expect(Trap, words, lambda: describe_all(self._perform(action)))
            case syntax.AssertExhaustion(_, action, words):
                _expect(Exhaustion, words, lambda: describe_all(self._perform(action)))
            case syntax.AssertException(_, action):
                _expect(UncaughtException, "", lambda: describe_all(self._perform(action)))
            case syntax.AssertMalformed(_, module):
                _expect(DecodeError, "", lambda: self._accept(module))
            case syntax.AssertInvalid(_, module):
                _expect(ValidationError, "", lambda: self._accept(module))
            case syntax.AssertMalformedCustom(_, module):
                _expect(DecodeError, "", lambda: self._accept_customs(module))
            case syntax.AssertInvalidCustom(_, module):
                self._compile(module)
                _expect(ValidationError, "", lambda: self._accept_customs(module))
            case syntax.AssertUnlinkable(_, module, words):
                compiled = self._compile(module)
                _expect(LinkError, words, lambda: _describe_instance(self._instantiate(compiled)))
            case syntax.AssertUninstantiable(_, module, words):
                compiled = self._compile(module)
                _expect(Trap, words, lambda: _describe_instance(self._instantiate(compiled)))

    def _offer(self, module_name: str, exports: Mapping[str, Extern]) -> None:
        for key in [it for it in self._imports if it[0] == module_name]:
            del self._imports[key]
        self._imports.update({(module_name, field): extern for field, extern in exports.items()})

    def _instantiate(self, module: Module) -> Mapping[str, Extern]:
        return self._store.instantiate(module, self._imports).exports

    def _binary(self, module: ModuleSource) -> bytes:
        match module:
            case BinaryModule(binary):
                return binary
            case TextModule(source):
                if self._assemble is None:
                    raise _SkippedError("text format")
                return self._assemble(source)

    def _compile(self, module: ModuleSource) -> Module:
        return self._engine.compile(self._binary(module))

    def _accept(self, module: ModuleSource) -> str:
        self._compile(module)
        return "a valid module"

    def _accept_customs(self, module: ModuleSource) -> str:
        binary = self._binary(module)
        self._engine.compile(binary)
        check_customs(binary)
        return "a module with valid custom sections"

    def _perform(self, action: Action) -> tuple[Value, ...]:
        extern = self._instances.find(action.instance).get(action.field)
        if extern is None:
            raise _FailedError(f"there is no export {action.field!r}")
        # An export of another kind lacks the method: a failure like any other.
        if isinstance(action, Get):
            return (cast(Global, extern).get(),)
        return cast(Func, extern).call(*[it.value for it in action.arguments])

    def _result_types(self, action: Action) -> ResultType:
        extern = self._instances.find(action.instance)[action.field]
        if isinstance(action, Get):
            return (cast(Global, extern).type.value,)
        return cast(Func, extern).type.results


def _expect(kind: type[WasmError], words: str, act: Callable[[], str]) -> None:
    """Call ``act``, which must raise an error of this kind with these words."""
    wanted = f"{kind.__name__} {words!r}" if words else kind.__name__
    try:
        got = act()
    except WasmError as error:
        found = error.code.value if isinstance(error, Trap) else str(error)
        # The suite's own tools compare in the same way: scripts give more or less detail than an engine.
        if not isinstance(error, kind) or not (found.startswith(words) or words.startswith(found)):
            raise _FailedError(f"expected {wanted}, got {_describe_error(error)}") from None
        return
    raise _FailedError(f"expected {wanted}, got {got}")


def _describe_error(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _describe_instance(exports: Mapping[str, Extern]) -> str:
    return f"an instance that exports {', '.join(exports) or 'nothing'}"
