"""wasmtime's C interface, where wasmtime-py's public one would lose something.

wasmtime-py converts values through C floats, which quiets signalling NaNs, has no vectors, keeps functions received
by a host function only until it returns, and aborts the process on types that it does not know. Everything here
works on ``wasmtime_val_t`` and ``wasm_valtype_t`` themselves; nothing outside of this module touches a private name
of wasmtime-py.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from ctypes import POINTER, byref
from typing import Any, TypeAlias

import wasmtime
from wasmtime import _ffi as ffi

from zenowasm.interp.numerics.floats import f32_from_bits, f32_to_bits
from zenowasm.interp.types import (
    EXTERNREF,
    F32,
    F64,
    FUNCREF,
    I32,
    I64,
    V128,
    AbsHeapType,
    ExternType,
    FuncType,
    GlobalType,
    Limits,
    MemType,
    RefType,
    ResultType,
    TableType,
    ValType,
)

RawValues: TypeAlias = Any
"""A C array of ``wasmtime_val_t``."""
Failure: TypeAlias = wasmtime.Trap | wasmtime.WasmtimeError | None

_NUMBERS: tuple[ValType, ...] = (I32, I64, F32, F64, V128)
"""By ``wasmtime_valtype_kind_t``; the kind after these is a reference."""
_HEAPS = {
    0: AbsHeapType.EXTERN,
    1: AbsHeapType.NOEXTERN,
    2: AbsHeapType.FUNC,
    4: AbsHeapType.NOFUNC,
    5: AbsHeapType.ANY,
    6: AbsHeapType.NONE,
    7: AbsHeapType.EQ,
    8: AbsHeapType.I31,
    9: AbsHeapType.ARRAY,
    11: AbsHeapType.STRUCT,
    13: AbsHeapType.EXN,
    15: AbsHeapType.NOEXN,
}
"""By ``wasmtime_heaptype_kind_t``; the kinds left out are defined by a module."""
_EXTERNREF = ffi.WASMTIME_EXTERNREF.value
_KINDS: dict[ValType, int] = {
    I32: ffi.WASMTIME_I32.value,
    I64: ffi.WASMTIME_I64.value,
    F32: ffi.WASMTIME_F32.value,
    F64: ffi.WASMTIME_F64.value,
    V128: ffi.WASMTIME_V128.value,
    FUNCREF: ffi.WASMTIME_FUNCREF.value,
    EXTERNREF: _EXTERNREF,
}
_CONSTRUCTORS: dict[ValType, Callable[[], Any]] = {
    I32: lambda: ffi.wasm_valtype_new(ffi.WASM_I32),
    I64: lambda: ffi.wasm_valtype_new(ffi.WASM_I64),
    F32: lambda: ffi.wasm_valtype_new(ffi.WASM_F32),
    F64: lambda: ffi.wasm_valtype_new(ffi.WASM_F64),
    V128: ffi.wasmtime_wasm_valtype_v128,
    FUNCREF: lambda: ffi.wasm_valtype_new(ffi.WASM_FUNCREF),
    EXTERNREF: lambda: ffi.wasm_valtype_new(ffi.WASM_ANYREF),
}


def check_passable(*types: ValType) -> None:
    """Raise ``TypeError`` unless values of these types can pass between Python and wasmtime."""
    for type in types:
        if type not in _KINDS:
            raise TypeError(f"the wasmtime backend cannot pass values of type {type} between the host and the guest")


def extern_type(type: Any) -> ExternType:
    """Translate a type of wasmtime-py; raises ``TypeError`` when it has no counterpart here."""
    match type:
        case wasmtime.FuncType():
            return FuncType(tuple(map(_value_type, type.params)), tuple(map(_value_type, type.results)))
        case wasmtime.TableType():
            element = _value_type(type.element)
            if isinstance(element, RefType):
                return TableType(element, Limits(type.limits.min, type.limits.max))
        case wasmtime.MemoryType():
            return MemType(Limits(type.limits.min, type.limits.max))
        case wasmtime.GlobalType():
            return GlobalType(_value_type(type.content), bool(type.mutable))
    raise TypeError(f"the wasmtime backend cannot represent a {type.__class__.__name__}")


def _value_type(type: wasmtime.ValType) -> ValType:
    # `wasm_valtype_kind`, behind wasmtime-py's names, aborts the process on all but six types.
    described = ffi.wasmtime_valtype_t()
    ffi.wasmtime_valtype_new(type.ptr(), byref(described))
    try:
        if described.kind < len(_NUMBERS):
            return _NUMBERS[int(described.kind)]
        reference = described.reftype
        heap = _HEAPS.get(reference.heaptype.kind)
        if heap is None:
            raise TypeError("the wasmtime backend cannot represent references to types that a module defines")
        return RefType(bool(reference.nullable), heap)
    finally:
        ffi.wasmtime_valtype_delete(byref(described))


def raw_func_type(type: FuncType) -> wasmtime.FuncType:
    """Translate a function type; raises ``TypeError`` when its values cannot pass."""
    check_passable(*type.parameters, *type.results)
    vectors = []
    for types in (type.parameters, type.results):
        vector = ffi.wasm_valtype_vec_t()
        ffi.wasm_valtype_vec_new_uninitialized(byref(vector), len(types))
        for index, it in enumerate(types):
            vector.data[index] = _CONSTRUCTORS[it]()
        vectors.append(vector)
    return wasmtime.FuncType._from_ptr(ffi.wasm_functype_new(byref(vectors[0]), byref(vectors[1])), None)


def new_values(types: ResultType) -> RawValues:
    """Return values of zero or null, which need no release."""
    values = (ffi.wasmtime_val_t * len(types))()
    for value, type in zip(values, types, strict=True):
        value.kind = _KINDS[type]
    return values


def release(values: RawValues) -> None:
    """Let go of the host references among the values; wasmtime roots no others."""
    for value in values:
        if value.kind == _EXTERNREF:
            ffi.wasmtime_val_unroot(byref(value))


def get_number(value: Any, type: ValType) -> int | float:
    """Return a number or vector; integers are unsigned, NaNs keep their bits."""
    of = value.of
    if type is I32:
        return int(of.i32 & 0xFFFFFFFF)
    if type is I64:
        return int(of.i64 & 0xFFFFFFFFFFFFFFFF)
    if type is F32:
        return f32_from_bits(of.i32 & 0xFFFFFFFF)
    if type is F64:
        # A double is copied bit by bit, unlike the conversion between the two sizes.
        return float(of.f64)
    return int.from_bytes(bytes(of.v128), "little")


def set_number(value: Any, type: ValType, number: Any) -> None:
    """Set a number or vector that is known to fit its type."""
    of = value.of
    if type is I32:
        of.i32 = number
    elif type is I64:
        of.i64 = number
    elif type is F32:
        of.i32 = f32_to_bits(number)
    elif type is F64:
        of.f64 = number
    else:
        ctypes.memmove(byref(of), number.to_bytes(16, "little"), 16)


def get_function(value: Any) -> wasmtime.Func | None:
    """Return a function that outlives the value, or ``None`` for null."""
    function = value.of.funcref
    if not function.store_id:
        return None
    return wasmtime.Func._from_raw(ffi.wasmtime_func_t.from_buffer_copy(function))


def set_function(value: Any, function: wasmtime.Func) -> None:
    """Set a function."""
    value.of.funcref = function._func


def function_identity(function: wasmtime.Func) -> bytes:
    """Return the same bytes for the same function of a store."""
    return bytes(function._func)


def get_external(store: wasmtime.Store, value: Any) -> Any:
    """Return the Python object behind an externref, or ``None`` for null.

    Raises ``TypeError`` when there is neither, which a guest can make with ``extern.convert_any``.
    """
    item = wasmtime.Val._from_raw(store, value, owned=False).value
    if item is None and value.of.externref.store_id:
        raise TypeError("the wasmtime backend cannot pass an externref made by the guest")
    return item


def set_external(store: wasmtime.Store, value: Any, item: object) -> None:
    """Set an externref to a Python object; raises ``WasmtimeError`` when the store has no room for one more."""
    value.of = wasmtime.Val.externref(item)._new_raw(store).of


def call(store: wasmtime.Store, function: wasmtime.Func, arguments: RawValues, results: RawValues) -> Failure:
    """Call a function and return what stopped it."""
    trap = POINTER(ffi.wasm_trap_t)()
    error = ffi.wasmtime_func_call(
        store._context(), byref(function._func), arguments, len(arguments), results, len(results), byref(trap)
    )
    if error:
        return wasmtime.WasmtimeError._from_ptr(error)
    return wasmtime.Trap._from_ptr(trap) if trap else None


HostEntry: TypeAlias = Callable[[int, wasmtime.Caller, RawValues, RawValues], wasmtime.Trap | None]
"""What runs when a guest calls a host function: from its number, the caller, arguments and results to a trap."""


def host_callback(entry: HostEntry) -> Any:
    """Return the C function for ``entry``, which must not raise; it must live as long as the store."""

    def callback(number: int | None, caller: Any, arguments: Any, _n: int, results: Any, _m: int) -> int:
        caller = wasmtime.Caller(caller)
        try:
            trap = entry(number or 0, caller, arguments, results)
        finally:
            caller._invalidate()
        return 0 if trap is None else int(ctypes.cast(trap._consume(), ctypes.c_void_p).value or 0)

    return ffi.wasmtime_func_callback_t(callback)


def check_python_stack(frames: int = 40) -> None:
    """Raise ``RecursionError`` unless Python can still enter a host function and leave it again.

    ``host_callback`` cannot report that it could not be entered: ctypes would return an undefined pointer.
    """
    if frames:
        check_python_stack(frames - 1)


def new_trap(code: wasmtime.TrapCode) -> wasmtime.Trap:
    """Return a trap with a code, for a host function to stop its caller with."""
    return wasmtime.Trap._from_ptr(ffi.wasmtime_trap_new_code(code.value))


_NO_FINALIZER = ctypes.CFUNCTYPE(None, ctypes.c_void_p)()


def new_host_function(store: wasmtime.Store, type: FuncType, callback: Any, number: int) -> wasmtime.Func:
    """Create a function that runs ``callback`` with ``number``."""
    function = ffi.wasmtime_func_t()
    raw_type = raw_func_type(type)
    ffi.wasmtime_func_new(store._context(), raw_type.ptr(), callback, number, _NO_FINALIZER, byref(function))
    return wasmtime.Func._from_raw(function)


def new_global(store: wasmtime.Store, type: GlobalType, value: Any) -> wasmtime.Global:
    """Create a global whose type can pass."""
    raw_type = wasmtime.GlobalType._from_ptr(
        ffi.wasm_globaltype_new(_CONSTRUCTORS[type.value](), ffi.WASM_VAR if type.mutable else ffi.WASM_CONST), None
    )
    raw = ffi.wasmtime_global_t()
    _check(ffi.wasmtime_global_new(store._context(), raw_type.ptr(), byref(value), byref(raw)))
    return wasmtime.Global._from_raw(raw)


def global_get(store: wasmtime.Store, variable: wasmtime.Global, value: Any) -> None:
    """Copy a global's value."""
    ffi.wasmtime_global_get(store._context(), byref(variable._global), byref(value))


