"""Guest functions, which Python calls, and host functions, which guests call."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from zenowasm.backends import protocol
from zenowasm.embedding.tags import guest_exception
from zenowasm.embedding.types import function_type
from zenowasm.embedding.values import arguments_to_guest, readers, results_to_guest, writers
from zenowasm.interp.errors import UncaughtException
from zenowasm.interp.types import FuncType

if TYPE_CHECKING:
    from zenowasm.embedding.steps import Steps
    from zenowasm.embedding.store import Store

_Callable = TypeVar("_Callable", bound=Callable[..., Any])
_WANTS_CALLER = "zenowasm_wants_caller"


class Caller:
    """The instance that calls a host function; empty after the function has returned."""

    def __init__(self, store: Store, raw: protocol.Caller) -> None:
        self._store = store
        self._raw: protocol.Caller | None = raw

    def __getitem__(self, name: str) -> Any:
        """Return the calling instance's export with that name; raises ``KeyError``."""
        from zenowasm.embedding.externs import wrapped

        found = None if self._raw is None else self._raw.export(name)
        if found is None:
            raise KeyError(name)
        return wrapped(self._store, found, name)

    def end(self) -> None:
        """Release the instance."""
        self._raw = None


def pass_caller(function: _Callable) -> _Callable:
    """Decorate a host function so that its first argument is the ``Caller``, whose memory it can access."""
    setattr(function, _WANTS_CALLER, True)
    return function


class Function:
    """A function in a store, called like any other.

    A call returns one result as a value, several as a tuple, and none as ``None``. It raises ``TypeError`` or
    ``ValueError`` for arguments that do not fit the type. It raises ``Trap``, ``Exhaustion`` or ``GuestException`` if
    the guest ends that way, and any exception of a host function.

    ``Function(store, python_function, parameters, results)`` makes a host function. Types are names of the text format:
    ``Function(store, print, ["i32"], [])``. The module ``values`` describes what it may return; under ``call_async``,
    it may also be a coroutine function.
    """

    def __init__(
        self, store: Store, body: Callable[..., Any], parameters: Sequence[str] = (), results: Sequence[str] = ()
    ) -> None:
        name = getattr(body, "__name__", type(body).__name__)
        with store.entered():
            made = host_function(store, name, function_type(parameters, results), body)
        self._become(store, made, name, unsigned=False)

    def _become(self, store: Store, raw: protocol.Func, name: str, *, unsigned: bool) -> None:
        self.store = store
        self.raw = raw
        self.type: FuncType = raw.type
        self.__name__ = name
        self._readers = readers(store, self.type.results, unsigned=unsigned)
        self._writers = writers(store, self.type.parameters)

    @classmethod
    def of(cls, store: Store, raw: protocol.Func, name: str = "function", *, unsigned: bool = False) -> Function:
        """Wrap an engine's function."""
        function = cls.__new__(cls)
        function._become(store, raw, name, unsigned=unsigned)
        return function

    @property
    def unsigned(self) -> Function:
        """The same function with unsigned integer results."""
        return Function.of(self.store, self.raw, self.__name__, unsigned=True)

    def __call__(self, *arguments: Any) -> Any:
        """Call the function."""
        store = self.store
        store.enter()
        try:
            try:
                given = [write(value) for write, value in zip(self._writers, arguments, strict=True)]
            except (TypeError, ValueError):
                given = arguments_to_guest(store, self.__name__, self.type, arguments)  # its error names the argument
            return self.returned(self.raw.call(*given))
        except UncaughtException as error:
            raise guest_exception(store, error) from None
        finally:
            store.leave()

    def returned(self, results: Sequence[protocol.Value]) -> Any:
        """Convert the engine's results to the return value of a Python call."""
        values = [read(value) for read, value in zip(self._readers, results, strict=True)]
        if len(values) == 1:
            return values[0]
        return tuple(values) if values else None

    def steps(self, *arguments: Any) -> Steps:
        """Call the function one instruction at a time (see ``Steps``), in a store on the ``reference`` engine.

        Raises ``SteppingError`` on other engines, and ``TypeError`` or ``ValueError`` for arguments that do not fit the
        type.
        """
        from zenowasm.embedding.steps import Steps

        return Steps(self, arguments)

    async def call_async(self, *arguments: Any) -> Any:
        """Call the function in a separate thread, without blocking the loop; host functions may be coroutines."""
        return await self.store.run_async(lambda: self(*arguments))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Function) and bool(self.raw == other.raw)

    def __hash__(self) -> int:
        return hash(self.raw)

    def __repr__(self) -> str:
        return f"<Function {self.__name__}: {self.type}>"


def host_function(store: Store, name: str, type_: FuncType, body: Callable[..., Any]) -> protocol.Func:
    """Make a host function with a type; ``name`` identifies it in errors."""
    read = readers(store, type_.parameters, unsigned=False)
    wants_caller = getattr(body, _WANTS_CALLER, False)

    def run(raw_caller: protocol.Caller, arguments: tuple[Any, ...]) -> Sequence[Any]:
        if store.has_views:
            store.end_views()
        given = [one(value) for one, value in zip(read, arguments, strict=True)]
        if not wants_caller:
            return results_to_guest(store, name, type_, _awaited(store, name, body(*given)))
        caller = Caller(store, raw_caller)
        try:
            return results_to_guest(store, name, type_, _awaited(store, name, body(caller, *given)))
        finally:
            caller.end()

    return store.raw.host_function(type_, run)


def _awaited(store: Store, name: str, returned: Any) -> Any:
    """Return a host function's result; if it is a coroutine, run it on the event loop and return its result."""
    if not inspect.iscoroutine(returned):
        return returned
    if store.loop is None:
        returned.close()
        raise TypeError(f"{name}() is a coroutine: call the guest with call_async, which awaits it")
    coroutine: Coroutine[Any, Any, Any] = returned
    store.awaited = asyncio.run_coroutine_threadsafe(coroutine, store.loop)
    try:
        return store.awaited.result()
    finally:
        store.awaited = None
