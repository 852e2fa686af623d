"""Values of source variables: read from their places, and formatted in the syntax of their language."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeAlias

from attrs import evolve, frozen

from zenowasm.debuginfo.errors import DebugInfoError, UnavailableError
from zenowasm.debuginfo.expressions import Computed, InMemory, Pieces, Place, Register
from zenowasm.debuginfo.types import (
    Array,
    Base,
    Encoding,
    Enumeration,
    Member,
    Opaque,
    Pointer,
    Structure,
    Type,
    plain,
)

Read: TypeAlias = Callable[[int, int], bytes]
"""Return the bytes at a memory address, given the length; raises ``IndexError`` if the range is out of bounds."""
_FLOATS: Final = {4: "<f", 8: "<d"}
_SHOWN: Final = 20
"""The maximum number of array elements and structure members shown."""
_TEXT: Final = 200
"""The maximum number of bytes of a text shown."""
_NESTED: Final = 6
"""The maximum nesting of structures shown."""
_LARGEST: Final = 1 << 20
"""The maximum number of bytes of a variable read at once."""


@frozen
class Part:
    """A part of a value: a member, an element or a pointer's target.

    ``before`` and ``after`` are what an expression needs around the whole value to select the part. ``value`` is the
    part's value, or why it has none.
    """

    name: str
    value: SourceValue | str
    before: str = ""
    after: str = ""


@frozen
class SourceValue:
    """A value of a source type. ``address`` is its memory address, ``None`` if it is not in memory.

    ``register`` is the local, global or operand that holds it, if that is the whole value. ``bits`` and ``bit_offset``
    describe a bit field, in bits after ``address``. ``missing`` lists the bytes of ``data`` that were optimised out, as
    pairs of start and end.
    """

    type: Type
    data: bytes
    address: int | None
    read: Read
    bits: int | None = None
    bit_offset: int = 0
    missing: tuple[tuple[int, int], ...] = ()
    register: Register | None = None

    @classmethod
    def at(cls, type_: Type, address: int, read: Read) -> SourceValue:
        """Return the value in memory; raises ``UnavailableError`` if it is out of bounds."""
        size = plain(type_).size
        return cls(type_, _bytes(read, address, size), address, read)

    @classmethod
    def of(cls, type_: Type, place: Place, read: Read) -> SourceValue:
        """Return the value at a place; raises ``UnavailableError`` if it has no place at all."""
        size = plain(type_).size
        if isinstance(place, InMemory):
            return cls.at(type_, place.address, read)
        if isinstance(place, Pieces):
            data, missing = _assembled(place, size, read)
            return cls(type_, data, None, read, missing=missing)
        return cls(type_, _number_bytes(place, size), None, read, register=place.register)

    def again(self) -> SourceValue:
        """Return the present value of the same bytes of memory; the same value if it is not in memory."""
        return self if self.address is None else self.with_data(_bytes(self.read, self.address, len(self.data)))

    def with_data(self, data: bytes) -> SourceValue:
        """Return the value that has other bytes."""
        return evolve(self, data=data)

    @property
    def is_pointer(self) -> bool:
        """Whether the value is an address."""
        type_ = plain(self.type)
        return isinstance(type_, Pointer) and not type_.is_reference

    def number(self) -> int | float | None:
        """Return the value as a number, ``None`` if it is not one; raises ``UnavailableError``."""
        if self.missing:
            raise UnavailableError("it was optimised out")
        type_ = plain(self.type)
        if isinstance(type_, Base) and type_.encoding is Encoding.FLOAT:
            form = _FLOATS.get(type_.size)
            return None if form is None else float(struct.unpack(form, self.data)[0])
        if isinstance(type_, Pointer):
            return self.target().number() if type_.is_reference else self._pointed()
        if isinstance(type_, Base | Enumeration):
            value = int.from_bytes(self.data, "little")
            width = 8 * len(self.data)
            if self.bits is not None:
                value, width = value >> self.bit_offset & (1 << self.bits) - 1, self.bits
            return value - (1 << width) if type_.is_signed and width and value >> width - 1 else value
        return None

    def encoded(self, number: int | float) -> bytes:
        """Return the bytes that replace ``data`` to make the value a number; raises ``DebugInfoError``."""
        type_ = plain(self.type)
        if isinstance(type_, Pointer) and type_.is_reference:
            raise DebugInfoError(f"{type_.name} is a reference: change what it refers to")
        if isinstance(type_, Base) and type_.encoding is Encoding.FLOAT and type_.size in _FLOATS:
            return _packed_float(_FLOATS[type_.size], number, type_.name)
        if not isinstance(type_, Base | Enumeration | Pointer):
            raise DebugInfoError(f"{type_.name} is no number: change its members or elements one by one")
        if not isinstance(number, int) and not number.is_integer():
            raise DebugInfoError(f"{type_.name} takes an integer, not {number}")
        value, width = int(number), 8 * len(self.data) if self.bits is None else self.bits
        if not -(1 << width - 1) <= value < 1 << width:
            raise DebugInfoError(f"{value} does not fit into the {width} bits of {type_.name}")
        value &= (1 << width) - 1
        if self.bits is not None:
            kept = int.from_bytes(self.data, "little") & ~((1 << width) - 1 << self.bit_offset)
            value = kept | value << self.bit_offset
        return value.to_bytes(len(self.data), "little")

    def member(self, name: str) -> SourceValue:
        """Return a member of a structure, including its anonymous structures, or of a pointer's target."""
        type_ = plain(self.type)
        if isinstance(type_, Pointer):
            return self.target().member(name)
        if isinstance(type_, Structure):
            for member in (*type_.members, *self._variant_members(type_)):
                if member.name == name:
                    return self._part(member)
                inner = plain(member.type)
                if not member.name and isinstance(inner, Structure):
                    try:
                        return self._part(member).member(name)
                    except DebugInfoError:
                        continue
            known = ", ".join(member.name for member in type_.members if member.name) or "none"
            raise DebugInfoError(f"{type_.name or 'the structure'} has no member {name}: it has {known}")
        raise DebugInfoError(f"{type_.name} has no members")

    def element(self, index: int) -> SourceValue:
        """Return an element of an array, or the object ``index`` elements after a pointer's target."""
        type_ = plain(self.type)
        if isinstance(type_, Pointer) and type_.is_reference:
            return self.target().element(index)
        if isinstance(type_, Pointer):
            target = type_.target
            return self.at(target, self._pointed() + index * plain(target).size, self.read)
        sequence = self._sequence()
        if sequence is not None:
            if not 0 <= index < sequence.count:
                raise DebugInfoError(f"{type_.name} has {sequence.count} elements, found the index {index}")
            return sequence.pointer.element(index)
        if not isinstance(type_, Array):
            raise DebugInfoError(f"{type_.name} has no elements")
        if type_.count is not None and not 0 <= index < type_.count:
            raise DebugInfoError(
                f"{type_.name} has {type_.count} elements: expected 0 to {type_.count - 1}, not {index}"
            )
        size = plain(type_.element).size
        if self.address is not None:
            return self.at(type_.element, self.address + index * size, self.read)
        return self._slice(type_.element, index * size, size)

    def target(self) -> SourceValue:
        """Return the target of a pointer."""
        type_ = plain(self.type)
        if not isinstance(type_, Pointer):
            raise DebugInfoError(f"{type_.name} is no pointer")
        if isinstance(plain(type_.target), Opaque):
            raise DebugInfoError(f"nothing is known of what a {type_.name} points to")
        return self.at(type_.target, self._pointed(), self.read)

    def _pointed(self) -> int:
        if self.missing:
            raise UnavailableError("it was optimised out")
        return int.from_bytes(self.data, "little")

    def _part(self, member: Member) -> SourceValue:
        size = plain(member.type).size
        if member.bits is not None:
            size = (member.bit_offset + member.bits + 7) // 8
        return evolve(self._slice(member.type, member.offset, size), bits=member.bits, bit_offset=member.bit_offset)

    def _slice(self, type_: Type, start: int, size: int) -> SourceValue:
        data = self.data[start : start + size]
        if len(data) < size:
            raise UnavailableError(f"{type_.name} reaches beyond the {len(self.data)} bytes around it")
        address = None if self.address is None else self.address + start
        missing = tuple(
            (max(first - start, 0), min(end - start, size))
            for first, end in self.missing
            if first < start + size and end > start
        )
        return SourceValue(type_, data, address, self.read, missing=missing)

    def _variant_members(self, type_: Structure) -> Sequence[Member]:
        variants = type_.variants
        if variants is None:
            return ()
        if variants.discriminant is None:
            return tuple(variants.members.values())
        which = self._part(variants.discriminant).number()
        found = variants.members.get(which) if isinstance(which, int) else None
        found = found or variants.members.get(None)
        return () if found is None else (found,)

    def text(self, depth: int = 0) -> str:
        """Return the value in the syntax of its language, shortened if it is long."""
        type_ = plain(self.type)
        if self.missing and not isinstance(type_, Array | Structure):
            return "<optimised out>"
        match type_:
            case Base():
                return self._base_text(type_)
            case Enumeration():
                value = self.number()
                name = type_.names.get(int(value or 0))
                return str(value) if name is None else name
            case Pointer():
                return self._pointer_text(type_, depth)
            case Array():
                return self._array_text(type_, depth)
            case Structure():
                return self._structure_text(type_, depth)
            case _:
                return f"<{type_.name}>"

    def _base_text(self, type_: Base) -> str:
        value = self.number()
        if type_.encoding is Encoding.BOOLEAN:
            return {0: "false", 1: "true"}.get(int(value or 0), str(value))
        if type_.encoding is Encoding.CHARACTER and isinstance(value, int):
            code = value % (1 << 8 * type_.size)
            shown = (
                chr(code)
                if 32 <= code < 127 or (type_.size == 4 and code < 0x110000 and chr(code).isprintable())
                else ""
            )
            return f"{value} '{shown}'" if shown else str(value)
        if value is None:
            return f"0x{int.from_bytes(self.data, 'little'):x}"
        return repr(value) if isinstance(value, float) else str(value)

    def _pointer_text(self, type_: Pointer, depth: int) -> str:
        address = self._pointed()
        target = plain(type_.target)
        if type_.is_reference:
            try:
                return self.target().text(depth + 1) if depth < _NESTED else "..."
            except (UnavailableError, DebugInfoError):
                return f"0x{address:x}"
        if isinstance(target, Base) and target.encoding is Encoding.CHARACTER and target.size == 1 and address:
            text = _terminated(self.read, address)
            if text is not None:
                return f"0x{address:x} {_quoted(text)}"
        return f"0x{address:x}"

    def _array_text(self, type_: Array, depth: int) -> str:
        element = plain(type_.element)
        if isinstance(element, Base) and element.encoding is Encoding.CHARACTER and element.size == 1:
            if self.missing:
                return "<optimised out>"
            text = self.data.rstrip(b"\0")
            return _quoted(text[:_TEXT]) + ("..." if len(text) > _TEXT else "")
        if depth >= _NESTED:
            return "{...}"
        count = type_.count or 0
        shown = [self.element(index).text(depth + 1) for index in range(min(count, _SHOWN))]
        return f"{{{', '.join(shown)}{', ...' if count > _SHOWN else ''}}}"

    def _structure_text(self, type_: Structure, depth: int) -> str:
        text = self._sequence_text(type_, depth)
        if text is not None:
            return text
        if depth >= _NESTED:
            return "{...}"
        if type_.variants is not None:
            return " | ".join(self._variant_text(member, depth) for member in self._variant_members(type_)) or "{...}"
        shown = []
        for member in type_.members[:_SHOWN]:
            try:
                value = self._part(member).text(depth + 1)
            except UnavailableError as error:
                value = f"<{error}>"
            shown.append(f"{member.name} = {value}" if member.name else value)
        return f"{{{', '.join(shown)}{', ...' if len(type_.members) > _SHOWN else ''}}}"

    def _variant_text(self, member: Member, depth: int) -> str:
        fields = self._part(member).text(depth + 1)
        return member.name if fields == "{}" else f"{member.name}{fields}"

    def part_count(self) -> int:
        """Return the number of parts."""
        type_ = plain(self.type)
        if isinstance(type_, Array):
            return type_.count or 0
        sequence = self._sequence()
        if sequence is not None:
            return 0 if sequence.is_text else sequence.count
        if isinstance(type_, Structure):
            return len(self._members(type_))
        return 0 if self._pointer_target() is None else len(self.parts(0, _LARGEST))

    def has_elements(self) -> bool:
        """Return whether the parts are elements, counted from 0."""
        return isinstance(plain(self.type), Array) or self._sequence() is not None

    def parts(self, start: int, count: int) -> list[Part]:
        """Return ``count`` parts from number ``start`` on, fewer at the end.

        They are a structure's members, the elements of an array, slice or vector, and what a pointer points to: its
        members, if it is a structure. A string has none.
        """
        type_ = plain(self.type)
        if self.has_elements():
            indices = range(start, min(start + count, self.part_count()))
            return [Part(f"[{index}]", self._part_or_why(self._nth(index)), after=f"[{index}]") for index in indices]
        if isinstance(type_, Structure):
            return [self._named_part(member) for member in self._members(type_)[start : start + count]]
        target = self._pointer_target()
        if target is None or not isinstance(type_, Pointer):
            return []
        pointed = plain(target.type)
        if type_.is_reference and not isinstance(pointed, Pointer):
            return target.parts(start, count)
        if isinstance(pointed, Structure) and not target.has_elements():
            members = target.parts(start, count)
            return [evolve(it, after=it.after.replace(".", "->", 1)) for it in members]
        return [Part("*", target, before="*")][start : start + count]

    def _members(self, type_: Structure) -> Sequence[Member]:
        return type_.members if type_.variants is None else self._variant_members(type_)

    def _named_part(self, member: Member) -> Part:
        value = self._part_or_why(lambda: self._part(member))
        # The members of an anonymous structure are also members of the structure around it.
        return Part(member.name, value, after=f".{member.name}") if member.name else Part("(anonymous)", value)

    def _nth(self, index: int) -> Callable[[], SourceValue]:
        return lambda: self.element(index)

    @staticmethod
    def _part_or_why(part: Callable[[], SourceValue]) -> SourceValue | str:
        try:
            return part()
        except (DebugInfoError, UnavailableError) as error:
            return str(error)

    def _pointer_target(self) -> SourceValue | None:
        """Return the target of a pointer, ``None`` if it is null, unknown or out of bounds, or this is no pointer."""
        type_ = plain(self.type)
        if not isinstance(type_, Pointer) or self.missing or not self._pointed():
            return None
        try:
            return self.target()
        except (DebugInfoError, UnavailableError):
            return None

    def _sequence_text(self, type_: Structure, depth: int) -> str | None:
        """Return the text of a Rust string, slice or vector, ``None`` for anything else."""
        sequence = self._sequence()
        if sequence is None:
            return None
        try:
            return sequence.pointer._elements_text(sequence.count, depth, is_text=sequence.is_text)
        except (DebugInfoError, UnavailableError):
            return None

    def _sequence(self) -> _Sequence | None:
        """Return where a Rust string, slice or vector has its elements, ``None`` for anything else."""
        type_ = plain(self.type)
        if not isinstance(type_, Structure):
            return None
        is_text = type_.name in ("&str", "String")
        try:
            if type_.name == "&str" or type_.name.startswith("&["):
                return _Sequence(self.member("data_ptr"), int(self.member("length").number() or 0), is_text)
            if type_.name == "String" or type_.name.startswith("Vec<"):
                vector = self.member("vec") if is_text else self
                return _Sequence(vector._typed_pointer(), int(vector.member("len").number() or 0), is_text)
        except (DebugInfoError, UnavailableError):
            pass  # a type of the user's with the same name, or one that the optimiser has taken apart
        return None

    def _typed_pointer(self) -> SourceValue:
        """Return the pointer inside a vector, typed as a pointer to the vector's elements."""
        type_ = plain(self.type)
        pointer = next(_pointers(self, 0), None)
        if pointer is None or not isinstance(type_, Structure):
            raise DebugInfoError("there is no pointer inside")
        element = type_.parameters.get("T")
        return pointer if element is None else evolve(pointer, type=Pointer(len(pointer.data), False, lambda: element))

    def _elements_text(self, count: int, depth: int, *, is_text: bool) -> str:
        if is_text:
            data = _bytes(self.read, self._pointed(), min(count, _TEXT)) if count else b""
            return _quoted(data) + ("..." if count > _TEXT else "")
        if depth >= _NESTED:
            return "{...}"
        shown = [self.element(index).text(depth + 1) for index in range(min(count, _SHOWN))]
        return f"{{{', '.join(shown)}{', ...' if count > _SHOWN else ''}}}"


