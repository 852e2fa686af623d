from __future__ import annotations

import threading

import pytest
from IPython.core.completer import IPCompleter, provisionalcompleter

from zenowasm import BackendError, ExecutionLimits, Instance, LimitError, Module, Store, Trap, ValidationError
from zenowasm.embedding.store import StoreClosedError, StoreInUseError

ADD = '(module $calc (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))'


def test_without_anything_else() -> None:
    with Instance(ADD) as instance:
        assert instance.exports.add(2, 3) == 5
    with pytest.raises(StoreClosedError, match="the store is closed"):
        instance.exports.add(2, 3)


def test_exports_are_a_mapping_with_attributes(run) -> None:
    exports = run('(module (func (export "add")) (func (export "no name")) (memory (export "memory") 1))')
    assert list(exports) == ["add", "no name", "memory"]
    assert {"add", "memory"} <= set(dir(exports))
    assert "no name" not in dir(exports)
    assert exports["no name"]() is None
    with pytest.raises(AttributeError, match="the instance exports no 'ad': did you mean add"):
        _ = exports.ad
    with pytest.raises(AttributeError, match="it exports nothing"):
        _ = run("(module)").zzz
    with pytest.raises(KeyError):
        exports["zzz"]


def test_exports_may_be_called_as_the_methods_of_mappings_are(run) -> None:
    exports = run(
        '(module (func (export "get") (result i32) (i32.const 1)) (func (export "keys") (result i32) (i32.const 2)))'
    )
    assert (exports.get(), exports.keys(), list(exports)) == (1, 2, ["get", "keys"])


def test_closing_twice(engine) -> None:
    store = Store(engine=engine)
    store.close()
    store.close()
    assert repr(store) == f"<Store on {engine}: closed>"


def test_instances_import_from_one_another(store) -> None:
    first = Instance(ADD, store=store)
    text = """(module (import "calc" "add" (func $a (param i32 i32) (result i32))) (func (export "f")
      (result i32) (call $a (i32.const 1) (i32.const 2))))"""
    for given in (first, first.exports, {"add": first.exports.add}):
        assert Instance(text, {"calc": given}, store).exports.f() == 3


def test_it_shows_its_exports(run, store, engine) -> None:
    instance = Instance(ADD, store=store)
    assert repr(instance) == f"<Instance of 'calc' on {engine}: add>"
    assert "(func (param i32 i32) (result i32))" in instance._repr_html_()
    assert repr(instance.exports) == "<Exports: add>"


def test_an_invalid_module_and_a_start_function_that_traps(run) -> None:
    with pytest.raises(ValidationError, match=r"type mismatch: i32 is expected, the block's stack is empty"):
        run("(module (func (result i32)))")
    with pytest.raises(Trap, match="unreachable"):
        run("(module (func $f unreachable) (start $f))")


def test_limits_of_a_store(engine) -> None:
    with (
        Store(engine=engine, limits=ExecutionLimits(memory_bytes=1 << 16)) as store,
        pytest.raises(LimitError, match="memory"),
    ):
        Instance("(module (memory 2))", store=store)


def test_fuel_is_counted_where_it_is_bounded(engine) -> None:
    with Store(engine=engine) as store:
        assert store.fuel_consumed is None
    with Store(engine=engine, fuel=100) as store:
        Instance(ADD, store=store).exports.add(1, 2)
        assert store.fuel_consumed == 4  # one for the entry, and one for each instruction but the end
        assert repr(store) == f"<Store on {engine}: 100 fuel a call>"


def test_engines() -> None:
    assert Store(engine="auto").engine.name == "wasmtime"
    with pytest.raises(BackendError, match="unknown backend 'wasmer': did you mean wasmtime"):
        Store(engine="wasmer")


def test_a_store_in_use_says_so(engine) -> None:
    inside, done = threading.Event(), threading.Event()

    def wait():
        inside.set()
        assert done.wait(20)

    with Store(engine=engine) as store:
        exports = Instance(
            '(module (import "e" "w" (func $w)) (func (export "f") (call $w)))', {"e": {"w": wait}}, store
        ).exports
        thread = threading.Thread(target=exports.f)
        thread.start()
        assert inside.wait(20)
        with pytest.raises(StoreInUseError, match="in a call of another thread"):
            exports.f()
        done.set()
        thread.join(20)
        assert not thread.is_alive()


def test_a_failed_instantiation_leaves_the_store_in_order(store) -> None:
    module = Module('(module (memory (export "m") 1) (data (i32.const 70000) "x"))')
    with pytest.raises(Trap, match="out of bounds memory access"):
        Instance(module, store=store)
    assert Instance(ADD, store=store).exports.add(2, 3) == 5


def test_completion_in_ipython(store) -> None:
    completer = IPCompleter(namespace={"calc": Instance(ADD, store=store)})
    with provisionalcompleter():
        assert "add" in [it.text.lstrip(".") for it in completer.completions("calc.exports.a", 14)]
