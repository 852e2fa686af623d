"""The same mistake of an embedder gives the same sentence on every engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from support.engines import ENGINES, Guest, engine
from support.wasm import wat

from zenowasm.backends.protocol import FuncType, GlobalType, MemType
from zenowasm.interp.errors import LinkError
from zenowasm.interp.types import I32, I64, Limits

IMPORTS = {
    "function": '(import "env" "it" (func (param i32)))',
    "memory": '(import "env" "it" (memory 2))',
    "global": '(import "env" "it" (global i32))',
}


def plain(_: Any) -> int:
    return 1


def given(kind: str, store: Any, other: Any) -> Any:
    match kind:
        case "nothing":
            return None
        case "a function":
            return plain
        case "a number":
            return 5
        case "another store's":
            return other.new_global(GlobalType(I32), 1)
        case "another type":
            return store.host_function(FuncType((I64,)), lambda *_: ())
        case _:
            return store.new_memory(MemType(Limits(1)))


def linking(kind: str, wanted: str, name: str) -> str:
    chosen = engine(name)
    store = chosen.new_store()
    extern = given(kind, store, chosen.new_store())
    imports = {} if extern is None else {("env", "it"): extern}
    with pytest.raises((LinkError, TypeError)) as caught:
        store.instantiate(chosen.compile(wat(f"(module {IMPORTS[wanted]})")), imports)
    return f"{type(caught.value).__name__}: {caught.value}".replace(repr(plain), "PLAIN")


@pytest.mark.parametrize(
    ("kind", "wanted", "sentence"),
    [
        ("nothing", "function", "LinkError: unknown import: env.it of type (func (param i32))"),
        ("a function", "function",
         "TypeError: the import env.it of type (func (param i32)) is given as PLAIN: make one with "
         "Store.host_function"),
        ("a number", "global",
         "TypeError: the import env.it of type (global i32) is given as 5: expected an export, or what a store makes"),
        ("another store's", "global", "LinkError: incompatible import type: env.it belongs to another store"),
        ("another type", "function", "LinkError: incompatible import type: env.it is expected to be "
         "(func (param i32)) and is (func (param i64))"),
        ("too small", "memory",
         "LinkError: incompatible import type: env.it is expected to be (memory 2) and is (memory 1)"),
        ("too small", "function",
         "LinkError: incompatible import type: env.it is expected to be (func (param i32)) and is (memory 1)"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ENGINES)
def test_imports(name: str, kind: str, wanted: str, sentence: str) -> None:
    assert linking(kind, wanted, name) == sentence


CALLS: dict[str, Callable[[Guest], object]] = {
    "a function of type (func (param i32) (result i32)) was called with 2 arguments": lambda it: it("f", 1, 2),
    "a function of type (func (param i32) (result i32)) was called with 0 arguments": lambda it: it("f"),
    "10 bytes at 65530 are not inside the memory of 65536 bytes": lambda it: it["m"].read(65530, 10),
    "1 bytes at -1 are not inside the memory of 65536 bytes": lambda it: it["m"].write(-1, b"x"),
    "index 3 is not inside the table of 3 elements": lambda it: it["t"].get(3),
    "index -1 is not inside the table of 3 elements": lambda it: it["t"].set(-1, None),
    "cannot grow by -1": lambda it: it["m"].grow(-1),
}


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("sentence", CALLS)
def test_calls_and_bounds(name: str, sentence: str) -> None:
    guest = Guest(
        wat("""(module (memory (export "m") 1) (table (export "t") 3 funcref)
                 (func (export "f") (param i32) (result i32) (local.get 0)))"""),
        name,
    )  # fmt: skip
    with pytest.raises((TypeError, ValueError, IndexError)) as caught:
        CALLS[sentence](guest)
    assert str(caught.value) == sentence


@pytest.mark.parametrize("name", ENGINES)
def test_a_module_is_shown_in_one_line(name: str) -> None:
    functions = "".join(f'(func (export "f{number}"))' for number in range(500))
    module = engine(name).compile(wat(f'(module (import "a" "b" (func)) {functions})'))
    assert repr(module) == "<WebAssembly module: 1 imports, 500 exports>"


class Index:
    """Not an integer, though `struct` takes it for one."""

    def __index__(self) -> int:
        return 5


@pytest.mark.parametrize("name", ENGINES)
def test_what_is_no_integer_is_no_argument(name: str) -> None:
    guest = Guest(wat('(module (func (export "f") (param i32) (result i32) (local.get 0)))'), name)
    with pytest.raises(TypeError) as caught:
        guest["f"].call(Index())
    assert str(caught.value) == "i32 takes an int, not Index"
    assert guest["f"].call(True) == (1,)


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("returned", [(Index(),), iter([5]), 5, None, (5, 5), (), "5"])
def test_what_is_no_result_of_a_host_function(name: str, returned: Any) -> None:
    chosen = engine(name)
    store = chosen.new_store()
    function = store.host_function(FuncType((), (I32,)), lambda caller, arguments: returned)
    text = '(module (import "" "f" (func $f (result i32))) (func (export "g") (result i32) (call $f)))'
    exports: Any = store.instantiate(chosen.compile(wat(text)), {("", "f"): function}).exports
    with pytest.raises(TypeError):
        exports["g"].call()
