"""Access to wasmtime's C interface where wasmtime-py's public interface is insufficient.

wasmtime-py converts values through C floats, which quiets signalling NaNs. It supports no vectors, and no references
except to functions and host objects. It keeps functions that a host function receives only until that returns, and
aborts the process on types that it does not know. The functions here work on ``wasmtime_val_t`` and ``wasm_valtype_t``
directly. No other module uses a private name of wasmtime-py.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from ctypes import POINTER, byref
from functools import partial
from typing import Any, Protocol, TypeAlias

import wasmtime
from attrs import frozen
from wasmtime import _ffi as ffi

from zenowasm.backends.wasmtime.callbacks import Callbacks
from zenowasm.interp.matching import top
from zenowasm.interp.numerics.floats import f32_from_bits, f32_to_bits
from zenowasm.interp.types import (
    F32,
    F64,
    I32,
    I64,
    V128,
    AbsHeapType,
    FuncType,
    GlobalType,
    RefType,
    ResultType,
    TableType,
    TagType,
    ValType,
)

RawValues: TypeAlias = Any
"""A C array of ``wasmtime_val_t``."""
Failure: TypeAlias = wasmtime.Trap | wasmtime.WasmtimeError | None

_NUMBERS: tuple[ValType, ...] = (I32, I64, F32, F64, V128)
"""By ``wasmtime_valtype_kind_t``, which equals ``wasmtime_valkind_t`` for numbers; the next kind is a reference."""
_NUMBER_KINDS: dict[ValType, int] = {type: kind for kind, type in enumerate(_NUMBERS)}
_REFERENCE_TYPE = len(_NUMBERS)
_FUNCREF, _EXTERNREF, _ANYREF, _EXNREF = range(len(_NUMBERS), len(_NUMBERS) + 4)
"""The hierarchies of references, by ``wasmtime_valkind_t``."""
_REFERENCE_KINDS = {
    AbsHeapType.FUNC: _FUNCREF,
    AbsHeapType.EXTERN: _EXTERNREF,
    AbsHeapType.ANY: _ANYREF,
    AbsHeapType.EXN: _EXNREF,
}
_DEADLINE_CALLBACK = ctypes.CFUNCTYPE(
    ctypes.c_size_t, POINTER(ffi.wasmtime_context_t), ctypes.c_void_p, POINTER(ctypes.c_uint64), POINTER(ctypes.c_uint8)
)
_VALUES = POINTER(ffi.wasmtime_val_t)
_NO_FINALIZER = ctypes.CFUNCTYPE(None, ctypes.c_void_p)()
_CONTINUE = 0
"""By ``wasmtime_update_deadline_kind_t``: the guest continues."""
_ROOTED = (_EXTERNREF, _ANYREF, _EXNREF)
"""The kinds of references that keep an object from being collected until the value is released."""

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
"""By ``wasmtime_heaptype_kind_t``."""
_DEFINED = {3: AbsHeapType.FUNC, 10: AbsHeapType.ARRAY, 12: AbsHeapType.STRUCT, 14: AbsHeapType.EXN}
"""The kinds of types that a module defines. The interface does not expose their recursive groups, which are part of
their identity, so such a type is read as its abstract supertype."""
_HEAP_KINDS = {heap: kind for kind, heap in _HEAPS.items()}


def function_type(type: wasmtime.FuncType) -> FuncType:
    """Translate a function type; types that a module defines become their abstract supertypes."""
    return FuncType(tuple(map(value_type, type.params)), tuple(map(value_type, type.results)))


def value_type(type: wasmtime.ValType) -> ValType:
    """Translate a value type; a type that a module defines becomes its abstract supertype."""
    # wasmtime-py finds a type's name by `wasm_valtype_kind`, which aborts the process on all but six types.
    described = ffi.wasmtime_valtype_t()
    ffi.wasmtime_valtype_new(type.ptr(), byref(described))
    try:
        if described.kind < len(_NUMBERS):
            return _NUMBERS[int(described.kind)]
        reference = described.reftype
        return RefType(bool(reference.nullable), _heap_type(reference.heaptype))
    finally:
        ffi.wasmtime_valtype_delete(byref(described))


def _heap_type(described: Any) -> AbsHeapType:
    return _HEAPS.get(described.kind) or _DEFINED[described.kind]


def _raw_value_type(engine: wasmtime.Engine, type: ValType) -> wasmtime.ValType:
    """Translate a value type; raises ``TypeError`` for a reference to a type that a module defines."""
    described = ffi.wasmtime_valtype_t()
    if isinstance(type, RefType):
        if not isinstance(type.heap, AbsHeapType):
            raise TypeError(f"the wasmtime backend cannot make {type} outside a module that defines the type")
        described.kind = _REFERENCE_TYPE
        described.reftype.nullable = type.nullable
        described.reftype.heaptype.kind = _HEAP_KINDS[type.heap]
    else:
        described.kind = _NUMBER_KINDS[type]
    return wasmtime.ValType._from_ptr(ffi.wasmtime_valtype_to_wasm(engine.ptr(), byref(described)), None)


def _raw_func_type(engine: wasmtime.Engine, type: FuncType) -> wasmtime.FuncType:
    """Translate a function type; raises ``TypeError`` as ``_raw_value_type`` does."""
    # All types are made before the first is moved into a vector: an exception leaves no vector half filled.
    raw_types = [[_raw_value_type(engine, it) for it in types] for types in (type.parameters, type.results)]
    vectors = [ffi.wasm_valtype_vec_t() for _ in raw_types]
    for vector, types in zip(vectors, raw_types, strict=True):
        ffi.wasm_valtype_vec_new_uninitialized(byref(vector), len(types))
        for index, it in enumerate(types):
            vector.data[index] = it._consume()
    return wasmtime.FuncType._from_ptr(ffi.wasm_functype_new(byref(vectors[0]), byref(vectors[1])), None)


def on_epoch_deadline(store: wasmtime.Store, callbacks: Callbacks, decide: Callable[[], int | None]) -> None:
    """Register ``decide``, which is called instead of trapping when a guest of the store reaches its epoch deadline.

    ``decide`` returns the number of epochs until its next call, or ``None`` to stop the guest. If it raises an
    exception, it is called again at once.
    """

    def call(_context: int, _data: int, epochs: int, kind: int) -> int:
        more = decide()
        if more is None:
            error = ffi.wasmtime_error_new(b"the embedder stopped the guest")
            return ctypes.cast(error, ctypes.c_void_p).value or 0
        ctypes.c_uint64.from_address(epochs).value = more
        ctypes.c_uint8.from_address(kind).value = _CONTINUE
        return 0

    address = callbacks.make("uintptr_t(uintptr_t, uintptr_t, uintptr_t, uintptr_t)", call)
    ffi.wasmtime_store_epoch_deadline_callback(store.ptr(), _DEADLINE_CALLBACK(address), None, _NO_FINALIZER)


def new_values(types: ResultType) -> RawValues:
    """Return an array of zeros and nulls, which need no release."""
    values = (ffi.wasmtime_val_t * len(types))()
    for value, type in zip(values, types, strict=True):
        value.kind = _REFERENCE_KINDS[top(type.heap)] if isinstance(type, RefType) else _NUMBER_KINDS[type]
    return values


def release(values: RawValues) -> None:
    """Release the objects that the values keep from being collected."""
    for value in values:
        if value.kind in _ROOTED:
            ffi.wasmtime_val_unroot(byref(value))


def get_number(value: Any, type: ValType) -> int | float:
    """Return a number or vector; integers are unsigned, and NaNs keep their bits."""
    of = value.of
    if type is I32:
        return int(of.i32 & 0xFFFFFFFF)
    if type is I64:
        return int(of.i64 & 0xFFFFFFFFFFFFFFFF)
    if type is F32:
        return f32_from_bits(of.i32 & 0xFFFFFFFF)
    if type is F64:
        # Unlike a conversion between the two sizes, copying a double keeps its bits.
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


def is_null(value: Any) -> bool:
    """Return whether a reference is null."""
    # Every kind of reference begins with its store's number, which is never zero.
    return not value.of.funcref.store_id


def get_function(value: Any) -> wasmtime.Func:
    """Return a function that outlives the value."""
    return wasmtime.Func._from_raw(ffi.wasmtime_func_t.from_buffer_copy(value.of.funcref))


def set_function(value: Any, function: wasmtime.Func) -> None:
    """Set a function."""
    value.of.funcref = function._func


def function_identity(function: wasmtime.Func) -> bytes:
    """Return bytes that identify a function within its store."""
    return bytes(function._func)


def memory_identity(memory: wasmtime.Memory) -> tuple[int, int]:
    """Return numbers that identify a memory within its store."""
    raw = memory._memory
    return raw._anon_1.__private1, raw.__private2


def table_identity(table: wasmtime.Table) -> tuple[int, int]:
    """Return numbers that identify a table within its store."""
    raw = table._table
    return raw._anon_1.__private1, raw.__private2


def get_external(store: wasmtime.Store, value: Any) -> Any:
    """Return the Python object of an externref, or ``None`` if it refers to a guest's object."""
    return wasmtime.Val._from_raw(store, value, owned=False).value


