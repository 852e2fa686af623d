"""Parses types (specification, 6.4)."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen

from zenowasm.interp.limits import ModuleLimits
from zenowasm.interp.text.cursor import Cursor, Space
from zenowasm.interp.text.lexer import Source
from zenowasm.interp.types import (
    I32,
    I64,
    AbsHeapType,
    ArrayType,
    CompType,
    FieldType,
    FuncType,
    GlobalType,
    HeapType,
    Limits,
    MemType,
    NumType,
    PackedType,
    RecType,
    RefType,
    StructType,
    SubType,
    TableType,
    ValType,
    VecType,
)

_HEAPTYPES: Mapping[str, AbsHeapType] = {str(heap): heap for heap in AbsHeapType}
_REFTYPES: Mapping[str, RefType] = {str(type_): type_ for type_ in (RefType(True, heap) for heap in AbsHeapType)}
_VALTYPES: Mapping[str, ValType] = {**{str(t): t for t in (*NumType, *VecType)}, **_REFTYPES}
_PACKED: Mapping[str, PackedType] = {str(packed): packed for packed in PackedType}
_ADDRESSES = {"i32": I32, "i64": I64}


@frozen
class TypeUse:
    """A type use (specification, 6.4.15): an index, an inline type, or both. ``pos`` is the position for errors."""

    index: int | None
    inline: FuncType | None
    pos: int


class TypeParser(Cursor):
    """A parser of types that collects the module's types: its definitions, then those that type uses add."""

    def __init__(self, source: Source, pos: int, limits: ModuleLimits) -> None:
        """Begin at a token, without types."""
        super().__init__(source, pos)
        self.limits = limits
        self.types = Space("type")
        self.fields_by_type: dict[int, Space] = {}
        self.parameters_by_type: dict[int, Space] = {}
        self.rectypes: list[RecType] = []
        self.subtypes: list[SubType] = []
        self._functypes: dict[FuncType, int] = {}

    # -- value types (6.4.1 to 6.4.5) --

    def heaptype(self) -> HeapType:
        """Read a heap type (6.4.3)."""
        abstract = _HEAPTYPES.get(self.tokens[self.pos])
        if abstract is None:
            return self.index(self.types)
        self.pos += 1
        return abstract

    def reftype(self) -> RefType:
        """Read a reference type (6.4.4)."""
        found = _REFTYPES.get(self.tokens[self.pos])
        if found is not None:
            self.pos += 1
            return found
        if not self.open("ref"):
            self.fail("a reference type")
        type_ = RefType(self.take("null"), self.heaptype())
        self.close()
        return type_

    def valtype(self) -> ValType:
        """Read a value type (6.4.5)."""
        found = _VALTYPES.get(self.tokens[self.pos])
        if found is not None:
            self.pos += 1
            return found
        if not self.at("ref"):
            self.fail("a value type")
        return self.reftype()

    def at_reftype(self) -> bool:
        """Return whether a reference type is next."""
        return self.tokens[self.pos] in _REFTYPES or self.at("ref")

    def valtypes(self) -> list[ValType]:
        """Read value types up to and including a closing parenthesis."""
        types: list[ValType] = []
        while not self.closes():
            types.append(self.valtype())
        return types

    def results(self) -> list[ValType]:
        """Read any number of ``(result ...)``."""
        types: list[ValType] = []
        while self.open("result"):
            types += self.valtypes()
        return types

    def declarations(self, keyword: str, names: Space | None) -> list[ValType]:
        """Read any number of ``(param ...)`` or ``(local ...)``; identifiers are bound in ``names``, if given."""
        types: list[ValType] = []
        while self.open(keyword):
            if names is None:
                types += self.valtypes()
            elif self.tokens[self.pos].startswith("$") or self.name_annotation() is not None:
                self.bind(names)
                types.append(self.valtype())
                self.close()
            else:
                found = self.valtypes()
                names.count += len(found)
                types += found
        return types

    # -- type definitions (6.4.6 and 6.4.7) --

    def rectype(self) -> None:
        """Read ``(type ...)`` or ``(rec ...)``, whose identifiers are already bound, and add it to the types."""
        if not self.open("rec"):
            self._add(RecType((self._typedef(len(self.subtypes)),)))
            return
        subtypes: list[SubType] = []
        while not self.closes():
            if not self.at("type"):
                self.fail("'(type'")
            subtypes.append(self._typedef(len(self.subtypes) + len(subtypes)))
        self._add(RecType(tuple(subtypes), as_group=True))

    def _add(self, rectype: RecType) -> None:
        if len(rectype.subtypes) == 1:
            (subtype,) = rectype.subtypes
            if subtype.final and not subtype.supertypes and isinstance(subtype.composite, FuncType):
                self._functypes.setdefault(subtype.composite, len(self.subtypes))
        self.rectypes.append(rectype)
        self.subtypes += rectype.subtypes

    def _typedef(self, index: int) -> SubType:
        self.pos += 2
        self.identifier()
        if self.open("sub"):
            final = self.take("final")
            supertypes: list[HeapType] = []
            while self.at_index(self.pos):
                supertypes.append(self.index(self.types))
            subtype = SubType(self._comptype(index), final, tuple(supertypes))
            self.close()
        else:
            subtype = SubType(self._comptype(index))
        self.close()
        return subtype

    def _comptype(self, index: int) -> CompType:
        """Read a composite type (6.4.6)."""
        type_: CompType
        if self.open("func"):
            names = self.parameters_by_type[index] = Space("local", unique=False)
            parameters = self.declarations("param", names)
            type_ = FuncType(tuple(parameters), tuple(self.results()))
        elif self.open("struct"):
            type_ = StructType(self._fields(index))
        elif self.open("array"):
            type_ = ArrayType(self._fieldtype())
        else:
            self.fail("'(func', '(struct' or '(array'")
        self.close()
        return type_

    def _fields(self, index: int) -> tuple[FieldType, ...]:
        names = self.fields_by_type[index] = Space("field")
        fields: list[FieldType] = []
        while self.open("field"):
            if self.tokens[self.pos].startswith("$") or self.name_annotation() is not None:
                self.bind(names)
                fields.append(self._fieldtype())
                self.close()
                continue
            while not self.closes():
                names.count += 1
                fields.append(self._fieldtype())
        return tuple(fields)

    def _fieldtype(self) -> FieldType:
        mutable = self.open("mut")
        packed = _PACKED.get(self.tokens[self.pos])
        if packed is not None:
            self.pos += 1
        type_ = FieldType(packed or self.valtype(), mutable)
        if mutable:
            self.close()
        return type_

    # -- external types (6.4.8 to 6.4.14) --

    def address(self) -> NumType:
        """Read an address type; the default is i32 (6.4.8)."""
        found = _ADDRESSES.get(self.tokens[self.pos])
        if found is None:
            return I32
        self.pos += 1
        return found

    def size_range(self) -> Limits:
        """Read limits (6.4.9)."""
        minimum = self.unsigned(64)
        return Limits(minimum, self.unsigned(64) if self.at_index(self.pos) else None)

    def memtype(self) -> MemType:
        """Read a memory type (6.4.12)."""
        address = self.address()
        return MemType(self.size_range(), address)

    def tabletype(self) -> TableType:
        """Read a table type (6.4.13)."""
        address = self.address()
        limits = self.size_range()
        return TableType(self.reftype(), limits, address)

    def globaltype(self) -> GlobalType:
        """Read a global type (6.4.11)."""
        if not self.open("mut"):
            return GlobalType(self.valtype())
        type_ = GlobalType(self.valtype(), mutable=True)
        self.close()
        return type_

    # -- type uses (6.4.15) --

    def type_use(self, names: Space | None) -> TypeUse:
        """Read a type use; identifiers of parameters are bound in ``names``, and are forbidden without it."""
        pos = self.pos
        index = None
        if self.open("type"):
            index = self.index(self.types)
            self.close()
        parameters = self.declarations("param", names)
        results = self.results()
        inline = FuncType(tuple(parameters), tuple(results)) if parameters or results or index is None else None
        return TypeUse(index, inline, pos)

    def resolve(self, use: TypeUse) -> int:
        """Return the type index that a type use denotes.

        An inline type denotes the first equal type that is final, has no supertype and is alone in its recursive type.
        If there is none, it is added.
        """
        if use.index is None:
            assert use.inline is not None
            found = self._functypes.get(use.inline)
            if found is None:
                found = len(self.subtypes)
                self.types.count += 1
                self._add(RecType((SubType(use.inline),)))
            return found
        if use.inline is not None:
            if use.index >= len(self.subtypes):
                raise self.error(f"unknown type {use.index}: {len(self.subtypes)} are defined", use.pos)
            if self.subtypes[use.index].composite != use.inline:
                raise self.error(f"inline function type is not type {use.index}", use.pos)
        return use.index

    def parameters(self, index: int) -> int:
        """Return the number of parameters of a type, 0 if it does not exist or is not a function type."""
        composite = self.subtypes[index].composite if index < len(self.subtypes) else None
        return len(composite.parameters) if isinstance(composite, FuncType) else 0
