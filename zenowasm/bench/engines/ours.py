"""Our engines, called through their protocol like the plugin host does: with a deadline, without fuel."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from functools import cached_property
from operator import itemgetter
from typing import Final, cast

from zenowasm.backends import registry
from zenowasm.backends.protocol import (
    Budget,
    Caller,
    Capability,
    Closable,
    Engine,
    EngineOptions,
    Func,
    Memory,
    Module,
    Store,
    Value,
)
from zenowasm.bench.engines.protocol import InProcess, Running, next_number
from zenowasm.bench.engines.quickjs import QuickJs
from zenowasm.bench.errors import RefusedError
from zenowasm.host.linker import Linker
from zenowasm.interp.errors import WasmError
from zenowasm.interp.types import I32, FuncType

_NEXT: Final = FuncType((I32,), (I32,))
HOSTS_OPTIONS: Final = EngineOptions(fuel=False)
_SECONDS: Final = 24 * 3600.0
"""More than any measurement takes: the engines check the clock but are never stopped."""


class Ours:
    """An engine of the registry, with the plugin host's options unless ``options`` differ; its label says which."""

    in_process = True
    install = "pip install 'zenowasm[wasmtime]'"

    def __init__(self, name: str, options: EngineOptions = HOSTS_OPTIONS, variant: str = "") -> None:
        self.label = f"{name}:{variant}" if variant else name
        self._name = name
        self._options = options
        self.in_python = name == registry.DEFAULT

    @cached_property
    def _engine(self) -> Engine:
        return registry.engine(self._name, self._options)

    def version(self) -> str | None:
        """Return the version of the engine's software."""
        return self._engine.version if self._name in registry.installed() else None

    def compile(self, binary: bytes) -> Module:
        """Decode, validate and compile a module."""
        try:
            return self._engine.compile(binary)
        except WasmError as error:
            raise RefusedError(str(error)) from error

    def instantiate(self, module: Module, stack: ExitStack) -> Counting:
        """Instantiate a module in a new store."""
        store = self._store(stack)
        try:
            imports = {("env", "next"): store.host_function(_NEXT, _next)} if module.imports else {}
            run = cast(Func, store.instantiate(module, imports).exports["run"])
        except WasmError as error:
            raise RefusedError(str(error)) from error
        return Counting(store, InProcess(run.call, itemgetter(0)))

    def load_quickjs(self, binary: bytes, stack: ExitStack) -> Counting:
        """Instantiate QuickJS with our own WASI."""
        from zenowasm.wasi.context import LineBuffer, WasiContext
        from zenowasm.wasi.preview1 import Preview1

        store, printed = self._store(stack), list[bytes]()
        module = self._engine.compile(binary)
        linker = Linker()
        linker.define(Preview1(WasiContext(stdout=LineBuffer(printed.append))).functions())
        exports = store.instantiate(module, linker.resolve(store, module)).exports

        def call(name: str, *arguments: int) -> int:
            results = cast(Func, exports[name]).call(*arguments)
            return cast(int, results[0]) if results else 0

        return Counting(store, QuickJs(call, cast(Memory, exports["memory"]).write, lambda: b"\n".join(printed[-1:])))

    def _store(self, stack: ExitStack) -> Store:
        store = self._engine.new_store()
        if isinstance(store, Closable):
            stack.callback(store.close)
        if Capability.INTERRUPTS in self._engine.capabilities:
            store.set_budget(Budget(seconds=_SECONDS))
        return store


class Counting:
    """A function that can also report its fuel consumption."""

    def __init__(self, store: Store, running: Running) -> None:
        self._store = store
        self.call = running.call
        self.time = running.time

    def fuel(self, argument: int) -> int:
        """Return the fuel of one call: the number of instructions, except for a few that are free."""
        before = self._store.fuel_consumed
        self.call(argument)
        after = self._store.fuel_consumed
        assert before is not None and after is not None  # the engine was made with fuel
        return after - before


def _next(caller: Caller, arguments: tuple[Value, ...]) -> Sequence[Value]:
    return (next_number(cast(int, arguments[0])),)
