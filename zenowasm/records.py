"""Classes that are their fields, as attrs has them, made without generating code.

attrs writes the methods of a class as Python text and compiles it, a millisecond a class; a short script needs 150 of
them. The methods here are the same functions for all classes, over each one's table of fields.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from operator import attrgetter
from types import FunctionType
from typing import Any, Final, TypeVar, dataclass_transform, overload

T = TypeVar("T")
Check = Callable[[str, Any], None]
"""Gets a field's name and its value, and raises ``ValueError``."""

_NOTHING: Final = object()
_OWN: Final = "__record_own__"
_FIELDS: Final = "__attrs_attrs__"


class FrozenError(AttributeError):
    """Raised when a field of a frozen record is set or deleted."""


class Field:
    """A field: its ``name``, its annotation as ``type``, and the ``metadata`` that its maker gave it.

    ``alias`` is its name when a record is made, without underscores in front: private names are a class's own matter.
    """

    __slots__ = (
        "alias", "check", "default", "derived", "eq", "factory", "hash", "init", "kw_only", "metadata", "name", "repr",
        "type",
    )  # fmt: skip

    def __init__(self, **given: Any) -> None:
        self.name = self.alias = ""
        self.type: Any = None
        self.default: Any = given.get("default", _NOTHING)
        self.factory: Callable[[], Any] | None = given.get("factory")
        self.derived: Callable[[Any], Any] | None = given.get("derived")
        self.check: Check | None = given.get("check")
        self.init: bool = given.get("init", True) and self.derived is None
        self.repr: bool = given.get("repr", True)
        self.eq: bool = given.get("eq", True)
        self.hash: bool = given.get("hash", True)
        self.kw_only: bool = given.get("kw_only", False)
        self.metadata: Mapping[str, Any] = given.get("metadata") or {}

    @property
    def is_required(self) -> bool:
        """Whether a value must be given."""
        return self.default is _NOTHING and self.factory is None and self.derived is None

    def late(self, record: object) -> Any:
        """Return the value of a field for which none can be given."""
        if self.derived is not None:
            return self.derived(record)
        return self.default if self.factory is None else self.factory()


def field(
    *,
    default: Any = _NOTHING,
    factory: Callable[[], Any] | None = None,
    derived: Callable[[Any], Any] | None = None,
    check: Check | None = None,
    init: bool = True,
    repr: bool = True,
    eq: bool = True,
    hash: bool = True,
    kw_only: bool = False,
    metadata: Mapping[str, Any] | None = None,
) -> Any:
    """Say more of a field than its type and default.

    ``factory`` makes the default anew for each record. ``derived`` makes the value from the record, whose other fields
    are there by then; nobody can give one. ``check`` gets the field's name and each value, and raises ``ValueError``.
    """
    return Field(
        default=default,
        factory=factory,
        derived=derived,
        check=check,
        init=init,
        repr=repr,
        eq=eq,
        hash=hash,
        kw_only=kw_only,
        metadata=metadata,
    )


@overload
def define(cls: type[T], /) -> type[T]: ...


@overload
def define(
    *, eq: bool = True, repr: bool = True, kw_only: bool = False, hash: bool = False
) -> Callable[[type[T]], type[T]]: ...


@dataclass_transform(field_specifiers=(field,))
def define(cls: type[T] | None = None, /, **options: bool) -> Any:
    """Make a class of the annotated one; ``hash`` gives it one although its fields can change."""
    return _make(cls, frozen=False, **options) if cls is not None else lambda it: _make(it, frozen=False, **options)


@overload
def frozen(cls: type[T], /) -> type[T]: ...


@overload
def frozen(
    *, eq: bool = True, repr: bool = True, kw_only: bool = False, cache_hash: bool = False
) -> Callable[[type[T]], type[T]]: ...


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def frozen(cls: type[T] | None = None, /, **options: bool) -> Any:
    """Make a class of the annotated one whose fields cannot be set; ``cache_hash`` computes a record's hash once."""
    return _make(cls, frozen=True, **options) if cls is not None else lambda it: _make(it, frozen=True, **options)


