"""Conversion between Python values and engine values.

Integer results are signed in Python by default; arguments may be signed or unsigned. A vector is ``bytes`` of length
16, lane 0 first. A function reference is a ``Function``, a host reference any Python object, and a small integer
(``i31``) an ``int``. A structure or an array of a guest is an ``Aggregate``, an exception a ``GuestException``, and
null is ``None``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from operator import index
from typing import TYPE_CHECKING, Any, TypeAlias

from zenowasm.interp.errors import UncaughtException
from zenowasm.interp.runtime.values import I31, ExceptionInstance, ExternRef, check_value
from zenowasm.interp.types import F32, F64, I32, I64, V128, AbsHeapType, FuncType, RefType, ValType

if TYPE_CHECKING:
    from zenowasm.embedding.store import Store

Conversion: TypeAlias = Callable[[Any], Any]
_SIGN_BITS = {I32: 1 << 31, I64: 1 << 63}
_VECTOR_BYTES = 16
_SHOWN = 8
"""The maximum number of fields that the ``repr`` of an aggregate shows."""
_I31_SIGN, _I31_END = 1 << 30, 1 << 31
_SMALL_INTEGERS = (AbsHeapType.I31, AbsHeapType.EQ, AbsHeapType.ANY)


class Aggregate(Sequence[Any]):
    """A structure or an array on a guest's heap, as an immutable sequence of its fields or elements.

    ``raw`` is the engine's reference. Packed fields (``i8``, ``i16``) are read unsigned.
    """

    def __init__(self, store: Store, raw: Any) -> None:
        self._store = store
        self.raw = raw

    @property
    def _fields(self) -> list[Any]:
        with self._store.entered():
            return [from_guest(self._store, value) for value in self.raw.fields]

    def __len__(self) -> int:
        return len(self._fields)

    def __getitem__(self, index: Any) -> Any:
        return self._fields[index]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._fields)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Aggregate) and bool(self.raw == other.raw)

    __hash__ = None  # type: ignore[assignment]
    """Engines can compare references, but a reference has no stable number: the object may move."""

    def __repr__(self) -> str:
        # One level only: an element may refer back to this object.
        fields = self._fields
        shown = ["<Aggregate>" if isinstance(it, Aggregate) else repr(it) for it in fields[:_SHOWN]]
        return f"<Aggregate [{', '.join(shown)}{', ...' if len(fields) > _SHOWN else ''}]>"


def readers(store: Store, types: Sequence[ValType], *, unsigned: bool) -> tuple[Conversion, ...]:
    """Return converters to Python for a function's results or a host function's arguments."""
    return tuple(_reader(store, type_, unsigned=unsigned) for type_ in types)


def _reader(store: Store, type_: ValType, *, unsigned: bool) -> Conversion:
    if type_ in _SIGN_BITS and not unsigned:
        sign = _SIGN_BITS[type_]
        return lambda value: (value ^ sign) - sign
    if type_ is V128:
        return lambda value: value.to_bytes(_VECTOR_BYTES, "little")
    if isinstance(type_, RefType):
        return lambda value: reference_from_guest(store, value)
    return _itself


def _itself(value: Any) -> Any:
    return value


def from_guest(store: Store, value: Any) -> Any:
    """Return the Python value for a value of unknown type, such as a field of an aggregate; integers are unsigned."""
    return value if isinstance(value, int | float) else reference_from_guest(store, value)


def reference_from_guest(store: Store, value: Any) -> Any:
    """Return the object to which a reference refers."""
    from zenowasm.embedding.functions import Function
    from zenowasm.embedding.tags import GuestException

    if value is None:
        return None
    if isinstance(value, ExternRef):
        return value.value
    if isinstance(value, I31):
        return (value.value ^ _I31_SIGN) - _I31_SIGN
    if isinstance(getattr(value, "type", None), FuncType):
        return Function.of(store, value)
    if isinstance(value, ExceptionInstance) or getattr(value, "kind", None) is AbsHeapType.EXN:
        return GuestException.of(store, value)
    return Aggregate(store, value)


def writers(store: Store, types: Sequence[ValType]) -> tuple[Conversion, ...]:
    """Return converters to the engine for a function's arguments; they raise the same errors as ``to_guest``."""
    return tuple(_writer(store, type_) for type_ in types)


