"""The host module ``spectest``, from which the official suite's scripts import (``interpreter/host/spectest.ml``)."""

from __future__ import annotations

from collections.abc import Sequence

from zenowasm.backends.protocol import (
    Caller,
    Extern,
    FuncType,
    GlobalType,
    MemType,
    Store,
    TableType,
    Value,
)
from zenowasm.interp.types import F32, F64, FUNCREF, I32, I64, Limits, ResultType, ValType

NAME = "spectest"

_PRINTS: dict[str, ResultType] = {
    "print": (),
    "print_i32": (I32,),
    "print_i64": (I64,),
    "print_f32": (F32,),
    "print_f64": (F64,),
    "print_i32_f32": (I32, F32),
    "print_f64_f64": (F64, F64),
}
_GLOBALS: dict[str, tuple[ValType, Value]] = {
    "global_i32": (I32, 666),
    "global_i64": (I64, 666),
    "global_f32": (F32, 666.6),
    "global_f64": (F64, 666.6),
}


def _discard(caller: Caller, arguments: tuple[Value, ...]) -> Sequence[Value]:
    return ()


def spectest(store: Store) -> dict[str, Extern]:
    """Create the module's externs in a store; their output is dropped, because no script checks it."""
    externs: dict[str, Extern] = {
        name: store.host_function(FuncType(parameters), _discard) for name, parameters in _PRINTS.items()
    }
    for name, (type_, value) in _GLOBALS.items():
        externs[name] = store.new_global(GlobalType(type_), value)
    externs["table"] = store.new_table(TableType(FUNCREF, Limits(10, 20)))
    externs["table64"] = store.new_table(TableType(FUNCREF, Limits(10, 20), I64))
    externs["memory"] = store.new_memory(MemType(Limits(1, 2)))
    return externs
