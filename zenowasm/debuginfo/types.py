"""Source types, as described in DWARF (DWARF 5, chapter 5)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from functools import cached_property, partial
from typing import Any, Final, TypeAlias, TypeVar

from attrs import define, frozen
from elftools.dwarf.die import DIE

from zenowasm.debuginfo.reading import reading

_MOST_MEMBERS: Final = 1_000_000
_DEEPEST: Final = 64
"""The maximum number of aliases, such as ``typedef`` and ``const``, around a type."""


class Encoding(Enum):
    """The encoding of a base type's bits."""

    SIGNED = "signed"
    UNSIGNED = "unsigned"
    FLOAT = "float"
    BOOLEAN = "boolean"
    CHARACTER = "character"
    OTHER = "other"


_ENCODINGS: Final[Mapping[int, Encoding]] = {
    0x02: Encoding.BOOLEAN,
    0x04: Encoding.FLOAT,
    0x05: Encoding.SIGNED,
    0x06: Encoding.CHARACTER,
    0x07: Encoding.UNSIGNED,
    0x08: Encoding.CHARACTER,
    0x0D: Encoding.SIGNED,
    0x10: Encoding.CHARACTER,
}


@frozen
class Base:
    """A number, a truth value or a character, of ``size`` bytes. A character may also be a signed number."""

    name: str
    size: int
    encoding: Encoding
    is_signed: bool


@frozen
class Enumeration:
    """An enumeration: the names of its values."""

    name: str
    size: int
    names: Mapping[int, str]
    is_signed: bool


@define(eq=False)
class Pointer:
    """The address of an object. ``is_reference`` says that the language dereferences it implicitly."""

    size: int
    is_reference: bool
    _target: Callable[[], Type]

    @property
    def target(self) -> Type:
        """The type to which it points."""
        return _read(self._target)

    @property
    def name(self) -> str:
        """The type in the syntax of its language."""
        return pointed_name(self)


@define(eq=False)
class Member:
    """A member of a structure: ``offset`` in bytes; a bit field has ``bits``, which begin ``bit_offset`` after it."""

    name: str
    offset: int
    bits: int | None
    bit_offset: int
    _type: Callable[[], Type]

    @property
    def type(self) -> Type:
        """The member's type."""
        return _read(self._type)


@define(eq=False)
class Variants:
    """The variants of an enumeration with fields, by the value of its discriminant; ``None`` stands for all others."""

    discriminant: Member | None
    members: Mapping[int | None, Member]


@define(eq=False, slots=False)
class Structure:
    """A structure, union or class. A member without a name is a nested anonymous structure."""

    name: str
    size: int
    _read: Callable[[], tuple[Sequence[Member], Variants | None, Mapping[str, Type]]]

    @cached_property
    def _parts(self) -> tuple[Sequence[Member], Variants | None, Mapping[str, Type]]:
        return _read(self._read)

    @property
    def members(self) -> Sequence[Member]:
        """The members, base classes first."""
        return self._parts[0]

    @property
    def variants(self) -> Variants | None:
        """The variants, if it is an enumeration with fields."""
        return self._parts[1]

    @property
    def parameters(self) -> Mapping[str, Type]:
        """The type arguments of a generic type, by parameter name."""
        return self._parts[2]


@define(eq=False)
class Array:
    """An array; ``count`` is ``None`` if the type does not give it. Several dimensions are arrays of arrays."""

    count: int | None
    _element: Callable[[], Type]

    @property
    def element(self) -> Type:
        """The elements' type."""
        return _read(self._element)

    @property
    def size(self) -> int:
        """The size in bytes."""
        return (self.count or 0) * self.element.size

    @property
    def name(self) -> str:
        """The type in C syntax."""
        counts, type_ = "", self
        element: Type = self
        for _ in range(_DEEPEST):
            if not isinstance(element, Array):
                break
            counts += f"[{'' if element.count is None else element.count}]"
            element = element.element
        return f"{element.name}{counts}" if element is not type_ else counts


@frozen
class Opaque:
    """A type of which only the name is known: ``void``, a declaration, a function."""

    name: str
    size: int = 0


@define(eq=False)
class Alias:
    """Another name for a type."""

    name: str
    type: Type

    @property
    def size(self) -> int:
        """The size in bytes."""
        return self.type.size


Type: TypeAlias = Base | Enumeration | Pointer | Structure | Array | Opaque | Alias
VOID: Final = Opaque("void")


_T = TypeVar("_T")


def _read(what: Callable[[], _T]) -> _T:
    """Read a part of a type on first use."""
    with reading("a type"):
        return what()


def plain(type_: Type) -> Type:
    """Return a type without its aliases."""
    for _ in range(_DEEPEST):
        if not isinstance(type_, Alias):
            return type_
        type_ = type_.type
    return Opaque("a type that is named after itself")


def pointed_name(pointer: Pointer) -> str:
    """Return a pointer type in the syntax of its language."""
    stars, type_ = "", pointer
    target: Type = pointer
    for _ in range(_DEEPEST):
        if not isinstance(target, Pointer):
            break
        stars += "&" if target.is_reference else "*"
        target = target.target
    return f"{'...' if target is type_ else target.name} {stars}"


