"""Budgets of the reference engine, beside wasmtime's where both can do it."""

from __future__ import annotations

import subprocess
import sys
from time import monotonic
from typing import Any

import pytest
from support.engines import ENGINES, Guest, engine, host_imports
from support.wasm import wat

from zenowasm.backends.protocol import Budget, Capability, FuncType, MemType, TableType
from zenowasm.interp.errors import DecodeError, LimitError, LinkError, Trap, TrapCode, ValidationError
from zenowasm.interp.types import FUNCREF, I32, Limits

LOOPS = """(module
  (import "env" "back" (func $back))
  (func (export "forever") loop br 0 end)
  (func $recurse (export "recurse") (param i32) local.get 0 if local.get 0 i32.const 1 i32.sub call $recurse end)
  (func (export "count") (param i32) (result i32)
    loop local.get 0 i32.const 1 i32.sub local.tee 0 br_if 0 end local.get 0)
  (func (export "nothing"))
  (func (export "around") call $back)
  (func (export "around forever") loop call $back br 0 end))"""


def loops(name: str, budget: Budget, body: Any = None) -> Guest:
    imports = host_imports({"back": (FuncType(), body or (lambda caller, arguments: ()))})
    return Guest(wat(LOOPS), name, budget=budget, imports=imports)


@pytest.mark.parametrize("name", ENGINES)
def test_capabilities(name: str) -> None:
    assert Capability.FUEL in engine(name).capabilities
    assert Capability.STEPPING in engine("reference").capabilities


@pytest.mark.parametrize("name", ENGINES)
def test_an_endless_loop_ends_with_its_fuel(name: str) -> None:
    guest = loops(name, Budget(fuel=1000))
    for _ in range(2):
        before = guest.store.fuel_consumed
        with pytest.raises(Trap) as caught:
            guest("forever")
        assert caught.value.code is TrapCode.OUT_OF_FUEL
        assert 900 <= guest.store.fuel_consumed - before <= 1100
    guest("nothing")


@pytest.mark.parametrize("name", ENGINES)
def test_endless_recursion_ends_with_its_fuel(name: str) -> None:
    guest = loops(name, Budget(fuel=200))
    with pytest.raises(Trap) as caught:
        guest("recurse", 1000)
    assert caught.value.code is TrapCode.OUT_OF_FUEL


@pytest.mark.parametrize("name", ENGINES)
def test_an_endless_loop_ends_with_its_time(name: str) -> None:
    guest = loops(name, Budget(seconds=0.1))
    begin = monotonic()
    with pytest.raises(Trap) as caught:
        guest("forever")
    assert caught.value.code is TrapCode.INTERRUPTED
    assert 0.09 <= monotonic() - begin < 5
    guest("nothing")


@pytest.mark.parametrize("name", ENGINES)
def test_the_time_of_host_functions_counts(name: str) -> None:
    def slow(caller: Any, arguments: Any) -> tuple[()]:
        end = monotonic() + 0.06
        while monotonic() < end:
            pass
        return ()

    guest = loops(name, Budget(seconds=0.1), slow)
    with pytest.raises(Trap) as caught:
        guest("around forever")
    assert caught.value.code is TrapCode.INTERRUPTED


@pytest.mark.parametrize("name", ENGINES)
def test_each_outermost_call_has_the_whole_budget(name: str) -> None:
    guest = loops(name, Budget(fuel=60))
    for _ in range(5):
        guest("count", 10)
    with pytest.raises(Trap):
        guest("count", 100)
    guest("count", 10)


@pytest.mark.parametrize("name", ENGINES)
def test_calls_back_into_the_guest_share_the_outermost_budget(name: str) -> None:
    codes = []

    def back(caller: Any, arguments: Any) -> tuple[()]:
        try:
            caller.export("forever").call()
        except Trap as trap:
            codes.append(trap.code)
            raise
        return ()

    guest = loops(name, Budget(fuel=500), back)
    before = guest.store.fuel_consumed
    with pytest.raises(Trap) as caught:
        guest("around")
    assert caught.value.code is TrapCode.OUT_OF_FUEL
    assert codes == [TrapCode.OUT_OF_FUEL]
    assert guest.store.fuel_consumed - before < 600


@pytest.mark.parametrize("name", ENGINES)
def test_no_budget_is_no_bound(name: str) -> None:
    guest = loops(name, Budget())
    assert guest("count", 20_000) == (0,)


def test_the_fuel_at_which_a_call_ends_is_the_same_on_both_engines() -> None:
    def finishes(name: str, fuel: int) -> bool:
        guest = loops(name, Budget(fuel=fuel))
        return guest.outcome("count", 5).trap is None

    for fuel in range(1, 40):
        assert finishes("reference", fuel) == finishes("wasmtime", fuel), fuel


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize(
    ("binary", "error"),
    [
        (b"", DecodeError),
        (b"(module)", DecodeError),
        (b"\0asm\1\0\0\0\xff", DecodeError),
        (b"\0asm\1\0\0\0\3\2\1\0", (DecodeError, ValidationError)),
        (b"\0asm\1\0\0\0\1\xff\xff\xff\xff\x0f\0", (DecodeError, LimitError)),
    ],
)
def test_what_is_no_module_is_refused(name: str, binary: bytes, error: Any) -> None:
    with pytest.raises(error):
        engine(name).compile(binary)


def test_the_reference_engine_works_without_wasmtime() -> None:
    code = (
        "import sys; sys.modules['wasmtime'] = None\n"
        "from zenowasm.backends.registry import BackendError, engine\n"
        "found = engine('reference')\n"
        "found.new_store().instantiate(found.compile(b'\\0asm\\1\\0\\0\\0'), {})\n"
        "try: engine('wasmtime')\n"
        "except BackendError as error: assert 'pip install' in str(error)\n"
        "else: raise AssertionError"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_types_of_host_functions_are_kept() -> None:
    for name in ENGINES:
        store = engine(name).new_store()
        made = store.host_function(FuncType((I32,), (I32,)), lambda caller, arguments: arguments)
        assert made.type == FuncType((I32,), (I32,))
        assert made.call(-1) == (0xFFFFFFFF,)
        assert made.call(7) == (7,)


# -- what both engines refuse --


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("type_", [MemType(Limits(2, 1)), MemType(Limits(0, 70_000)), TableType(FUNCREF, Limits(2, 1))])
def test_sizes_that_no_module_could_declare_are_refused(name: str, type_: Any) -> None:
    store = engine(name).new_store()
    with pytest.raises(ValueError, match="limits"):
        store.new_memory(type_) if isinstance(type_, MemType) else store.new_table(type_)


@pytest.mark.parametrize("name", ENGINES)
def test_what_lives_in_another_store_cannot_be_imported(name: str) -> None:
    foreign = engine(name).new_store().host_function(FuncType(), lambda caller, arguments: ())
    with pytest.raises(LinkError):
        Guest(wat(LOOPS), name, imports=lambda store: {("env", "back"): foreign})


@pytest.mark.parametrize("name", ENGINES)
def test_a_recursion_error_of_a_host_function_is_its_own(name: str) -> None:
    raised = RecursionError("of the host")

    def back(caller: Any, arguments: Any) -> Any:
        raise raised

    with pytest.raises(RecursionError) as caught:
        loops(name, Budget(), back)("around")
    assert caught.value is raised
