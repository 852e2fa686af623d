"""What guests pay for while they run is compiled in where it is asked for; results and traps are always the same."""

from __future__ import annotations

from itertools import product
from time import monotonic
from typing import Any

import pytest
from attrs import asdict
from support.engines import ENGINES, bits
from support.wasm import wat

from zenowasm.backends import registry
from zenowasm.backends.cache import ModuleCache
from zenowasm.backends.protocol import Budget, BudgetError, CallBudget, Capability, EngineOptions, FuncType
from zenowasm.backends.variants import EngineVariants
from zenowasm.backends.wasmtime import capi
from zenowasm.backends.wasmtime.ticker import Ticker
from zenowasm.interp.errors import Exhaustion, Trap, TrapCode, WasmError
from zenowasm.interp.types import F64, I32

ASKED = {
    "fuel": Capability.FUEL,
    "interrupts": Capability.INTERRUPTS,
    "deterministic": Capability.DETERMINISTIC,
}
COMBINATIONS = [dict(zip(ASKED, it, strict=True)) for it in product((False, True), repeat=len(ASKED))]
NAMES = ["+".join(name for name, asked in it.items() if asked) or "none" for it in COMBINATIONS]
MODULE = """(module
  (import "" "twice" (func $twice (param i32) (result i32)))
  (memory (export "memory") 1 2) (table 2 funcref)
  (func (export "fib") (param i32) (result i32) (local i32 i32 i32)
    (local.set 2 (i32.const 1))
    (loop $l
      (local.set 3 (i32.add (local.get 1) (local.get 2)))
      (local.set 1 (local.get 2)) (local.set 2 (local.get 3))
      (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
    (local.get 1))
  (func (export "half") (param i32) (result f64) (f64.div (f64.convert_i32_s (local.get 0)) (f64.const 2)))
  (func (export "host") (param i32) (result i32) (i32.add (call $twice (local.get 0)) (i32.const 1)))
  (func (export "divide") (param i32) (result i32) (i32.div_s (i32.const 1) (local.get 0)))
  (func (export "load") (param i32) (result i32) (i32.load (local.get 0)))
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
  (func (export "indirect") (param i32) (result i32)
    (call_indirect (param i32) (result i32) (i32.const 0) (local.get 0)))
  (func (export "truncate") (param i32) (result i32) (i32.trunc_f64_s (f64.div (f64.const 0) (f64.const 0))))
  (func $deep (export "deep") (param i32) (result i32) (call $deep (local.get 0)))
  (func (export "unreachable") (param i32) (result i32) unreachable)
  (func (export "spin") (param i32) (result i32) (loop $l (br $l)) (i32.const 0)))"""
CALLS = [
    *[("fib", 30), ("half", -3), ("host", 20), ("divide", 3), ("load", 65_532), ("grow", 1), ("grow", 9)],
    *[("divide", 0), ("load", 1 << 20), ("indirect", 1), ("indirect", 7), ("truncate", 0)],
    *[("unreachable", 0), ("deep", 1), ("host", -1)],
]


class HostError(Exception):
    """What a host function raises."""


def twice(caller: object, given: tuple[Any, ...]) -> tuple[int]:
    (number,) = given
    if number == 0xFFFF_FFFF:
        raise HostError(number)
    return (2 * number,)


def guest(engine: Any) -> tuple[Any, Any]:
    store = engine.new_store()
    imports = {("", "twice"): store.host_function(FuncType((I32,), (I32,)), twice)}
    return store, store.instantiate(engine.compile(wat(MODULE)), imports).exports


def outcome(exports: Any, name: str, argument: int) -> Any:
    try:
        return [bits(F64 if name == "half" else I32, it) for it in exports[name].call(argument)]
    except Trap as trap:
        return trap.code, trap.function, trap.offset
    except (Exhaustion, HostError) as error:
        return type(error)


def wasmtime(**options: bool) -> Any:
    return registry.engine("wasmtime", EngineOptions(**options))


@pytest.fixture(scope="module")
def expected() -> list[Any]:
    _, exports = guest(registry.engine("reference"))
    return [outcome(exports, *call) for call in CALLS]


@pytest.fixture(params=COMBINATIONS, ids=NAMES)
def options(request: pytest.FixtureRequest) -> dict[str, bool]:
    return dict(request.param)


def test_results_and_traps_are_the_same(options: dict[str, bool], expected: list[Any]) -> None:
    _, exports = guest(wasmtime(**options))
    assert [outcome(exports, *call) for call in CALLS] == expected


def test_an_engine_tells_what_it_was_made_with(options: dict[str, bool]) -> None:
    chosen = wasmtime(**options)
    assert {name for name, capability in ASKED.items() if capability in chosen.capabilities} == {
        name for name, asked in options.items() if asked
    }
    assert Capability.PARALLEL in chosen.capabilities


def test_the_reference_has_them_all_whatever_is_asked(options: dict[str, bool]) -> None:
    chosen = registry.engine("reference", EngineOptions(**options))
    assert chosen.capabilities >= set(ASKED.values())
    store, exports = guest(chosen)
    exports["fib"].call(10)
    assert store.fuel_consumed > 10


@pytest.mark.parametrize("name", ENGINES)
def test_without_options_an_engine_has_them_all(name: str) -> None:
    assert registry.engine(name).capabilities >= set(ASKED.values())


def test_fuel_is_absent_where_it_is_not_counted(options: dict[str, bool]) -> None:
    store, exports = guest(wasmtime(**options))
    exports["fib"].call(10)
    if not options["fuel"]:
        assert store.fuel_consumed is None
        return
    reference, theirs = guest(registry.engine("reference"))
    theirs["fib"].call(10)
    assert store.fuel_consumed == reference.fuel_consumed