def global_set(store: wasmtime.Store, variable: wasmtime.Global, value: Any) -> None:
    """Replace a global's value."""
    _check(ffi.wasmtime_global_set(store._context(), byref(variable._global), byref(value)))


def new_table(store: wasmtime.Store, type: TableType, value: Any) -> wasmtime.Table:
    """Create a table whose elements' type can pass; raises ``WasmtimeError`` when the store has no room for it."""
    element = wasmtime.ValType._from_ptr(_CONSTRUCTORS[type.element](), None)
    raw_type = wasmtime.TableType(element, wasmtime.Limits(type.limits.minimum, type.limits.maximum))
    raw = ffi.wasmtime_table_t()
    _check(ffi.wasmtime_table_new(store._context(), raw_type.ptr(), byref(value), byref(raw)))
    return wasmtime.Table._from_raw(raw)


def table_get(store: wasmtime.Store, table: wasmtime.Table, index: int, value: Any) -> bool:
    """Copy an element; return whether there is one."""
    return bool(ffi.wasmtime_table_get(store._context(), byref(table._table), index, byref(value)))


def table_set(store: wasmtime.Store, table: wasmtime.Table, index: int, value: Any) -> None:
    """Replace an element; raises ``WasmtimeError`` when there is none."""
    _check(ffi.wasmtime_table_set(store._context(), byref(table._table), index, byref(value)))


def table_grow(store: wasmtime.Store, table: wasmtime.Table, count: int, value: Any) -> int:
    """Add elements and return the former size; raises ``WasmtimeError`` when a limit forbids it."""
    former = ctypes.c_uint64(0)
    _check(ffi.wasmtime_table_grow(store._context(), byref(table._table), count, byref(value), byref(former)))
    return former.value


def memory_address(store: wasmtime.Store, memory: wasmtime.Memory) -> int:
    """Return where the memory's first byte is now; it moves when the memory grows."""
    return ctypes.cast(memory.data_ptr(store), ctypes.c_void_p).value or 0


def _check(error: Any) -> None:
    if error:
        raise wasmtime.WasmtimeError._from_ptr(error)