def _writer(store: Store, type_: ValType) -> Conversion:
    if type_ not in _SIGN_BITS:
        return lambda value: to_guest(store, type_, value)
    lowest, end = -_SIGN_BITS[type_], 2 * _SIGN_BITS[type_]

    def write(value: Any) -> Any:
        # Most arguments by far are such integers, which the engine takes unchanged.
        return value if value.__class__ is int and lowest <= value < end else to_guest(store, type_, value)

    return write


def to_guest(store: Store, type_: ValType, value: Any) -> Any:
    """Return the engine's value for a Python value; raises ``TypeError`` and ``ValueError`` if it does not fit."""
    if isinstance(type_, RefType):
        return _reference(store, type_, value)
    if type_ is V128 and not isinstance(value, int | float | str):
        data = memoryview(value).tobytes()
        if len(data) != _VECTOR_BYTES:
            raise ValueError(f"v128 takes {_VECTOR_BYTES} bytes, not {len(data)}")
        return int.from_bytes(data, "little")
    if type_ is not F32 and type_ is not F64 and not isinstance(value, int | float) and hasattr(value, "__index__"):
        value = index(value)  # converts integers of other libraries, such as numpy's
    return check_value(type_, value)


def _reference(store: Store, type_: RefType, value: Any) -> Any:
    from zenowasm.embedding.functions import Function

    heap = type_.heap
    if value is None:
        if not type_.nullable:
            raise TypeError(f"{type_} takes no None")
        return None
    if isinstance(value, Aggregate):
        return value.raw
    if isinstance(value, UncaughtException) and heap is AbsHeapType.EXN:
        return value.exception
    if isinstance(value, Function) and heap is not AbsHeapType.EXTERN:
        return value.raw
    if heap in _SMALL_INTEGERS and isinstance(value, int):
        if not -_I31_SIGN <= value < _I31_END:
            raise ValueError(f"{value} does not fit into an i31")
        return I31(value & (_I31_END - 1))
    if heap is AbsHeapType.EXTERN or heap is AbsHeapType.ANY:
        return ExternRef(value)
    hint = ": wrap it in a Function, which says its type" if callable(value) else ""
    raise TypeError(f"{type_} does not take {type(value).__name__}{hint}")


def arguments_to_guest(store: Store, name: str, type_: FuncType, arguments: Sequence[Any]) -> list[Any]:
    """Return the engine's values for a function's arguments; errors name the argument and the function."""
    if len(arguments) != len(type_.parameters):
        wanted = len(type_.parameters)
        raise TypeError(f"{name}() takes {wanted} argument{'' if wanted == 1 else 's'}, not {len(arguments)}: {type_}")
    given = []
    for number, (valtype, value) in enumerate(zip(type_.parameters, arguments, strict=True), 1):
        try:
            given.append(to_guest(store, valtype, value))
        except (TypeError, ValueError) as error:
            raise type(error)(f"{name}(), argument {number}: {error}") from None
    return given


def results_to_guest(store: Store, name: str, type_: FuncType, returned: Any) -> list[Any]:
    """Return the engine's values for a host function's result: none, one value, or a sequence of several."""
    wanted = len(type_.results)
    if wanted == 0:
        if returned is not None:
            raise TypeError(f"{name}() returned {type(returned).__name__}, and its type {type_} has no result")
        return []
    values = (returned,) if wanted == 1 else returned
    if not isinstance(values, tuple | list) or len(values) != wanted:
        raise TypeError(f"{name}() returned {type(returned).__name__}, and its type {type_} has {wanted} results")
    given = []
    for valtype, value in zip(type_.results, values, strict=True):
        try:
            given.append(to_guest(store, valtype, value))
        except (TypeError, ValueError) as error:
            raise type(error)(f"{name}() returned a value that does not fit: {error}") from None
    return given