def set_external(store: wasmtime.Store, value: Any, item: object) -> None:
    """Set a null reference to a Python object; raises ``WasmtimeError`` if the store has no room for it."""
    external = wasmtime.Val.externref(item)._new_raw(store)
    _set_reference(store, value, external)


def get_small_integer(store: wasmtime.Store, value: Any) -> int:
    """Return the unsigned integer of an anyref that is an i31."""
    number = ctypes.c_uint32()
    ffi.wasmtime_anyref_i31_get_u(store._context(), byref(value.of.anyref), byref(number))
    return number.value


def set_small_integer(store: wasmtime.Store, value: Any, number: int) -> None:
    """Set a null reference to an i31."""
    small = ffi.wasmtime_val_t(kind=_ANYREF)
    ffi.wasmtime_anyref_from_i31(store._context(), number, byref(small.of.anyref))
    _set_reference(store, value, small)


def object_type(store: wasmtime.Store, value: Any) -> AbsHeapType:
    """Return the kind of object of a non-null anyref: i31, struct or array, or any for a host object."""
    # `wasmtime_anyref_is_i31` of wasmtime 50 returns true for everything.
    described = ffi.wasmtime_heaptype_t()
    ffi.wasmtime_anyref_type(store._context(), byref(value.of.anyref), byref(described))
    try:
        return _heap_type(described)
    finally:
        ffi.wasmtime_heaptype_delete(byref(described))


