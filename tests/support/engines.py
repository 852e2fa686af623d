"""Runs one module on several engines and describes what happened in a form that can be compared with ``==``."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from hashlib import sha256
from typing import Any

from attrs import frozen

from zenowasm.backends.protocol import Budget, Engine, ExecutionLimits, ExternRef, Instance, Module, Store, Value
from zenowasm.backends.registry import engine as new_engine
from zenowasm.interp.errors import Exhaustion, Trap, TrapCode, UncaughtException
from zenowasm.interp.numerics.floats import f32_to_bits, f64_to_bits
from zenowasm.interp.types import F32, F64, FuncType, GlobalType, MemType, TableType, ValType

ENGINES = ("reference", "wasmtime")


@cache
def engine(name: str = "reference") -> Engine:
    """Return an engine that all tests share; engines have no state but their settings."""
    return new_engine(name)


def bits(type_: ValType, value: Value) -> Any:
    """Return a value in a form in which equality means identity of bits."""
    if type_ is F32:
        return f"f32:{f32_to_bits(value):08x}"
    if type_ is F64:
        return f"f64:{f64_to_bits(value):016x}"
    if isinstance(value, ExternRef):
        return ("extern", value.value)
    return value if value is None or isinstance(value, int) else "function"


@frozen
class Outcome:
    """What a call did: results as bits, or the reason why there are none; fuel only where the call finished."""

    results: tuple[Any, ...] = ()
    trap: TrapCode | str | None = None
    fuel: int | None = None


def call(store: Store, function: Any, arguments: Sequence[Value] = ()) -> Outcome:
    """Call a function and describe what happened."""
    before = store.fuel_consumed
    try:
        results = function.call(*arguments)
    except Trap as trap:
        return Outcome(trap=trap.code)
    except (Exhaustion, UncaughtException) as error:
        return Outcome(trap=type(error).__name__)
    described = tuple(bits(type_, value) for type_, value in zip(function.type.results, results, strict=True))
    return Outcome(described, fuel=store.fuel_consumed - before)


def state(instance: Instance) -> dict[str, Any]:
    """Describe the exported memories, globals and tables of an instance."""
    described: dict[str, Any] = {}
    for name, extern in instance.exports.items():
        exported: Any = extern
        type_ = exported.type
        if isinstance(type_, GlobalType):
            described[name] = bits(type_.value, exported.get())
        elif isinstance(type_, MemType):
            described[name] = (exported.size, sha256(exported.read(0, exported.size)).hexdigest())
        elif isinstance(type_, TableType):
            described[name] = [exported.get(index) is None for index in range(exported.size)]
    return described


def first_budget(
    chosen: Engine,
    module: Module,
    fuel: int,
    imports: Callable[[Store], Mapping[tuple[str, str], Any]] = lambda _: {},
    limits: ExecutionLimits | None = None,
) -> int:
    """Return the smallest budget with which the instantiation of a module finishes that consumes so much ``fuel``."""

    def finishes(budget: int) -> bool:
        store = chosen.new_store(limits)
        store.set_budget(Budget(fuel=budget))
        try:
            store.instantiate(module, imports(store))
        except Trap as trap:
            assert trap.code is TrapCode.OUT_OF_FUEL
            return False
        return True

    assert finishes(fuel + 1)
    return bisect_left(range(fuel + 1), True, key=finishes)


class Guest:
    """A module instantiated in a store of its own."""

    def __init__(
        self,
        binary: bytes,
        name: str = "reference",
        *,
        limits: ExecutionLimits | None = None,
        budget: Budget | None = None,
        imports: Callable[[Store], Mapping[tuple[str, str], Any]] | None = None,
    ) -> None:
        self.engine = engine(name)
        self.store: Any = self.engine.new_store(limits)
        if budget is not None:
            self.store.set_budget(budget)
        self.module = self.engine.compile(binary)
        self.instance = self.store.instantiate(self.module, {} if imports is None else imports(self.store))

    def __getitem__(self, export: str) -> Any:
        """Return an export."""
        return self.instance.exports[export]

    def __call__(self, export: str, *arguments: Value) -> tuple[Value, ...]:
        """Call an export and return its results."""
        return tuple(self[export].call(*arguments))

    def outcome(self, export: str, *arguments: Value) -> Outcome:
        """Call an export and describe what happened."""
        return call(self.store, self[export], arguments)


def host_imports(
    functions: Mapping[str, tuple[FuncType, Callable[..., Any]]],
) -> Callable[[Store], Mapping[tuple[str, str], Any]]:
    """Make imports of module ``env`` out of host functions."""
    return lambda store: {("env", name): store.host_function(*pair) for name, pair in functions.items()}
