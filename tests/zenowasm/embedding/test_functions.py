from __future__ import annotations

import asyncio

import pytest

from zenowasm import Exhaustion, Function, Instance, LinkError, Store, Trap, TrapCode, pass_caller

CALLS = """(module
  (import "env" "f" (func $f (param i32 i64) (result i32)))
  (memory (export "memory") 1)
  (func (export "call") (param i32 i64) (result i32) (call $f (local.get 0) (local.get 1)))
  (func (export "neg") (result i32) (i32.const -5))
  (func (export "many") (result i32 i64 f64) (i32.const -1) (i64.const -2) (f64.const 1.5))
  (func (export "none"))
  (func $deep (export "deep") (call $deep))
  (func (export "spin") (loop $again (br $again)))
  (func (export "trap") unreachable))"""


def product(a, b):
    return a * b


def test_results(run) -> None:
    exports = run(CALLS, {"env": {"f": product}})
    assert exports.neg() == -5
    assert exports["neg"].unsigned() == 0xFFFF_FFFB
    assert exports.many() == (-1, -2, 1.5)
    assert exports.many.unsigned() == (0xFFFF_FFFF, 0xFFFF_FFFF_FFFF_FFFE, 1.5)
    assert exports.none() is None


@pytest.mark.parametrize("given", [-3, 0xFFFF_FFFD])
def test_integers_are_given_either_way_and_read_signed(run, given) -> None:
    seen = []
    exports = run(CALLS, {"env": {"f": lambda a, b: seen.append((a, b)) or a}})
    assert exports.call(given, 1 << 63) == -3
    assert seen == [(-3, -(1 << 63))]


def test_integers_of_other_libraries(run) -> None:
    class Integer:
        def __index__(self):
            return 7

    assert run(CALLS, {"env": {"f": product}}).call(Integer(), 2) == 14


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((), TypeError, r"call\(\) takes 2 arguments, not 0: \(func \(param i32 i64\) \(result i32\)\)"),
        ((1, "x"), TypeError, r"call\(\), argument 2: i64 takes an int, not str"),
        ((1.5, 1), TypeError, r"call\(\), argument 1: i32 takes an int, not float"),
        ((1 << 32, 1), ValueError, r"call\(\), argument 1: 4294967296 does not fit into i32"),
    ],
)
def test_arguments_that_do_not_fit(run, arguments, error, message) -> None:
    with pytest.raises(error, match=message):
        run(CALLS, {"env": {"f": product}}).call(*arguments)


@pytest.mark.parametrize(
    ("returned", "error", "message"),
    [
        (None, TypeError, r"env.f\(\) returned a value that does not fit: i32 takes an int, not NoneType"),
        ("x", TypeError, r"env.f\(\) returned a value that does not fit: i32 takes an int, not str"),
        (1 << 40, ValueError, r"env.f\(\) returned a value that does not fit"),
    ],
)
def test_what_a_host_function_may_not_return(run, returned, error, message) -> None:
    with pytest.raises(error, match=message):
        run(CALLS, {"env": {"f": lambda a, b: returned}}).call(1, 2)


@pytest.mark.parametrize(
    ("results", "returned", "message"),
    [
        ("", 1, r"env.f\(\) returned int, and its type \(func\) has no result"),
        ("i32 i32", 1, r"env.f\(\) returned int, and its type \(func \(result i32 i32\)\) has 2 results"),
        ("i32 i32", (1,), r"env.f\(\) returned tuple, and"),
    ],
)
def test_the_number_of_results_of_a_host_function(run, results, returned, message) -> None:
    drops = "drop " * len(results.split())
    imported = f'(import "env" "f" (func $f (result {results})))'
    text = f'(module {imported} (func (export "g") call $f {drops}))'
    with pytest.raises(TypeError, match=message):
        run(text, {"env": {"f": lambda: returned}}).g()


def test_an_exception_of_the_host_arrives_as_it_is(run) -> None:
    error = KeyError("mine")

    def fail(a, b):
        raise error

    with pytest.raises(KeyError) as raised:
        run(CALLS, {"env": {"f": fail}}).call(1, 2)
    assert raised.value is error


