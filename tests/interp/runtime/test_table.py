"""Tables and globals as the host sees them; the same for every engine."""

# ruff: noqa: E501 - modules in the text format are easier to read in one line

from __future__ import annotations

from typing import Any

import pytest
from support.engines import ENGINES, Guest, engine
from support.wasm import wat

from zenowasm.backends.protocol import ExecutionLimits, ExternRef, GlobalType, TableType
from zenowasm.interp.errors import LimitError
from zenowasm.interp.types import EXTERNREF, F32, FUNCREF, I32, Limits


def new_table(name: str, minimum: int, maximum: int | None = None, element: Any = EXTERNREF, value: Any = None) -> Any:
    store = engine(name).new_store(ExecutionLimits(table_elements=10))
    return store.new_table(TableType(element, Limits(minimum, maximum)), value)


@pytest.mark.parametrize("name", ENGINES)
class TestTable:
    def test_holds_references(self, name: str) -> None:
        table = new_table(name, 3, value=ExternRef("first"))
        assert [table.get(index).value for index in range(3)] == ["first"] * 3
        table.set(1, ExternRef("second"))
        table.set(2, None)
        assert [table.get(0).value, table.get(1).value, table.get(2)] == ["first", "second", None]

    @pytest.mark.parametrize("index", [3, -1, 1 << 40])
    def test_refuses_indexes_outside(self, name: str, index: int) -> None:
        table = new_table(name, 3)
        with pytest.raises(IndexError):
            table.get(index)
        with pytest.raises(IndexError):
            table.set(index, None)

    def test_refuses_what_does_not_fit(self, name: str) -> None:
        table = new_table(name, 3, element=FUNCREF)
        for value in (ExternRef(1), 5, "x"):
            with pytest.raises(TypeError):
                table.set(0, value)
            with pytest.raises(TypeError):
                table.grow(1, value)
        assert table.size == 3

    def test_grows_up_to_its_maximum(self, name: str) -> None:
        table = new_table(name, 1, 3)
        assert [table.grow(3, None), table.grow(2, ExternRef(5)), table.grow(1, None), table.grow(0, None)] == [
            -1,
            1,
            -1,
            3,
        ]
        assert table.get(2).value == 5
        assert table.type == TableType(EXTERNREF, Limits(3, 3))

    def test_grows_up_to_the_stores_limit(self, name: str) -> None:
        table = new_table(name, 1)
        assert [table.grow(10, None), table.grow(9, None), table.grow(1, None)] == [-1, 1, -1]

    def test_never_grows_backwards(self, name: str) -> None:
        table = new_table(name, 3)
        with pytest.raises(ValueError, match="grow"):
            table.grow(-2, None)
        assert [table.grow(8, None), table.grow(7, None)] == [-1, 3], "the limit moved"

    def test_a_table_beyond_the_limit_is_refused(self, name: str) -> None:
        with pytest.raises(LimitError):
            new_table(name, 11)
        with pytest.raises(LimitError):
            Guest(wat("(module (table 11 funcref))"), name, limits=ExecutionLimits(table_elements=10))

    def test_functions_can_be_called_through_it(self, name: str) -> None:
        guest = Guest(
            wat(
                '(module (table (export "t") 2 funcref) (elem (i32.const 0) $a) (func $a (export "a") (result i32) i32.const 4) (func (export "call") (param i32) (result i32) local.get 0 call_indirect (result i32)))'
            ),
            name,
        )
        assert guest["t"].get(0).call() == (4,)
        guest["t"].set(1, guest["a"])
        assert guest("call", 1) == (4,)


@pytest.mark.parametrize("name", ENGINES)
class TestGlobal:
    def test_mutable(self, name: str) -> None:
        variable = engine(name).new_store().new_global(GlobalType(I32, True), -1)
        assert variable.get() == 2**32 - 1
        variable.set(5)
        assert variable.get() == 5
        for misfit in ("x", None, 1.5, 1 << 32):
            with pytest.raises((TypeError, ValueError)):
                variable.set(misfit)
        assert variable.get() == 5
        assert variable.type == GlobalType(I32, True)

    def test_immutable(self, name: str) -> None:
        constant = engine(name).new_store().new_global(GlobalType(F32), 0.1)
        assert constant.get() == 0.10000000149011612
        with pytest.raises(TypeError, match="immutable"):
            constant.set(0.0)

    def test_misfits_are_refused(self, name: str) -> None:
        store = engine(name).new_store()
        with pytest.raises((TypeError, ValueError)):
            store.new_global(GlobalType(I32), "x")
        with pytest.raises((TypeError, ValueError)):
            store.new_global(GlobalType(FUNCREF), 0)
