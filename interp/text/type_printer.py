"""Prints types (specification, 6.4) with the names of types, fields and parameters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from zenowasm.interp.binary import Names
from zenowasm.interp.text.naming import Identifiers
from zenowasm.interp.types import (
    I32,
    ArrayType,
    CompType,
    FieldType,
    FuncType,
    GlobalType,
    HeapType,
    MemType,
    NumType,
    PackedType,
    RefType,
    ResultType,
    SubType,
    TableType,
    ValType,
)


class TypePrinter:
    """A printer for the types of one module."""

    def __init__(self, names: Names) -> None:
        """Prepare to print with these names."""
        self.identifiers = Identifiers(names.types)
        self._fields: Mapping[int, Mapping[int, str]] = names.fields
        self._parameters: Mapping[int, Mapping[int, str]] = names.parameters
        self._fields_by_type: dict[int, Identifiers] = {}

    def index(self, typeidx: int) -> str:
        """Return a reference to a type."""
        return self.identifiers.use(typeidx)

    def field(self, typeidx: int, field: int) -> str:
        """Return a reference to a field of a structure type."""
        return self._field_identifiers(typeidx).use(field)

    def _field_identifiers(self, typeidx: int) -> Identifiers:
        found = self._fields_by_type.get(typeidx)
        if found is None:
            found = self._fields_by_type[typeidx] = Identifiers(self._fields.get(typeidx, {}))
        return found

    # -- value types (6.4.1 to 6.4.5) --

    def heap(self, heap: HeapType) -> str:
        """Print a heap type."""
        return self.index(heap) if isinstance(heap, int) else str(heap)

    def value(self, type_: ValType | PackedType) -> str:
        """Print a value type or a packed type."""
        if isinstance(type_, RefType) and isinstance(type_.heap, int):
            return f"(ref {'null ' if type_.nullable else ''}{self.index(type_.heap)})"
        return str(type_)

    def result(self, types: ResultType) -> str:
        """Print results after a space, or nothing if there are none."""
        return f" (result {' '.join(map(self.value, types))})" if types else ""

    def declared(self, keyword: str, types: Iterable[tuple[int, ValType]], identifiers: Identifiers) -> str:
        """Print parameters or locals: one pair of parentheses for each named one, one for each run of unnamed ones."""
        parts: list[str] = []
        run: list[str] = []
        for index, type_ in types:
            binding = identifiers.binding(index)
            if binding:
                parts += [f" ({keyword} {' '.join(run)})"] if run else []
                run = []
                parts.append(f" ({keyword} {binding} {self.value(type_)})")
            else:
                run.append(self.value(type_))
        parts += [f" ({keyword} {' '.join(run)})"] if run else []
        return "".join(parts)

    # -- type definitions (6.4.6 and 6.4.7) --

    def definition(self, index: int, subtype: SubType) -> str:
        """Print the definition of a type."""
        composite = self._composite(index, subtype.composite)
        if not subtype.final or subtype.supertypes:
            words = ["final"] * subtype.final + [self.heap(heap) for heap in subtype.supertypes] + [composite]
            composite = f"(sub {' '.join(words)})"
        return f"(type {self.identifiers.header(index)} {composite})"

    def _composite(self, index: int, composite: CompType) -> str:
        if isinstance(composite, FuncType):
            identifiers = Identifiers(self._parameters.get(index, {}))
            parameters = self.declared("param", enumerate(composite.parameters), identifiers)
            return f"(func{parameters}{self.result(composite.results)})"
        if isinstance(composite, ArrayType):
            return f"(array {self._fieldtype(composite.element)})"
        identifiers = self._field_identifiers(index)
        fields = (
            f" (field {identifiers.binding(at)}".rstrip() + f" {self._fieldtype(field)})"
            for at, field in enumerate(composite.fields)
        )
        return f"(struct{''.join(fields)})"

    def _fieldtype(self, type_: FieldType) -> str:
        storage = self.value(type_.storage)
        return f"(mut {storage})" if type_.mutable else storage

    # -- external types (6.4.8 to 6.4.14), without their keyword --

    def external(self, type_: int | TableType | MemType | GlobalType) -> str:
        """Print the type of an import or definition; an integer is the type index of a function or tag."""
        match type_:
            case TableType():
                return f"{_address(type_.address)}{type_.limits} {self.value(type_.element)}"
            case MemType():
                return f"{_address(type_.address)}{type_.limits}"
            case GlobalType():
                return f"(mut {self.value(type_.value)})" if type_.mutable else self.value(type_.value)
            case _:
                return f"(type {self.index(type_)})"


def _address(address: NumType) -> str:
    return "" if address is I32 else f"{address} "