class Root:
    """A root that keeps an object from being collected; ``value`` is a reference to the object."""

    def __init__(self, value: Any) -> None:
        self.value = ffi.wasmtime_val_t()
        ffi.wasmtime_val_clone(byref(value), byref(self.value))

    def __del__(self) -> None:
        ffi.wasmtime_val_unroot(byref(self.value))

    def put(self, store: wasmtime.Store, value: Any) -> None:
        """Set a null reference, of any type that the object can have, to this object."""
        copy = ffi.wasmtime_val_t()
        ffi.wasmtime_val_clone(byref(self.value), byref(copy))
        _set_reference(store, value, copy)

    def identity(self, store: wasmtime.Store) -> int:
        """Return a number that identifies the object, valid until a guest runs."""
        context, of = store._context(), self.value.of
        if self.value.kind == _EXNREF:
            return int(ffi.wasmtime_exnref_to_raw(context, byref(of.exnref)))
        return int(ffi.wasmtime_anyref_to_raw(context, byref(of.anyref)))


def struct_fields(store: wasmtime.Store, root: Root) -> RawValues:
    """Return the fields of a structure, packed ones zero-extended; the caller must release them."""
    context, reference = store._context(), ffi.wasmtime_structref_t()
    ffi.wasmtime_anyref_as_struct(context, byref(root.value.of.anyref), byref(reference))
    try:
        type = ffi.wasmtime_structref_type(context, byref(reference))
        count = ffi.wasmtime_struct_type_num_fields(type)
        ffi.wasmtime_struct_type_delete(type)
        return _read_each(count, lambda at, room: ffi.wasmtime_structref_field(context, byref(reference), at, room))
    finally:
        ffi.wasmtime_structref_unroot(byref(reference))


def array_elements(store: wasmtime.Store, root: Root) -> RawValues:
    """Return the elements of an array, packed ones zero-extended; the caller must release them."""
    context, reference = store._context(), ffi.wasmtime_arrayref_t()
    ffi.wasmtime_anyref_as_array(context, byref(root.value.of.anyref), byref(reference))
    try:
        count = ctypes.c_uint32()
        _check(ffi.wasmtime_arrayref_len(context, byref(reference), byref(count)))
        return _read_each(count.value, lambda at, room: ffi.wasmtime_arrayref_get(context, byref(reference), at, room))
    finally:
        ffi.wasmtime_arrayref_unroot(byref(reference))


