"""Runs one module on two engines, in the same steps, and tells where they part."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator

from attrs import define, frozen
from support.engines import first_budget

from zenowasm.backends.protocol import Budget, Engine, ExecutionLimits, Extern, ExternRef, Store, Value
from zenowasm.interp.errors import Exhaustion, LinkError, Trap, TrapCode, UncaughtException, WasmError
from zenowasm.interp.numerics.floats import f32_to_bits, f64_to_bits
from zenowasm.interp.types import F32, F64, I32, I64, V128, FuncType, GlobalType, MemType, RefType, ValType

_LIMITS = ExecutionLimits(memory_bytes=256 << 20)
_BUDGET = Budget(fuel=20_000, seconds=20.0)
_BITS = {I32: 32, I64: 64, V128: 128}
_CALLS = 3
_LIMIT_CODES = (TrapCode.OUT_OF_FUEL, TrapCode.INTERRUPTED, TrapCode.MEMORY_LIMIT)


@frozen
class Outcome:
    """What a step came to: its results by their bits, or the way it ended; and the fuel, where engines must agree."""

    ending: str
    fuel: int | None = None


@define
class Agreement:
    """Where two engines parted, if they did, and the number of steps in which they agreed."""

    steps: int = 0
    difference: str | None = None


class UndecidedError(Exception):
    """The engines reached limits that are not the same on both, so that what follows cannot be compared."""


def compare(binary: bytes, engines: tuple[Engine, Engine], seed: int) -> Agreement:
    """Instantiate a module that imports nothing on both engines, call what it exports, and compare every step."""
    agreement = Agreement()
    try:
        for name, outcomes in _steps(binary, engines, random.Random(seed)):
            if outcomes[0] != outcomes[1]:
                agreement.difference = f"{name}: {engines[0].name} {outcomes[0]}, {engines[1].name} {outcomes[1]}"
                return agreement
            agreement.steps += 1
    except UndecidedError:
        pass
    return agreement


def _steps(binary: bytes, engines: tuple[Engine, Engine], chance: random.Random) -> Iterator[tuple[str, list[Outcome]]]:
    modules, refusals = [], []
    for engine in engines:
        try:
            modules.append(engine.compile(binary))
            refusals.append(Outcome("compiled"))
        except WasmError as error:
            refusals.append(Outcome(type(error).__name__))
    yield "compile", refusals
    if len(modules) < len(engines):
        return
    stores = [engine.new_store(_LIMITS) for engine in engines]
    exports: list[dict[str, Extern]] = []
    outcomes = []
    for store, module in zip(stores, modules, strict=True):
        store.set_budget(_BUDGET)
        try:
            exports.append(dict(store.instantiate(module, {}).exports))
            outcomes.append(Outcome("instantiated", store.fuel_consumed))
        except (Trap, LinkError, UncaughtException, Exhaustion) as error:
            outcomes.append(Outcome(_ending(error)))
    yield "instantiate", outcomes
    if len(exports) < len(engines):
        return
    fuel = stores[0].fuel_consumed
    yield (
        "first budget that instantiates",
        [
            Outcome("found", first_budget(engine, module, fuel, limits=_LIMITS))
            for engine, module in zip(engines, modules, strict=True)
        ],
    )
    for name, extern in exports[0].items():
        if isinstance(extern.type, FuncType) and all(map(_passes, extern.type.parameters)):
            for _ in range(_CALLS):
                arguments = [_argument(type_, chance) for type_ in extern.type.parameters]
                yield (
                    f"{name}({arguments})",
                    [_call(store, offered[name], arguments) for store, offered in zip(stores, exports, strict=True)],
                )
    for name in exports[0]:
        yield f"state of {name}", [_state(offered[name]) for offered in exports]


def _passes(type_: ValType) -> bool:
    return not isinstance(type_, RefType) or type_.nullable


def _argument(type_: ValType, chance: random.Random) -> Value:
    if isinstance(type_, RefType):
        return None
    if type_ in (F32, F64):
        return chance.choice([0.0, -0.0, 1.5, -1.0, 1e10, -1e-10, 3e38, float("inf"), float("nan")])
    bits = _BITS[type_]
    return chance.choice(
        [0, 1, 2, 7, (1 << bits) - 1, 1 << (bits - 1), chance.getrandbits(bits), chance.getrandbits(8)]
    )


def _call(store: Store, function: Extern, arguments: list[Value]) -> Outcome:
    assert hasattr(function, "call")
    before = store.fuel_consumed
    try:
        results = function.call(*arguments)
    except (Trap, UncaughtException, Exhaustion) as error:
        return Outcome(_ending(error))
    described = ", ".join(_describe(t, v) for t, v in zip(function.type.results, results, strict=True))
    return Outcome(f"returned {described}", store.fuel_consumed - before)


def _ending(error: WasmError) -> str:
    if isinstance(error, Trap):
        if error.code in _LIMIT_CODES:
            raise UndecidedError from error
        return f"trapped: {error.code.value}"
    if isinstance(error, Exhaustion):
        raise UndecidedError from error
    return type(error).__name__


def _describe(type_: ValType, value: Value) -> str:
    if type_ is F32:
        return f"f32 {f32_to_bits(value):08x}"
    if type_ is F64:
        return f"f64 {f64_to_bits(value):016x}"
    if isinstance(type_, RefType):
        return "null" if value is None else f"a reference {isinstance(value, ExternRef)}"
    return f"{type_} {value:x}"


def _state(extern: Extern) -> Outcome:
    """Describe the contents of a memory, a global or a table."""
    type_ = extern.type
    if isinstance(type_, MemType):
        assert hasattr(extern, "read")
        return Outcome(f"{extern.size} bytes {hashlib.sha256(extern.read(0, extern.size)).hexdigest()}")
    if isinstance(type_, GlobalType):
        assert hasattr(extern, "get")
        return Outcome(_describe(type_.value, extern.get()) if _readable(type_.value) else "")
    return Outcome(str(getattr(extern, "size", "")))


def _readable(type_: ValType) -> bool:
    return not isinstance(type_, RefType)
