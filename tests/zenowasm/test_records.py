"""Records: what attrs promises of its classes, judged by attrs itself where the two must agree."""

from __future__ import annotations

import copy
import inspect
import pickle
import weakref
from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cached_property
from typing import Any, ClassVar

import attrs
import pytest

from zenowasm import records
from zenowasm.records import FrozenError, above, asdict, at_least, define, evolve, field, fields, frozen, optional


def point(frozen: Any, field: Any) -> Any:
    @frozen
    class Point:
        x: int
        y: int = 0
        _shade: str = field(default="", repr=False)
        tags: list[str] = field(factory=list, eq=False)
        note: str = field(default="none", kw_only=True)
        SCALE: ClassVar[int] = 2

    return Point


BOTH = [(point(frozen, field), point(attrs.frozen, attrs.field))]


@pytest.mark.parametrize(("ours", "theirs"), BOTH)
@pytest.mark.parametrize(
    ("values", "named"),
    [
        ((1,), {}),
        ((1, 2, "dark"), {}),
        ((1,), {"y": 3, "shade": "dark"}),
        ((1,), {"tags": ["a"], "note": "n"}),
        ((), {"x": 4}),
        ((1, 2, "dark", ["b"]), {"note": ""}),
    ],
)
def test_values_are_taken_by_position_and_by_name_as_attrs_takes_them(ours, theirs, values, named) -> None:
    one, other = ours(*values, **named), theirs(*values, **named)
    assert repr(one) == repr(other).replace("attrs.", "")
    assert asdict(one) == attrs.asdict(other)
    assert inspect.signature(ours).parameters.keys() == inspect.signature(theirs).parameters.keys()
    assert ours.__match_args__ == theirs.__match_args__


@pytest.mark.parametrize(("ours", "theirs"), BOTH)
@pytest.mark.parametrize(
    ("values", "named"),
    [((), {}), ((1, 2, "", [], "five"), {}), ((1,), {"z": 1}), ((1,), {"x": 1}), ((1,), {"_shade": ""})],
)
def test_what_attrs_refuses_is_refused_in_the_same_words(ours, theirs, values, named) -> None:
    with pytest.raises(TypeError) as wanted:
        theirs(*values, **named)
    with pytest.raises(TypeError) as found:
        ours(*values, **named)
    assert str(found.value).rpartition("__init__")[2] == str(wanted.value).rpartition("__init__")[2]


@pytest.mark.parametrize(("ours", "theirs"), BOTH)
def test_equality_and_hashes(ours, theirs) -> None:
    for cls in (ours, theirs):
        assert cls(1, 2) == cls(1, y=2, tags=["not compared"])
        assert hash(cls(1, 2)) == hash(cls(1, y=2, tags=["not compared"]))
        assert cls(1, 2) != cls(1, 3)
        assert cls(1, 2) != (1, 2)
    assert ours(1) != theirs(1)


def test_records_of_different_classes_differ() -> None:
    @frozen
    class One:
        x: int

    @frozen
    class Other:
        x: int

    @frozen
    class Empty:
        pass

    assert One(1) != Other(1)
    assert Empty() == Empty()
    assert {One(1): "found"}[One(1)] == "found"


def test_a_frozen_record_stays_as_it_is_and_takes_no_more() -> None:
    it = BOTH[0][0](1)
    for name in ("x", "other"):
        with pytest.raises(FrozenError):
            setattr(it, name, 2)
    with pytest.raises(FrozenError):
        del it.x
    assert it.x == 1
    assert weakref.ref(it)() is it


def test_a_record_that_is_not_frozen() -> None:
    @define
    class Mutable:
        x: int = 0

    it = Mutable()
    it.x = 5
    assert it == Mutable(5)
    with pytest.raises(TypeError, match="unhashable"):
        hash(it)
    with pytest.raises(AttributeError):
        it.y = 1  # type: ignore[attr-defined]
    assert hash(define(hash=True)(type("Hashed", (), {"__annotations__": {"x": int}}))(1)) == hash(1)


def test_without_equality_a_record_is_itself() -> None:
    @frozen(eq=False, repr=False)
    class Identity:
        x: int

    one, other = Identity(1), Identity(1)
    assert one != other and len({one, other}) == 2
    assert repr(one).startswith("<")


def test_a_cached_hash_is_computed_once() -> None:
    class Counted:
        hashes = 0

        def __hash__(self) -> int:
            self.hashes += 1
            return 1

    @frozen(cache_hash=True)
    class Holder:
        it: Counted

    counted = Counted()
    holder = Holder(counted)
    assert hash(holder) == hash(holder)
    assert counted.hashes == 1
    assert Holder(counted) == holder


