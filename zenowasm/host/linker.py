"""Declares typed host functions and resolves a module's imports to them (specification, 4.5.4)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from attrs import field, frozen

from zenowasm.backends.protocol import (
    Caller,
    Extern,
    FuncType,
    HostBody,
    ImportType,
    MemType,
    Module,
    Store,
    Value,
)
from zenowasm.display import nearest
from zenowasm.host.memory import GuestMemory
from zenowasm.host.observer import BorderCall, Direction, Observer, observed
from zenowasm.interp.errors import LinkError
from zenowasm.interp.types import I32, ResultType

_U32 = 0xFFFF_FFFF
_LISTED = 12


@frozen
class HostFunction:
    """A host function with its two-level import name and its exact type."""

    module: str
    name: str
    type: FuncType
    body: HostBody


IntegerBody = Callable[..., int | None]
"""A body over integers: ``body(caller, *arguments)`` returns the i32 result, or ``None`` if the type has no result."""


def host_function(
    module: str, name: str, parameters: ResultType, body: IntegerBody, *, results: ResultType = (I32,)
) -> HostFunction:
    """Declare a host function whose ``body`` takes the caller and its integer arguments.

    If the function has a result, the guest receives the low 32 bits of the integer that the body returns. Otherwise
    the return value is discarded.
    """
    if results:

        def call(caller: Caller, arguments: tuple[Value, ...]) -> Sequence[Value]:
            return ((body(caller, *arguments) or 0) & _U32,)

    else:

        def call(caller: Caller, arguments: tuple[Value, ...]) -> Sequence[Value]:
            body(caller, *arguments)
            return ()

    return HostFunction(module, name, FuncType(parameters, results), call)


def caller_memory(caller: Caller) -> GuestMemory | None:
    """Return the memory that the calling instance exports as ``memory``, or ``None`` if it exports none."""
    memory = caller.export("memory")
    if memory is None or not isinstance(memory.type, MemType):
        return None
    return GuestMemory(memory)


@frozen
class ImportProblem:
    """An import that cannot be resolved, and the reason."""

    wanted: ImportType
    message: str


FunctionMaker = Callable[[], Iterable[HostFunction]]


@frozen
class Linker:
    """The host functions that a host offers to modules, by two-level name.

    ``deferred`` maps a module name to a maker that runs at the first import from that module: importing the 46 WASI
    functions takes longer than running a small plugin, and few plugins need them.
    """

    functions: dict[tuple[str, str], HostFunction] = field(factory=dict)
    deferred: dict[str, FunctionMaker] = field(factory=dict)

    def define(self, functions: Iterable[HostFunction]) -> None:
        """Add host functions. Raises ``ValueError`` if a name is already taken."""
        for function in functions:
            key = function.module, function.name
            if key in self.functions:
                raise ValueError(f'the host function "{function.module}.{function.name}" is defined twice')
            self.functions[key] = function

    def problems(self, module: Module) -> tuple[ImportProblem, ...]:
        """Return every import of ``module`` that this linker cannot resolve, in the module's order."""
        found = ((wanted, self._problem(wanted)) for wanted in module.imports)
        return tuple(ImportProblem(wanted, message) for wanted, message in found if message is not None)

    def resolve(
        self, store: Store, module: Module, *, owner: str = "", observer: Observer | None = None
    ) -> dict[tuple[str, str], Extern]:
        """Create the functions that ``module`` imports in ``store``, for ``Store.instantiate``.

        No other functions are created. ``observer`` sees every call, under the name ``owner``. Raises ``LinkError`` if
        an import is missing or has another type; the message names the first such import and what the host offers.
        """
        for problem in self.problems(module):
            raise LinkError(problem.message)
        resolved: dict[tuple[str, str], Extern] = {}
        for wanted in module.imports:
            key = wanted.module, wanted.name
            if key not in resolved:
                function = self.functions[key]
                body = function.body if observer is None else _observed(function, owner, observer)
                resolved[key] = store.host_function(function.type, body)
        return resolved

    def _problem(self, wanted: ImportType) -> str | None:
        if wanted.module in self.deferred:
            self.define(self.deferred.pop(wanted.module)())
        function = self.functions.get((wanted.module, wanted.name))
        if function is None:
            return (
                f'unknown import: the module imports "{wanted.module}.{wanted.name}" {wanted.type}; '
                f"{self._offer(wanted)}"
            )
        if function.type != wanted.type:
            return (
                f'incompatible import type: the module imports "{wanted.module}.{wanted.name}" as {wanted.type}, '
                f"but it is {function.type}"
            )
        return None

    def _offer(self, wanted: ImportType) -> str:
        offered = [name for module, name in self.functions if module == wanted.module]
        if not offered:
            modules = sorted({*self.deferred, *(module for module, _ in self.functions)})
            return f"the host offers the modules {', '.join(modules)}" if modules else "the host offers nothing"
        near = nearest(wanted.name, offered)
        hint = f" (did it mean {near}?)" if near else ""
        rest = "" if len(offered) <= _LISTED else f" and {len(offered) - _LISTED} more"
        return f'"{wanted.module}" offers {", ".join(offered[:_LISTED])}{rest}{hint}'


def _observed(function: HostFunction, owner: str, observer: Observer) -> HostBody:
    def call(caller: Caller, arguments: tuple[Value, ...]) -> Sequence[Value]:
        event = BorderCall(owner, Direction.TO_HOST, function.module, function.name, arguments)
        return observed(observer, event, lambda: function.body(caller, arguments))

    return call