BOUNDS = {
    "fuel": (Budget(fuel=1_000_000), CallBudget(1_000_000)),
    "seconds": (Budget(seconds=60.0), CallBudget(deadline=monotonic() + 3_600)),
    "cpu": (Budget(cpu_seconds=60.0), CallBudget(cpu_end=3_600.0)),
}


@pytest.mark.parametrize("bound", BOUNDS)
def test_a_bound_that_cannot_be_kept_is_refused_before_anything_runs(options: dict[str, bool], bound: str) -> None:
    store, exports = guest(wasmtime(**options))
    needed = Capability.FUEL if bound == "fuel" else Capability.INTERRUPTS
    each, shared = BOUNDS[bound]
    if needed in wasmtime(**options).capabilities:
        store.set_budget(each)
        store.begin(shared)
        assert exports["fib"].call(3) == (2,)
        return
    for refused in (lambda: store.set_budget(each), lambda: store.begin(shared)):
        with pytest.raises(BudgetError, match=f"made without {needed.value}") as caught:
            refused()
        assert caught.value.missing is needed
    assert exports["fib"].call(3) == (2,)  # under the budget of before: none


def test_a_guest_that_spins_ends_by_what_is_there(options: dict[str, bool]) -> None:
    store, exports = guest(wasmtime(**options))
    ends = {
        "fuel": (Budget(fuel=10_000), TrapCode.OUT_OF_FUEL),
        "interrupts": (Budget(seconds=0.05), TrapCode.INTERRUPTED),
    }
    for name, (budget, code) in ends.items():
        if options[name]:
            store.set_budget(budget)
            with pytest.raises(Trap) as caught:
                exports["spin"].call(0)
            assert caught.value.code is code


def test_what_is_left_out_is_not_touched(options: dict[str, bool], monkeypatch: pytest.MonkeyPatch) -> None:
    touched: set[str] = set()

    def note(name: str, real: Any) -> Any:
        def call(*arguments: Any) -> Any:
            touched.add(name)
            return real(*arguments)

        return call

    for name, place, attribute in (
        ("fuel", capi, "set_fuel"),
        ("fuel", capi.FuelLeft, "__call__"),
        ("interrupts", capi, "set_epoch_deadline"),
        ("interrupts", capi, "on_epoch_deadline"),
        ("interrupts", Ticker, "epochs_until"),
    ):
        monkeypatch.setattr(place, attribute, note(name, getattr(place, attribute)))
    store, exports = guest(wasmtime(**options))
    store.begin(CallBudget())
    exports["host"].call(20)
    store.end()
    assert touched == {name for name in ("fuel", "interrupts") if options[name]}


NANS = """(module
  (func (export "plus") (param i64) (result i64)
    (i64.reinterpret_f64 (f64.add (f64.reinterpret_i64 (local.get 0)) (f64.const 1))))
  (func (export "madd") (param i64) (result i64)
    (i64x2.extract_lane 0 (f64x2.relaxed_madd
      (f64x2.splat (f64.reinterpret_i64 (local.get 0))) (f64x2.splat (f64.const 2)) (f64x2.splat (f64.const 3))))))"""
CANONICAL, PAYLOAD = 0x7FF8_0000_0000_0000, 0x7FF8_0000_0000_1234


def test_nans_are_canonical_where_results_are_to_be_the_same(options: dict[str, bool]) -> None:
    chosen = wasmtime(**options)
    exports: Any = chosen.new_store().instantiate(chosen.compile(wat(NANS)), {}).exports
    for name in ("plus", "madd"):
        (found,) = exports[name].call(PAYLOAD)
        if options["deterministic"]:
            assert found & ~(1 << 63) == CANONICAL
        assert found & CANONICAL == CANONICAL  # an arithmetic NaN, which is all that the specification says (4.3.3)


def test_the_cache_tells_all_combinations_apart(cache: ModuleCache) -> None:
    for options in (*COMBINATIONS, *COMBINATIONS):
        store, exports = guest(registry.engine("wasmtime", EngineOptions(cache, **options)))
        assert exports["fib"].call(10) == (55,)
        assert (store.fuel_consumed is not None) is options["fuel"]
    assert cache.entries.contents().entries == len(COMBINATIONS)


def test_a_rewritten_module_grows_alike(options: dict[str, bool]) -> None:
    binary = wat(
        '(module (memory $a 1 5) (memory $b 1 5) (func (export "f") (param i32) (result i32)'
        " (memory.grow $b (local.get 0))))"
    )
    chosen = wasmtime(**options)
    exports: Any = chosen.new_store().instantiate(chosen.compile(binary), {}).exports
    assert [exports["f"].call(it) for it in (1, 3, 9)] == [(1,), (2,), (0xFFFF_FFFF,)]


# --- variants of one engine


def test_the_counting_variant_is_made_when_it_is_needed_and_once() -> None:
    variants = EngineVariants.named("wasmtime", EngineOptions(fuel=False))
    assert Capability.FUEL not in variants.usual.capabilities
    assert variants.differ
    counting = variants.counting()
    assert counting.capabilities == variants.usual.capabilities | {Capability.FUEL}
    assert variants.counting() is counting


@pytest.mark.parametrize("name", ENGINES)
def test_an_engine_that_counts_has_no_other_variant(name: str) -> None:
    variants = EngineVariants.named(name, EngineOptions())
    assert not variants.differ
    assert variants.counting() is variants.usual


def test_options_are_kept_by_the_variant() -> None:
    options = EngineOptions(fuel=False, interrupts=False, deterministic=False)
    assert asdict(options)["fuel"] is False
    counting = EngineVariants.named("wasmtime", options).counting()
    assert counting.capabilities == {Capability.FUEL, Capability.PARALLEL}
    with pytest.raises(WasmError):
        counting.compile(b"\0asm")