def test_derived_values_and_defaults_that_nobody_gives() -> None:
    @frozen
    class Derived:
        x: int
        double: int = field(derived=lambda it: 2 * it.x, init=False)
        seen: list[int] = field(factory=list, init=False)
        fixed: int = field(default=3, init=False)

    it = Derived(4)
    assert (it.double, it.seen, it.fixed) == (8, [], 3)
    assert it.seen is not Derived(4).seen
    assert evolve(it, x=5).double == 10
    with pytest.raises(TypeError):
        Derived(4, double=1)  # type: ignore[call-arg]


def test_a_field_without_any_value_is_refused() -> None:
    with pytest.raises(TypeError, match=r"Without\.x can be given no value"):

        @frozen
        class Without:
            x: int = field(init=False)


@pytest.mark.parametrize(
    ("check", "good", "bad"),
    [(at_least(1), (1, 2.5), (0, -1)), (above(0), (1, 0.1), (0, -1)), (optional(above(0)), (None, 1), (0,))],
)
def test_checks(check, good, bad) -> None:
    @frozen
    class Checked:
        x: Any = field(default=1, check=check)

    for value in good:
        assert Checked(value).x == value
    for value in bad:
        with pytest.raises(ValueError, match=f"'x' must be .*: {value}"):
            Checked(value)
        with pytest.raises(ValueError, match="'x'"):
            evolve(Checked(), x=value)


def test_inheritance() -> None:
    @frozen
    class Base:
        x: int

        def doubled(self) -> int:
            return 2 * self.x

    @frozen
    class Derived(Base):
        y: int = 7

    class Plain(Derived):
        pass

    assert repr(Derived(1)).endswith("Derived(x=1, y=7)")
    assert [it.name for it in fields(Derived)] == ["x", "y"]
    assert (Derived(1).doubled(), Plain(1, 2).y) == (2, 2)
    assert Derived(1) != Base(1)


def test_bases_that_are_no_records() -> None:
    @frozen
    class Items(Sequence[int]):
        items: tuple[int, ...]

        def __getitem__(self, index: Any) -> Any:
            return self.items[index]

        def __len__(self) -> int:
            return len(self.items)

    @frozen
    class Abstract(ABC):
        x: int

        @abstractmethod
        def method(self) -> None: ...

    assert list(Items((1, 2))) == [1, 2]
    assert Items((1, 2)) == Items((1, 2))
    with pytest.raises(TypeError, match="abstract"):
        Abstract(1)  # type: ignore[abstract]


def test_a_method_of_its_own_is_kept() -> None:
    @define(eq=False)
    class Own:
        x: int
        made: list[int]

        def __init__(self, x: int) -> None:
            self.x = x
            self.made = [x]

        def __repr__(self) -> str:
            return "own"

    assert (Own(3).made, repr(Own(3))) == ([3], "own")


def test_a_property_that_is_computed_once() -> None:
    @frozen
    class Lazy:
        x: list[int]

        @cached_property
        def length(self) -> int:
            self.x.append(0)
            return len(self.x)

    it = Lazy([1])
    assert (it.length, it.length) == (2, 2)


def test_attrs_reads_records() -> None:
    """Programs that use ``attrs.asdict`` and ``attrs.evolve`` on what this package returns go on working."""
    it = BOTH[0][0](1, shade="dark")
    assert attrs.has(type(it))
    assert attrs.asdict(it) == asdict(it)
    assert attrs.evolve(it, x=2) == evolve(it, x=2)
    assert [each.name for each in attrs.fields(type(it))] == [each.name for each in fields(type(it))]


def test_records_within_records_become_plain() -> None:
    @frozen
    class Inner:
        x: int

    @frozen
    class Outer:
        items: tuple[Inner, ...]
        named: dict[str, Inner]

    outer = Outer((Inner(1),), {"a": Inner(2)})
    assert asdict(outer) == attrs.asdict(outer) == {"items": ({"x": 1},), "named": {"a": {"x": 2}}}


@frozen(cache_hash=True)
class Pickled:
    """Found by its name, as pickle needs it."""

    x: int
    y: str = field(default="", init=False)


def test_records_can_be_copied_and_sent_to_another_process() -> None:
    it = Pickled(1)
    assert hash(it)
    for copied in (copy.copy(it), copy.deepcopy(it), pickle.loads(pickle.dumps(it))):
        assert copied == it and copied is not it


def test_no_code_is_generated(monkeypatch) -> None:
    """What attrs takes a millisecond a class for: a short script needs 150 of them."""
    compiled = []
    monkeypatch.setattr("builtins.compile", lambda *arguments, **options: compiled.append(arguments))
    monkeypatch.setattr("builtins.exec", lambda *arguments: compiled.append(arguments))
    monkeypatch.setattr("builtins.eval", lambda *arguments: compiled.append(arguments))
    assert point(records.frozen, records.field)(1).x == 1
    assert not compiled