@frozen
class _Sequence:
    """The elements of a Rust string, slice or vector: a pointer to the first, and their number."""

    pointer: SourceValue
    count: int
    is_text: bool


def _pointers(value: SourceValue, depth: int) -> Iterator[SourceValue]:
    """Yield the pointers inside a structure."""
    type_ = plain(value.type)
    if isinstance(type_, Pointer):
        yield value
    elif isinstance(type_, Structure) and depth < _NESTED:
        for member in type_.members:
            yield from _pointers(value.member(member.name), depth + 1)


def _packed_float(form: str, number: int | float, name: str) -> bytes:
    try:
        return struct.pack(form, number)
    except (OverflowError, struct.error):
        raise DebugInfoError(f"{number} does not fit into {name}") from None


def _number_bytes(place: Computed, size: int) -> bytes:
    _check_size(size)
    return (place.value & (1 << 8 * size) - 1).to_bytes(size, "little")


def _assembled(place: Pieces, size: int, read: Read) -> tuple[bytes, tuple[tuple[int, int], ...]]:
    """Return the bytes of a value in pieces, and the ranges of bytes that have no place."""
    _check_size(size)
    data, missing = b"", []
    for piece in place.pieces:
        if len(data) >= size:
            break
        length = min(piece.size, size - len(data))
        match piece.place:
            case InMemory(address):
                data += _bytes(read, address, length)
            case Computed() as computed:
                data += _number_bytes(computed, length)
            case _:
                missing.append((len(data), len(data) + length))
                data += bytes(length)
    if len(data) < size:
        missing.append((len(data), size))
    return data.ljust(size, b"\0"), tuple(missing)


def _check_size(size: int) -> None:
    if size > _LARGEST:
        raise UnavailableError(f"it has {size} bytes: at most {_LARGEST} are read")


def _bytes(read: Read, address: int, size: int) -> bytes:
    _check_size(size)
    try:
        return read(address, size)
    except IndexError:
        raise UnavailableError(f"the {size} bytes at 0x{address:x} are not inside the memory") from None


def _terminated(read: Read, address: int) -> bytes | None:
    """Return the bytes up to a zero byte, ``None`` if there is none nearby."""
    data = b""
    while len(data) < _TEXT:
        try:
            byte = read(address + len(data), 1)
        except IndexError:
            return None
        if byte == b"\0":
            return data
        data += byte
    return data


def _quoted(data: bytes) -> str:
    text = data.decode(errors="backslashreplace")
    escaped = "".join(it if it.isprintable() else it.encode("unicode_escape").decode() for it in text)
    return '"' + escaped.replace('"', '\\"') + '"'
