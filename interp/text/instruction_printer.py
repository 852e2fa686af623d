"""Prints instructions (specification, 6.5). The instruction table defines the form of an instruction.

The printer of a row is composed from its immediates when the row first occurs: most of a module is its instructions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

from attrs import Factory, frozen

from zenowasm.interp.instructions import Immediate, Opcode, Structure
from zenowasm.interp.syntax.module import Catch, Expression, MemArg
from zenowasm.interp.text.naming import Identifiers
from zenowasm.interp.text.type_printer import TypePrinter
from zenowasm.interp.text.values import exact_text
from zenowasm.interp.types import F32, F64, I32, I64, NumType

_NUMBERS: Mapping[Immediate, NumType] = {
    Immediate.I32: I32,
    Immediate.I64: I64,
    Immediate.F32: F32,
    Immediate.F64: F64,
}
_SPACES = (Immediate.TABLEIDX, Immediate.MEMIDX)
"""Immediates that come first in the text and are omitted if all of them are 0."""
_CATCHES: Mapping[tuple[bool, bool], str] = {
    (True, False): "catch",
    (True, True): "catch_ref",
    (False, False): "catch_all",
    (False, True): "catch_all_ref",
}
"""The clauses of ``try_table`` (6.5.2), by whether they name a tag and whether they take the exception reference."""
_OPENS = (Structure.BLOCK, Structure.IF)
_CLOSES = (Structure.ELSE, Structure.END)


@frozen
class Scope:
    """The names that a function's instructions can refer to. ``open`` holds the numbers of the open blocks, from 1."""

    locals: Identifiers
    labels: Identifiers
    open: list[int] = Factory(list)

    def label(self, index: int) -> str:
        """Return a reference to a label: its identifier, or its index and, as a comment, its block's number."""
        if index >= len(self.open):
            return str(index)
        number = self.open[-1 - index]
        return self.labels.use(number - 1) if self.labels.has(number - 1) else f"{index} (;@{number};)"


_Writer: TypeAlias = Callable[[tuple[Any, ...], Scope], str]
"""A function that returns an instruction's text, given its immediates and the scope."""