def exception_fields(store: wasmtime.Store, root: Root) -> RawValues:
    """Return the values of an exception; the caller must release them."""
    context, reference = store._context(), root.value.of.exnref
    count = ffi.wasmtime_exnref_field_count(context, byref(reference))
    return _read_each(count, lambda at, room: ffi.wasmtime_exnref_field(context, byref(reference), at, room))


def _read_each(count: int, read: Callable[[int, Any], Any]) -> RawValues:
    values = (ffi.wasmtime_val_t * count)()
    for at in range(count):
        _check(read(at, byref(values[at])))
    return values


def new_tag(store: wasmtime.Store, type: TagType) -> wasmtime.Tag:
    """Create a tag; raises ``TypeError`` for a reference to a type that a module defines."""
    return wasmtime.Tag(store, wasmtime.TagType(_raw_func_type(store.engine, type.type)))


def new_exception(store: wasmtime.Store, tag: wasmtime.Tag, fields: RawValues) -> Root:
    """Create an exception; raises ``WasmtimeError`` if the guests' heap is full or a field does not fit."""
    value = ffi.wasmtime_val_t(kind=_EXNREF)
    _check(ffi.wasmtime_exnref_new(store._context(), byref(tag._tag), fields, len(fields), byref(value.of.exnref)))
    try:
        return Root(value)
    finally:
        ffi.wasmtime_val_unroot(byref(value))


def exception_tag(store: wasmtime.Store, root: Root) -> wasmtime.Tag:
    """Return the tag of an exception."""
    tag = ffi.wasmtime_tag_t()
    _check(ffi.wasmtime_exnref_tag(store._context(), byref(root.value.of.exnref), byref(tag)))
    return wasmtime.Tag._from_raw(tag)


def type_of(value: Any) -> ValType:
    """Return the type of a value; for a reference, the top type of its hierarchy."""
    if value.kind < len(_NUMBERS):
        return _NUMBERS[int(value.kind)]
    return next(RefType(True, heap) for heap, kind in _REFERENCE_KINDS.items() if kind == value.kind)


def converted(store: wasmtime.Store, value: Any) -> Root:
    """Convert an anyref to an externref of the same object, or the reverse, as the guest's instructions do."""
    other = ffi.wasmtime_val_t(kind=_ANYREF if value.kind == _EXTERNREF else _EXTERNREF)
    _convert(store, value, other)
    try:
        return Root(other)
    finally:
        ffi.wasmtime_val_unroot(byref(other))


def _set_reference(store: wasmtime.Store, value: Any, owned: Any) -> None:
    """Move a reference into a null one, converting between anyref and externref if necessary."""
    if value.kind == owned.kind:
        value.of = owned.of
    else:
        _convert(store, owned, value)
        ffi.wasmtime_val_unroot(byref(owned))


def _convert(store: wasmtime.Store, source: Any, target: Any) -> None:
    context = store._context()
    if source.kind == _ANYREF:
        raw = ffi.wasmtime_anyref_to_raw(context, byref(source.of.anyref))
        ffi.wasmtime_externref_from_raw(context, raw, byref(target.of.externref))
    else:
        raw = ffi.wasmtime_externref_to_raw(context, byref(source.of.externref))
        ffi.wasmtime_anyref_from_raw(context, raw, byref(target.of.anyref))


def context_address(store: wasmtime.Store) -> int:
    """Return the address of the store's context, which never changes."""
    return ctypes.cast(store._context(), ctypes.c_void_p).value or 0


def function_copy(function: wasmtime.Func) -> Any:
    """Return a copy of the C structure that represents a function."""
    return ffi.wasmtime_func_t.from_buffer_copy(function._func)


def _prototype(result: Any, name: str, *arguments: Any) -> Any:
    """Return a function of wasmtime's that takes addresses as integers and does not release Python's global lock.

    Releasing and reacquiring the lock takes longer than a call of a few nanoseconds, and far longer if other threads
    wait for the lock.
    """
    return ctypes.PYFUNCTYPE(result, *arguments)((name, ffi.dll))