def test_what_ends_a_guest(run) -> None:
    exports = run(CALLS, {"env": {"f": product}})
    with pytest.raises(Trap, match="unreachable") as trap:
        exports.trap()
    assert trap.value.code is TrapCode.UNREACHABLE
    with pytest.raises(Exhaustion):
        exports.deep()
    assert exports.neg() == -5


@pytest.mark.parametrize(
    ("budget", "code"), [({"fuel": 1000}, TrapCode.OUT_OF_FUEL), ({"timeout": 0.05}, TrapCode.INTERRUPTED)]
)
def test_bounds_of_a_call(engine, budget, code) -> None:
    with Store(engine=engine, **budget) as store:
        exports = Instance(CALLS, {"env": {"f": product}}, store).exports
        for _ in range(2):  # each call has its own
            with pytest.raises(Trap) as trap:
                exports.spin()
            assert trap.value.code is code
        assert exports.neg() == -5


def test_a_host_function_of_a_type_that_python_says(store) -> None:
    function = Function(store, lambda a: (a, -a), ["i64"], ["i64", "i64"])
    assert function(3) == (3, -3)
    assert repr(Function(store, product, ["i32"], [])) == "<Function product: (func (param i32))>"
    with pytest.raises(ValueError, match="unknown type 'int32': did you mean i32"):
        Function(store, product, ["int32"])


def test_a_host_function_looks_at_its_caller(run) -> None:
    kept = []

    @pass_caller
    def peek(caller, address, _):
        kept.append(caller)
        with pytest.raises(KeyError):
            caller["nothing"]
        return caller["memory"].load("i32", address)

    exports = run(CALLS, {"env": {"f": peek}})
    exports.memory.store("i32", 8, -77)
    assert exports.call(8, 0) == -77
    with pytest.raises(KeyError):
        kept[0]["memory"]


def test_calls_inside_one_another(run) -> None:
    found = {}
    exports = run(CALLS, {"env": {"f": lambda a, b: a if a == 0 else found["call"](a - 1, b) + 1}})
    found["call"] = exports.call
    assert exports.call(10, 0) == 10


def test_host_functions_may_be_coroutines(engine) -> None:
    async def slow(a, b):
        await asyncio.sleep(0.001)
        return a + b

    async def several():
        with Store(engine=engine) as store:
            call = Instance(CALLS, {"env": {"f": slow}}, store).exports.call
            return await asyncio.gather(*(call.call_async(n, 1) for n in range(5)))

    assert asyncio.run(several()) == [1, 2, 3, 4, 5]


def test_a_coroutine_without_an_event_loop_is_refused(run) -> None:
    async def slow(a, b):
        return a

    with pytest.raises(TypeError, match=r"env.f\(\) is a coroutine: call the guest with call_async"):
        run(CALLS, {"env": {"f": slow}}).call(1, 2)


def test_the_event_loop_goes_on_while_a_guest_runs(engine) -> None:
    ran = []

    async def other():
        ran.append(True)
        return 1

    async def both():
        async def waits(a, b):
            while not ran:
                await asyncio.sleep(0.001)
            return 5

        with Store(engine=engine) as store:
            call = Instance(CALLS, {"env": {"f": waits}}, store).exports.call
            return await asyncio.gather(call.call_async(1, 2), other())

    assert asyncio.run(both()) == [5, 1]


def test_cancelling_reaches_the_coroutine_and_leaves_the_store_in_order(engine) -> None:
    cancelled = []

    async def never(a, b):
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            cancelled.append(True)
            raise

    async def cancel():
        with Store(engine=engine) as store:
            exports = Instance(CALLS, {"env": {"f": never}}, store).exports
            running = asyncio.ensure_future(exports.call.call_async(1, 2))
            await asyncio.sleep(0.05)
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running
            return await exports.neg.call_async()

    assert asyncio.run(cancel()) == -5
    assert cancelled == [True]


@pytest.mark.parametrize(
    ("imports", "message"),
    [
        (None, r"unknown import: env.f of type \(func \(param i32 i64\) \(result i32\)\)"),
        ({"env": {"ff": product}}, "did you mean ff"),
        ({"enf": {"f": product}}, "did you mean enf"),
        ({"env": {"f": 5}}, "incompatible import type: env.f is expected to be .* and is int"),
    ],
)
def test_imports_that_are_missing_or_do_not_fit(run, imports, message) -> None:
    with pytest.raises(LinkError, match=message):
        run(CALLS, imports)
