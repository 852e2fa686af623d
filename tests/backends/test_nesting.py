"""Hosts that call back into the guests that called them, on every engine."""

from __future__ import annotations

from typing import Any, cast

import pytest
from support.engines import ENGINES, Guest, host_imports
from support.wasm import wat

from zenowasm.backends.protocol import Caller, ExecutionLimits, Func
from zenowasm.interp.errors import HostExhaustion
from zenowasm.interp.types import I32, FuncType

SUM = """(module (import "env" "host" (func $host (param i32) (result i32)))
  (func (export "sum") (param i32) (result i32)
    (if (result i32) (local.get 0)
      (then (i32.add (local.get 0) (call $host (i32.sub (local.get 0) (i32.const 1)))))
      (else (i32.const 0)))))"""


def again(caller: Caller, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    return cast(Func, caller.export("sum")).call(*arguments)


def guest(engine: str, limits: ExecutionLimits | None = None) -> Guest:
    imports = host_imports({"host": (FuncType((I32,), (I32,)), again)})
    return Guest(wat(SUM), engine, limits=limits, imports=imports)


@pytest.mark.parametrize("engine", ENGINES)
def test_fifty_calls_back_into_the_guest(engine: str) -> None:
    assert guest(engine)("sum", 50) == (1275,)


@pytest.mark.parametrize("engine", ENGINES)
def test_the_limit_counts_exactly_and_names_itself(engine: str) -> None:
    limited = guest(engine, ExecutionLimits(nested_calls=3))
    assert limited("sum", 3) == (6,)
    with pytest.raises(HostExhaustion, match=r"call stack exhausted: .* 4 deep, and nested_calls is 3"):
        limited("sum", 4)
    assert limited("sum", 3) == (6,)


@pytest.mark.parametrize("engine", ENGINES)
def test_calls_of_the_host_alone_are_not_nested(engine: str) -> None:
    limited = guest(engine, ExecutionLimits(nested_calls=0))
    assert limited("sum", 0) == (0,)
    with pytest.raises(HostExhaustion):
        limited("sum", 1)