_ADDRESS, _SIZE, _U64 = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_uint64
argument = _ADDRESS.from_param
"""Converts an address or a size to an argument of the functions below, once: converting costs as much as a call."""
_KEEPING = ctypes.PyDLL(None, handle=ffi.dll._handle)
_GIVING_UP = ctypes.CDLL(None, handle=ffi.dll._handle)


def _prepared(library: ctypes.CDLL, result: Any, name: str) -> Any:
    """Return a function of wasmtime's that takes arguments made by ``argument``."""
    function = library[name]
    function.restype = result
    return function


call_unchecked = _prepared(_GIVING_UP, _ADDRESS, "wasmtime_func_call_unchecked")
"""``call_unchecked(context, function, values, number of slots, address for a trap)``: ``None``, or an error.

It releases Python's global lock, since a guest may run for a long time.
"""
_get_fuel = _prepared(_KEEPING, _ADDRESS, "wasmtime_context_get_fuel")
_memory_data = _prepared(_KEEPING, _ADDRESS, "wasmtime_memory_data")
_memory_data_size = _prepared(_KEEPING, _SIZE, "wasmtime_memory_data_size")
_new_unchecked = _prototype(
    None, "wasmtime_func_new_unchecked", _ADDRESS, _ADDRESS, _ADDRESS, _ADDRESS, _ADDRESS, _ADDRESS
)
_set_fuel = _prototype(_ADDRESS, "wasmtime_context_set_fuel", _ADDRESS, _U64)
_set_epoch_deadline = _prototype(None, "wasmtime_context_set_epoch_deadline", _ADDRESS, _U64)


class FuelLeft:
    """A callable that returns the fuel left in the store with this context."""

    __slots__ = ("_address", "_context", "_fuel")

    def __init__(self, context: int) -> None:
        self._context = argument(context)
        self._fuel = _U64()
        self._address = argument(ctypes.addressof(self._fuel))

    def __call__(self) -> int:
        """Return the fuel left."""
        _get_fuel(self._context, self._address)
        return self._fuel.value


def set_fuel(context: int, fuel: int) -> None:
    """Set the fuel left in a store."""
    _set_fuel(context, fuel)


def set_epoch_deadline(context: int, epochs: int) -> None:
    """Set the epoch deadline of the store's guests, in epochs from now."""
    _set_epoch_deadline(context, epochs)


def failure(error: int | None, trap: int | None) -> Failure:
    """Return the cause of a failed call, from the addresses of an error and a trap, or ``None``."""
    if error:
        return wasmtime.WasmtimeError._from_ptr(ctypes.cast(error, POINTER(ffi.wasmtime_error_t)))
    return wasmtime.Trap._from_ptr(ctypes.cast(trap, POINTER(ffi.wasm_trap_t))) if trap else None


def trap_address(trap: wasmtime.Trap) -> int:
    """Release ownership of a trap and return its address, which a callback returns to wasmtime."""
    return int(ctypes.cast(trap._consume(), ctypes.c_void_p).value or 0)


def new_unchecked_function(
    store: wasmtime.Store, callbacks: Callbacks, type: FuncType, enter: Callable[[int, int, Any, int], int]
) -> wasmtime.Func:
    """Create a function that runs ``enter`` with an environment, the caller, a buffer of raw values and its slots.

    If ``enter`` raises an exception, ``callbacks`` stores it, the guest continues with the values in the buffer, and
    the embedder must stop the guest.
    """
    address = callbacks.make("uintptr_t(uintptr_t, uintptr_t, char *, size_t)", enter)
    raw = ffi.wasmtime_func_t()
    raw_type = _raw_func_type(store.engine, type)
    _new_unchecked(
        context_address(store),
        ctypes.cast(raw_type.ptr(), ctypes.c_void_p).value,
        address,
        None,
        None,
        ctypes.addressof(raw),
    )
    return wasmtime.Func._from_raw(raw)


class HasAddress(Protocol):
    """The caller of a host function; its address is 0 outside a call."""

    address: int


def caller(address: int) -> wasmtime.Caller:
    """Return the caller of a host function from its address; call ``forget_caller`` afterwards."""
    return wasmtime.Caller(ctypes.cast(address, POINTER(ffi.wasmtime_caller_t)))


