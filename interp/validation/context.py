"""The validation context C (specification, 3.1.1): the contents of a module's index spaces. All types are closed."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from zenowasm.interp.canonical import close_group, close_valtype
from zenowasm.interp.errors import ValidationError
from zenowasm.interp.instructions import TABLE
from zenowasm.interp.matching import LinkType, TagDefType, matches_comptype
from zenowasm.interp.syntax.module import Expression, ExternKind, Module
from zenowasm.interp.types import (
    DefType,
    ExportType,
    ExternType,
    FuncType,
    GlobalType,
    ImportType,
    MemType,
    RefType,
    TableType,
    TagType,
)

_REF_FUNC = TABLE.by_mnemonic["ref.func"]


@frozen(eq=False)
class Context:
    """The index spaces that a module's instructions may refer to.

    ``references`` are the functions that ``ref.func`` may name in bodies; ``imported_globals`` is the number of
    imported globals, which precede the module's own. ``imports`` are the types that linking has to match, in order.
    """

    types: Sequence[DefType]
    functions: Sequence[DefType]
    tables: Sequence[TableType]
    memories: Sequence[MemType]
    globals: Sequence[GlobalType]
    tags: Sequence[DefType]
    elements: Sequence[RefType]
    data_count: int
    references: frozenset[int]
    imported_globals: int
    imports: Sequence[LinkType]

    @classmethod
    def of(cls, module: Module) -> Context:
        """Build the context of a module; raises ``ValidationError`` for invalid types and unknown type indices."""
        types = _types(module)

        def defined(typeidx: int) -> DefType:
            if typeidx >= len(types):
                raise ValidationError(f"unknown type {typeidx}: the module defines {len(types)}")
            if not isinstance(types[typeidx].composite, FuncType):
                raise ValidationError(f"unknown type: a function type is needed, type {typeidx} is none")
            return types[typeidx]

        def reference(type_: RefType) -> RefType:
            closed = close_valtype(type_, types)
            assert isinstance(closed, RefType)
            return closed

        def table(type_: TableType) -> TableType:
            return TableType(reference(type_.element), type_.limits, type_.address)

        def global_(type_: GlobalType) -> GlobalType:
            return GlobalType(close_valtype(type_.value, types), type_.mutable)

        imports: list[LinkType] = []
        for entry in module.imports:
            match entry.type:
                case int():
                    type_ = defined(entry.type)
                    imports.append(TagDefType(type_) if entry.kind is ExternKind.TAG else type_)
                case TableType():
                    imports.append(table(entry.type))
                case GlobalType():
                    imports.append(global_(entry.type))
                case MemType():
                    imports.append(entry.type)
        return cls(
            types=types,
            functions=[defined(typeidx) for typeidx in module.function_types()],
            tables=[table(type_) for type_ in module.table_types()],
            memories=module.memory_types(),
            globals=[global_(type_) for type_ in module.global_types()],
            tags=[defined(typeidx) for typeidx in module.tag_types()],
            elements=[reference(segment.type) for segment in module.elements],
            data_count=len(module.data),
            references=frozenset(_references(module)),
            imported_globals=len(module.imported(ExternKind.GLOBAL)),
            imports=imports,
        )

    def import_types(self, module: Module) -> tuple[ImportType, ...]:
        """Return the module's imports as an embedder sees them."""
        return tuple(
            ImportType(entry.module, entry.name, _extern_type(type_))
            for entry, type_ in zip(module.imports, self.imports, strict=True)
        )

    def export_types(self, module: Module) -> tuple[ExportType, ...]:
        """Return the module's exports as an embedder sees them."""
        spaces: dict[ExternKind, Sequence[LinkType]] = {
            ExternKind.FUNC: self.functions,
            ExternKind.TABLE: self.tables,
            ExternKind.MEM: self.memories,
            ExternKind.GLOBAL: self.globals,
            ExternKind.TAG: [TagDefType(type_) for type_ in self.tags],
        }
        return tuple(ExportType(e.name, _extern_type(spaces[e.kind][e.index])) for e in module.exports)


def function_type(type_: DefType) -> FuncType:
    """Return the function type of a defined type that is known to be one."""
    assert isinstance(type_.composite, FuncType)
    return type_.composite


def _extern_type(type_: LinkType) -> ExternType:
    match type_:
        case DefType():
            return function_type(type_)
        case TagDefType():
            return TagType(function_type(type_.type))
        case _:
            return type_


def _types(module: Module) -> list[DefType]:
    """Close the module's types and check their declared supertypes (3.2.9 to 3.2.11)."""
    types: list[DefType] = []
    for rectype in module.types:
        first = len(types)
        types += close_group(rectype, types)
        for index, subtype in enumerate(rectype.subtypes, start=first):
            if len(subtype.supertypes) > 1:
                raise ValidationError(f"sub type: type {index} has {len(subtype.supertypes)} supertypes, 1 is allowed")
            for supertype in subtype.supertypes:
                assert isinstance(supertype, int)
                if supertype >= index:
                    raise ValidationError(f"unknown type {supertype}: a supertype of {index} must be defined before it")
                if types[supertype].final:
                    raise ValidationError(f"sub type: type {supertype} is final, type {index} cannot extend it")
                if not matches_comptype(types[index].composite, types[supertype].composite):
                    raise ValidationError(f"sub type: type {index} does not match its supertype {supertype}")
    return types


def _references(module: Module) -> set[int]:
    """Return the functions that the module refers to outside bodies and the start function (3.5.1)."""
    expressions: list[Expression] = [entry.init for entry in module.globals]
    expressions += [table.init for table in module.tables if table.init is not None]
    for segment in module.elements:
        expressions += segment.init
        expressions += [segment.place] if segment.place is not None else []
    found = {export.index for export in module.exports if export.kind is ExternKind.FUNC}
    for expression in expressions:
        for opcode, immediates in expression.instructions:
            if opcode is _REF_FUNC:
                found.add(immediates[0])
    return found