class InstructionPrinter:
    """A printer for the instructions of one module."""

    def __init__(self, spaces: Mapping[Immediate, Identifiers], types: TypePrinter) -> None:
        """Set the identifiers of the index spaces, and the printer of types."""
        self._spaces = spaces
        self._types = types
        self._writers: dict[Opcode, _Writer] = {}

    def sequence(self, expression: Expression, scope: Scope) -> Iterator[tuple[int, str]]:
        """Yield the depth and the text of every instruction, including the final ``end``.

        An instruction that opens a block binds its label and has the block's number as a comment.
        """
        writers, open_, labels = self._writers, scope.open, 0
        for opcode, immediates in expression.instructions:
            structure = opcode.structure
            if structure is None:
                if not immediates:
                    yield len(open_), opcode.mnemonic
                    continue
                writer = writers.get(opcode)
                if writer is None:
                    writer = writers[opcode] = self._writer(opcode)
                yield len(open_), writer(immediates, scope)
            elif structure in _CLOSES:
                yield max(len(open_) - 1, 0), opcode.mnemonic
                if structure is Structure.END and open_:
                    open_.pop()
            else:
                text = self.instruction(opcode, immediates, scope, scope.labels.binding(labels))
                labels += 1
                yield len(open_), f"{text} (;@{labels};)"
                open_.append(labels)

    def instruction(self, opcode: Opcode, immediates: tuple[Any, ...], scope: Scope, label: str = "") -> str:
        """Print an instruction; ``label`` is the binding of a block's label."""
        if Immediate.FIELDIDX in opcode.immediates:
            typeidx, field = immediates
            return f"{opcode.mnemonic} {self._types.index(typeidx)} {self._types.field(typeidx, field)}"
        pairs = list(zip(opcode.immediates, immediates, strict=True))
        parts = [opcode.mnemonic, label]
        if any(value for kind, value in pairs if kind in _SPACES):
            parts += [self._spaces[kind].use(value) for kind, value in pairs if kind in _SPACES]
        for kind, value in pairs:
            if kind not in _SPACES:
                parts.append(self._immediate(opcode, kind, value, scope))
        return " ".join(part for part in parts if part)

    def constant(self, expression: Expression) -> list[str]:
        """Print a constant expression without its ``end``."""
        scope = Scope(Identifiers({}), Identifiers({}))
        return [self.instruction(opcode, immediates, scope) for opcode, immediates in expression.instructions[:-1]]

    def _writer(self, opcode: Opcode) -> _Writer:
        """Return the printer of a row; most instructions by far have one immediate of these kinds."""
        mnemonic, kinds = opcode.mnemonic, opcode.immediates
        if len(kinds) == 1 and kinds[0] not in _SPACES:
            match kinds[0]:
                case Immediate.LOCALIDX:
                    return lambda immediates, scope: f"{mnemonic} {scope.locals.use(immediates[0])}"
                case Immediate.LABELIDX:
                    return lambda immediates, scope: f"{mnemonic} {scope.label(immediates[0])}"
                case Immediate.I32 | Immediate.I64 as kind:
                    half = 1 << (31 if kind is Immediate.I32 else 63)
                    return lambda immediates, scope: f"{mnemonic} {(immediates[0] ^ half) - half}"
                case Immediate.MEMARG:
                    return _remembering(lambda immediates, scope: self.instruction(opcode, immediates, scope))
                case kind if kind in self._spaces:
                    use = self._spaces[kind].use
                    return lambda immediates, scope: f"{mnemonic} {use(immediates[0])}"
        return lambda immediates, scope: self.instruction(opcode, immediates, scope)

    def _immediate(self, opcode: Opcode, kind: Immediate, value: Any, scope: Scope) -> str:
        if kind in _NUMBERS:
            return _constant(_NUMBERS[kind], value)
        if kind in self._spaces:
            return self._spaces[kind].use(value)
        types = self._types
        match kind:
            case Immediate.LOCALIDX:
                return scope.locals.use(value)
            case Immediate.MEMARG:
                return self._memarg(opcode, value)
            case Immediate.LABELIDX:
                return scope.label(value)
            case Immediate.LABELIDX_VEC:
                return " ".join(map(scope.label, value))
            case Immediate.BLOCKTYPE:
                return types.external(value) if isinstance(value, int) else types.result(value).strip()
            case Immediate.TYPEIDX:
                return types.external(value) if Immediate.TABLEIDX in opcode.immediates else types.index(value)
            case Immediate.HEAPTYPE:
                return types.heap(value)
            case Immediate.REFTYPE | Immediate.NULLABLE_REFTYPE:
                return types.value(value)
            case Immediate.CAST:
                return f"{scope.label(value.label)} {types.value(value.source)} {types.value(value.target)}"
            case Immediate.CATCH_VEC:
                return " ".join(self._catch(catch, scope) for catch in value)
            case Immediate.V128:
                return f"i32x4 {' '.join(f'0x{value >> shift & 0xFFFFFFFF:08x}' for shift in (0, 32, 64, 96))}"
            case Immediate.LANEIDX_16:
                return " ".join(map(str, value))
            case Immediate.VALTYPE_VEC:
                return types.result(value).strip() or "(result)"  # without it, the mnemonic means another row
            case _:
                return str(value)

    def _memarg(self, opcode: Opcode, memarg: MemArg) -> str:
        parts = [self._spaces[Immediate.MEMIDX].use(memarg.memory)] if memarg.memory else []
        parts += [f"offset={memarg.offset}"] if memarg.offset else []
        natural = opcode.access is not None and opcode.access.width // 8 == 1 << memarg.align
        return " ".join(parts + ([] if natural else [f"align={1 << memarg.align}"]))

    def _catch(self, catch: Catch, scope: Scope) -> str:
        parts = [_CATCHES[catch.tag is not None, catch.reference]]
        parts += [] if catch.tag is None else [self._spaces[Immediate.TAGIDX].use(catch.tag)]
        return f"({' '.join(parts)} {scope.label(catch.label)})"


def _remembering(writer: _Writer) -> _Writer:
    """Return a writer that caches texts by immediates, which must mean the same in every scope."""
    known: dict[tuple[Any, ...], str] = {}

    def write(immediates: tuple[Any, ...], scope: Scope) -> str:
        text = known.get(immediates)
        if text is None:
            text = known[immediates] = writer(immediates, scope)
        return text

    return write


def _constant(type_: NumType, value: Any) -> str:
    text = exact_text(type_, value)
    if type_ in (F32, F64) and value == value and value not in (float("inf"), float("-inf")):
        return f"{text} (;={float(value)!r};)"
    return text