def forget_caller(raw: wasmtime.Caller) -> None:
    """Invalidate a caller after the host function has used it."""
    raw._invalidate()


def call(store: wasmtime.Store, function: wasmtime.Func, arguments: RawValues, results: RawValues) -> Failure:
    """Call a function; return the cause if it failed."""
    trap = POINTER(ffi.wasm_trap_t)()
    error = ffi.wasmtime_func_call(
        store._context(), byref(function._func), arguments, len(arguments), results, len(results), byref(trap)
    )
    if error:
        return wasmtime.WasmtimeError._from_ptr(error)
    return wasmtime.Trap._from_ptr(trap) if trap else None


def instantiate(
    store: wasmtime.Store, module: wasmtime.Module, imports: Sequence[Any]
) -> wasmtime.Instance | wasmtime.Trap | wasmtime.WasmtimeError:
    """Instantiate a module; return the instance, or the cause of the failure."""
    try:
        return wasmtime.Instance(store, module, imports)
    except (wasmtime.Trap, wasmtime.WasmtimeError) as error:
        return error.with_traceback(None)


HostEntry: TypeAlias = Callable[[int, RawValues, RawValues], int]
"""The entry of a host function; it takes caller, arguments and results, and returns the address of a trap, or 0."""


def new_trap(code: wasmtime.TrapCode) -> wasmtime.Trap:
    """Return a trap with a code, with which a host function stops its caller."""
    return wasmtime.Trap._from_ptr(ffi.wasmtime_trap_new_code(code.value))


_NO_MAXIMUM = (1 << 32) - 1


def new_host_function(store: wasmtime.Store, callbacks: Callbacks, type: FuncType, enter: HostEntry) -> wasmtime.Func:
    """Create a function that runs ``enter``.

    If ``enter`` raises an exception or cannot be entered, ``callbacks`` stores the exception, and the embedder must
    stop the guest. Until then, the guest continues with a result of 0, or traps if the result is not an i32. Raises
    ``TypeError`` if the type refers to one that a module defines.
    """

    def call(_environment: int, raw_caller: int, arguments: int, _n: int, results: int, _m: int) -> int:
        return enter(raw_caller, ctypes.cast(arguments, _VALUES), ctypes.cast(results, _VALUES))

    function = ffi.wasmtime_func_t()
    raw_type = _raw_func_type(store.engine, type)
    address = callbacks.make("uintptr_t(uintptr_t, uintptr_t, uintptr_t, size_t, uintptr_t, size_t)", call)
    entry = ffi.wasmtime_func_callback_t(address)
    ffi.wasmtime_func_new(store._context(), raw_type.ptr(), entry, None, _NO_FINALIZER, byref(function))
    return wasmtime.Func._from_raw(function)


def new_global(store: wasmtime.Store, type: GlobalType, value: Any) -> wasmtime.Global:
    """Create a global; raises ``TypeError`` if its type refers to one that a module defines."""
    content = _raw_value_type(store.engine, type.value)._consume()
    raw_type = wasmtime.GlobalType._from_ptr(
        ffi.wasm_globaltype_new(content, ffi.WASM_VAR if type.mutable else ffi.WASM_CONST), None
    )
    raw = ffi.wasmtime_global_t()
    _check(ffi.wasmtime_global_new(store._context(), raw_type.ptr(), byref(value), byref(raw)))
    return wasmtime.Global._from_raw(raw)


def global_get(store: wasmtime.Store, variable: wasmtime.Global, value: Any) -> None:
    """Copy a global's value."""
    ffi.wasmtime_global_get(store._context(), byref(variable._global), byref(value))


def global_set(store: wasmtime.Store, variable: wasmtime.Global, value: Any) -> None:
    """Replace a global's value; raises ``WasmtimeError`` if the value has another type."""
    _check(ffi.wasmtime_global_set(store._context(), byref(variable._global), byref(value)))