def fields(cls: type) -> tuple[Field, ...]:
    """Return the fields of a record's class."""
    found: tuple[Field, ...] = getattr(cls, _FIELDS)
    return found


def evolve(record: T, /, **changes: Any) -> T:
    """Return a record like this one with other values."""
    for it in fields(type(record)):
        if it.init and it.alias not in changes:
            changes[it.alias] = getattr(record, it.name)
    return type(record)(**changes)


def asdict(record: object) -> dict[str, Any]:
    """Return a record as a dictionary, and so the records in it, also those in its collections."""
    return {it.name: _plain(getattr(record, it.name)) for it in fields(type(record))}


def _plain(value: Any) -> Any:
    if hasattr(type(value), _FIELDS):
        return asdict(value)
    if isinstance(value, list | tuple | set | frozenset):
        return type(value)([_plain(item) for item in value])
    if isinstance(value, dict):
        return {_plain(key): _plain(item) for key, item in value.items()}
    return value


def optional(check: Check) -> Check:
    """Return the check for a value that may be ``None``, too."""
    return lambda name, value: None if value is None else check(name, value)


def at_least(bound: float) -> Check:
    """Return a check that a value is a bound or more."""

    def check(name: str, value: Any) -> None:
        if not value >= bound:
            raise ValueError(f"'{name}' must be >= {bound}: {value}")

    return check


def above(bound: float) -> Check:
    """Return a check that a value is more than a bound."""

    def check(name: str, value: Any) -> None:
        if not value > bound:
            raise ValueError(f"'{name}' must be > {bound}: {value}")

    return check


def _make(
    cls: type,
    *,
    frozen: bool,
    eq: bool = True,
    repr: bool = True,
    kw_only: bool = False,
    hash: bool = False,
    cache_hash: bool = False,
) -> type:
    """Return a class with a slot for each field, in the place of one that has none."""
    own = _own_fields(cls, kw_only)
    names = {it.name for it in own}
    inherited = tuple(
        it for base in reversed(cls.__mro__[1:]) for it in vars(base).get(_OWN, ()) if it.name not in names
    )
    every = (*inherited, *own)
    body = {name: value for name, value in vars(cls).items() if name not in (*names, "__dict__", "__weakref__")}
    weak = () if any(it.__weakrefoffset__ for it in cls.__bases__) else ("__weakref__",)
    room = ("__dict__",) if any(isinstance(value, cached_property) for value in body.values()) else ()
    body["__slots__"] = (*(it.name for it in own), *weak, *room, *(("_hash",) if cache_hash else ()))
    body["__match_args__"] = tuple(it.name for it in every if it.init and not it.kw_only)
    body[_OWN] = own
    body[_FIELDS] = every
    body |= {"__getstate__": _state, "__setstate__": _restore}
    if repr:
        body.setdefault("__repr__", _repr)
    if frozen:
        body["__setattr__"] = body["__delattr__"] = _refuse
    if eq and "__eq__" not in body:
        body["__eq__"] = _eq(_key(tuple(it for it in every if it.eq)))
        hashed = _key(tuple(it for it in every if it.eq and it.hash))
        body["__hash__"] = None if not (frozen or hash) else _cached_hash(hashed) if cache_hash else _hash(hashed)
    made = type(cls)(cls.__name__, cls.__bases__, body)
    if "__init__" not in body:
        made.__init__ = _init(made, every)  # type: ignore[misc]
    return made


def _own_fields(cls: type, kw_only: bool) -> tuple[Field, ...]:
    found = []
    for name, annotation in vars(cls).get("__annotations__", {}).items():
        if str(annotation).startswith(("ClassVar", "typing.ClassVar")):
            continue
        given = vars(cls).get(name, _NOTHING)
        it = given if isinstance(given, Field) else Field(default=given)
        it.name, it.alias, it.type = name, name.lstrip("_"), annotation
        it.kw_only = it.kw_only or kw_only
        if not it.init and it.is_required:
            raise TypeError(f"{cls.__qualname__}.{name} can be given no value and has none")
        found.append(it)
    return tuple(found)