class Types:
    """The types of one module's DWARF, each made once."""

    def __init__(self) -> None:
        self._made: dict[tuple[int, int], Type] = {}
        self._making: list[tuple[int, int]] = []

    def of(self, die: DIE) -> Type:
        """Return the type to which an entry refers, ``void`` if it refers to none."""
        if "DW_AT_type" not in die.attributes:
            return VOID
        return self.make(die.get_DIE_from_attribute("DW_AT_type"))

    def make(self, die: DIE) -> Type:
        """Return the type that an entry describes."""
        key = (id(die.cu), die.offset)
        found = self._made.get(key)
        if found is None:
            if key in self._making or len(self._making) > _DEEPEST:
                raise ValueError("a type is made of itself")
            self._making.append(key)
            try:
                found = self._made[key] = self._described(die)
            finally:
                self._making.pop()
        return found

    def _described(self, die: DIE) -> Type:
        size = number(die, "DW_AT_byte_size") or 0
        name = name_of(die)
        match str(die.tag).removeprefix("DW_TAG_"):
            case "base_type":
                code = number(die, "DW_AT_encoding") or 0
                return Base(name, size, _ENCODINGS.get(code, Encoding.OTHER), code in (0x05, 0x06, 0x0D))
            case "pointer_type" | "reference_type" | "rvalue_reference_type" as tag:
                return Pointer(size or 4, tag != "pointer_type", lambda: self.of(die))
            case "structure_type" | "union_type" | "class_type":
                if "DW_AT_declaration" in die.attributes:
                    return Opaque(name or "a structure")
                return Structure(name, size, lambda: self._parts(die))
            case "array_type":
                return self._array(die)
            case "enumeration_type":
                return self._enumeration(die, name, size)
            case "typedef" | "const_type" | "volatile_type" | "restrict_type" | "atomic_type" | "template_alias" as tag:
                inner = self.of(die)
                return Alias(name or f"{tag.removesuffix('_type')} {inner.name}", inner)
            case "subroutine_type":
                return Opaque("function")
            case "unspecified_type":
                return Opaque(name)
            case tag:
                return Opaque(name or tag)

    def _array(self, die: DIE) -> Type:
        counts: list[int | None] = []
        for child in children(die):
            if child.tag == "DW_TAG_subrange_type":
                count, upper = number(child, "DW_AT_count"), number(child, "DW_AT_upper_bound")
                counts.append(count if count is not None else None if upper is None else max(upper + 1, 0))
        made: Callable[[], Type] = partial(self.of, die)
        for count in reversed(counts[1:]):
            made = _constant(Array(count, made))
        return Array(counts[0] if counts else None, made)

    def _enumeration(self, die: DIE, name: str, size: int) -> Type:
        values = {
            value: name_of(child)
            for child in children(die)
            if child.tag == "DW_TAG_enumerator" and (value := number(child, "DW_AT_const_value")) is not None
        }
        underlying = plain(self.of(die))
        signed = underlying.is_signed if isinstance(underlying, Base) else any(value < 0 for value in values)
        return Enumeration(name, size, values, signed)

    def _parts(self, die: DIE) -> tuple[Sequence[Member], Variants | None, Mapping[str, Type]]:
        members, variants, parameters = [], None, {}
        for child in children(die):
            if child.tag == "DW_TAG_variant_part":
                variants = self._variants(child)
            elif child.tag == "DW_TAG_template_type_param":
                parameters[name_of(child)] = self.of(child)
            elif child.tag in ("DW_TAG_member", "DW_TAG_inheritance") and "DW_AT_external" not in child.attributes:
                members.append(self._member(child))
        return tuple(members), variants, parameters

    def _member(self, die: DIE) -> Member:
        offset = number(die, "DW_AT_data_member_location") or 0
        bits, bit_offset = number(die, "DW_AT_bit_size"), number(die, "DW_AT_data_bit_offset") or 0
        if bits is not None and (from_top := number(die, "DW_AT_bit_offset")) is not None:  # DWARF 2 and 3
            bit_offset = (number(die, "DW_AT_byte_size") or self.of(die).size) * 8 - from_top - bits
        if bits is not None:
            offset, bit_offset = offset + bit_offset // 8, bit_offset % 8
        return Member(name_of(die), offset, bits, bit_offset, lambda: self.of(die))

    def _variants(self, die: DIE) -> Variants:
        entries = list(children(die))
        members: dict[int | None, Member] = {}
        for variant in entries:
            if variant.tag == "DW_TAG_variant":
                for child in children(variant):
                    if child.tag == "DW_TAG_member":
                        members[number(variant, "DW_AT_discr_value")] = self._member(child)
        discriminant = None
        if "DW_AT_discr" in die.attributes:
            discriminant = self._member(die.get_DIE_from_attribute("DW_AT_discr"))
        return Variants(discriminant, members)


def _constant(type_: Type) -> Callable[[], Type]:
    return lambda: type_


def children(die: DIE) -> Sequence[DIE]:
    """Return the children of an entry; raises ``ValueError`` if there are more than in any real program."""
    found: list[DIE] = []
    for child in die.iter_children():
        if len(found) >= _MOST_MEMBERS:
            raise ValueError(f"more than {_MOST_MEMBERS} entries in one")
        found.append(child)
    return found


def name_of(die: DIE) -> str:
    """Return an entry's name, empty if it has none."""
    attribute = die.attributes.get("DW_AT_name")
    return "" if attribute is None else attribute.value.decode(errors="replace")


def number(die: DIE, attribute: str) -> int | None:
    """Return a constant attribute, ``None`` if it is missing or not a constant."""
    found: Any = die.attributes.get(attribute)
    return found.value if found is not None and isinstance(found.value, int) else None