def new_table(store: wasmtime.Store, type: TableType, value: Any) -> wasmtime.Table:
    """Create a table with 32-bit indices.

    Raises ``WasmtimeError`` if the store has no room for it, ``TypeError`` if its type refers to one that a module
    defines.
    """
    element = _raw_value_type(store.engine, type.element)._consume()
    maximum = _NO_MAXIMUM if type.limits.maximum is None else type.limits.maximum
    limits = ffi.wasm_limits_t(min=type.limits.minimum, max=maximum)
    raw_type = wasmtime.TableType._from_ptr(ffi.wasm_tabletype_new(element, byref(limits)), None)
    raw = ffi.wasmtime_table_t()
    _check(ffi.wasmtime_table_new(store._context(), raw_type.ptr(), byref(value), byref(raw)))
    return wasmtime.Table._from_raw(raw)


def table_get(store: wasmtime.Store, table: wasmtime.Table, index: int, value: Any) -> bool:
    """Copy an element; return whether it exists."""
    return bool(ffi.wasmtime_table_get(store._context(), byref(table._table), index, byref(value)))


def table_set(store: wasmtime.Store, table: wasmtime.Table, index: int, value: Any) -> None:
    """Replace an element; raises ``WasmtimeError`` if it does not exist or the value has another type."""
    _check(ffi.wasmtime_table_set(store._context(), byref(table._table), index, byref(value)))


def table_grow(store: wasmtime.Store, table: wasmtime.Table, count: int, value: Any) -> int:
    """Add elements and return the previous size.

    Raises ``WasmtimeError`` if a limit forbids it or the value has another type.
    """
    former = ctypes.c_uint64(0)
    _check(ffi.wasmtime_table_grow(store._context(), byref(table._table), count, byref(value), byref(former)))
    return former.value


def throw(store: wasmtime.Store, exception: Root) -> wasmtime.Trap:
    """Return the trap with which a host function throws an exception into the guest that called it."""
    return wasmtime.Trap._from_ptr(
        ffi.wasmtime_context_set_exception(store._context(), byref(exception.value.of.exnref))
    )


@frozen
class Frame:
    """An active call of a guest: the function's index, its optional name, and the byte offset in its module."""

    function: int
    offset: int
    name: str | None


def frames(failure: Failure) -> list[Frame]:
    """Return the guest's active calls at the time of the failure, innermost first."""
    trace = ffi.wasm_frame_vec_t()
    if isinstance(failure, wasmtime.Trap):
        ffi.wasm_trap_trace(failure.ptr(), byref(trace))
    elif failure is not None:
        ffi.wasmtime_error_wasm_trace(failure.ptr(), byref(trace))
    try:
        return [_frame(trace.data[index]) for index in range(trace.size)]
    finally:
        ffi.wasm_frame_vec_delete(byref(trace))


def _frame(raw: Any) -> Frame:
    name = ffi.wasmtime_frame_func_name(raw)
    return Frame(
        int(ffi.wasm_frame_func_index(raw)),
        int(ffi.wasm_frame_module_offset(raw)),
        ffi.to_str(name.contents) if name else None,
    )


def take_exception(store: wasmtime.Store) -> Root | None:
    """Return the exception that no guest caught, and clear it; ``None`` if there is none."""
    value = ffi.wasmtime_val_t(kind=_EXNREF)
    if not ffi.wasmtime_context_take_exception(store._context(), byref(value.of.exnref)):
        return None
    try:
        return Root(value)
    finally:
        ffi.wasmtime_val_unroot(byref(value))


class MemoryView:
    """The address and the size of one memory's bytes."""

    __slots__ = ("_address", "_context", "_raw", "_store", "size")

    def __init__(self, store: wasmtime.Store, memory: wasmtime.Memory) -> None:
        self._store = store
        self._raw = ffi.wasmtime_memory_t.from_buffer_copy(memory._memory)
        self._context = argument(context_address(store))
        self._address = argument(ctypes.addressof(self._raw))
        self.size: Callable[[], int] = partial(_memory_data_size, self._context, self._address)
        """Returns the current number of bytes."""

    def bytes(self, owner: object = None) -> memoryview:
        """Return a view of the current bytes, valid until the memory moves.

        The view keeps ``owner`` alive.
        """
        size = self.size()
        if not size:
            return memoryview(bytearray())
        data = (ctypes.c_ubyte * size).from_address(_memory_data(self._context, self._address))
        vars(data)["owner"] = owner
        return memoryview(data).cast("B")


def _check(error: Any) -> None:
    if error:
        raise wasmtime.WasmtimeError._from_ptr(error)