def _init(cls: type, every: tuple[Field, ...]) -> Callable[..., None]:
    """Return what makes a record of the values for its fields, by position or by name, as any function takes them."""
    given = tuple(it for it in every if it.init)
    positional = tuple(it for it in given if not it.kw_only)
    named = tuple(it for it in given if it.kw_only)
    fill = _filler(cls, given, tuple(it for it in every if not it.init))
    # A function without aliass gets those of the class: Python binds and checks the arguments, and says what is
    # wrong with them. Its code names no local variable, so it means the same whatever these are.
    aliass = ("self", *(it.alias for it in (*positional, *named)))
    code = _fill_from_aliass.__code__.replace(
        co_argcount=1 + len(positional),
        co_kwonlyargcount=len(named),
        co_nlocals=len(aliass),
        co_varnames=aliass,
        co_name="__init__",
        co_qualname=f"{cls.__qualname__}.__init__",
    )
    room = {"fill": fill, "locals": locals, "__name__": cls.__module__}
    defaults = tuple(it.default for it in positional if not it.is_required)
    made = FunctionType(code, room, "__init__", defaults)
    made.__kwdefaults__ = {it.alias: it.default for it in named if not it.is_required}
    return made


def _fill_from_aliass() -> None:
    fill(locals())  # type: ignore[name-defined]  # noqa: F821 - a name of the function that this becomes


def _filler(cls: type, given: tuple[Field, ...], rest: tuple[Field, ...]) -> Callable[[dict[str, Any]], None]:
    """Return what fills a record, ``self``, from the values for its fields by the names of their aliass."""
    setters = tuple((it.alias, _setter(cls, it)) for it in given)
    factories = tuple((it.alias, it.factory) for it in given if it.factory is not None)
    late = tuple((_setter(cls, it), it) for it in rest)
    checks = tuple((it.name, it.alias, it.check) for it in given if it.check is not None)

    def fill(values: dict[str, Any]) -> None:
        record = values["self"]
        for name, set_ in setters:
            set_(record, values[name])

    def fill_and_more(values: dict[str, Any]) -> None:
        for name, make in factories:
            if values[name] is _NOTHING:
                values[name] = make()
        for name, alias, check in checks:
            check(name, values[alias])
        fill(values)
        record = values["self"]
        for set_, it in late:
            set_(record, it.late(record))

    return fill_and_more if factories or checks or late else fill


def _setter(cls: type, field: Field) -> Callable[[object, Any], None]:
    """Return what sets the slot of a field, in the class that has it."""
    owner = next(base for base in cls.__mro__ if field.name in vars(base).get("__slots__", ()))
    set_: Callable[[object, Any], None] = vars(owner)[field.name].__set__
    return set_


def _key(every: tuple[Field, ...]) -> Callable[[Any], Any]:
    """Return what makes one value of those that tell a record from others of its class."""
    return attrgetter(*(it.name for it in every)) if every else lambda record: ()


def _eq(key: Callable[[Any], Any]) -> Callable[[Any, Any], Any]:
    def equal(self: object, other: object) -> Any:
        if self is other:
            return True
        return key(self) == key(other) if self.__class__ is other.__class__ else NotImplemented

    return equal


def _hash(key: Callable[[Any], Any]) -> Callable[[Any], int]:
    return lambda self: hash(key(self))


def _cached_hash(key: Callable[[Any], Any]) -> Callable[[Any], int]:
    def hash_once(self: Any) -> int:
        try:
            return self._hash  # type: ignore[no-any-return]
        except AttributeError:
            found = hash(key(self))
            object.__setattr__(self, "_hash", found)
            return found

    return hash_once


def _repr(self: object) -> str:
    shown = (f"{it.name}={getattr(self, it.name)!r}" for it in fields(type(self)) if it.repr)
    return f"{type(self).__qualname__.rpartition('>.')[2]}({', '.join(shown)})"


def _state(self: object) -> dict[str, Any]:
    """Return what is pickled and copied."""
    return {it.name: getattr(self, it.name) for it in fields(type(self))}


def _restore(self: object, state: dict[str, Any]) -> None:
    for name, value in state.items():
        object.__setattr__(self, name, value)


def _refuse(self: object, name: str, value: object = None) -> None:
    raise FrozenError(f"{type(self).__name__}.{name} cannot be changed")
