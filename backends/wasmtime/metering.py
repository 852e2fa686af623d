"""Counts the growth of several memories, or several tables, together.

wasmtime's limiter compares the new size of a single memory or table with one number. That suffices for a module with a
single memory, but each of twenty memories could grow to the whole limit. A module with several is therefore rewritten
before it is compiled: ``memory.grow`` and ``table.grow`` become calls of added functions. These check the rest of the
store's quota, in a global that the store gives all its instances. They also count the fuel that they cost in addition
to the replaced instruction, so that it can be subtracted.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from attrs import evolve, field, frozen

from zenowasm.interp.binary import decode
from zenowasm.interp.binary.encoder import encode
from zenowasm.interp.instructions import TABLE, Immediate, Opcode
from zenowasm.interp.limits import PAGE_SIZE
from zenowasm.interp.progress import Progress
from zenowasm.interp.runtime.startup import SMALL_LENGTH
from zenowasm.interp.syntax.module import (
    Body,
    Code,
    ElementSegment,
    Expression,
    ExternKind,
    Global,
    Import,
    Instruction,
    Module,
    Table,
)
from zenowasm.interp.types import I32, I64, FuncType, GlobalType, NumType, RecType, SubType

COUNTER: Final = GlobalType(I64, mutable=True)
"""The type of the globals that a rewritten module imports at the end of its imports, in the order of ``_COUNTERS``."""
_COUNTERS: Final = ("memory left", "table left", "fuel of metering")
_MEMORY_LEFT, _TABLE_LEFT, _FUEL = range(len(_COUNTERS))
_TABLE_GROW: Final = TABLE.by_mnemonic["table.grow"]
_MEMORY_GROW: Final = TABLE.by_mnemonic["memory.grow"]
_TABLE_GROW_BYTES: Final = bytes((_TABLE_GROW.prefix or 0, _TABLE_GROW.code))
_MASK_64: Final = 0xFFFF_FFFF_FFFF_FFFF
_PAGE_SHIFT: Final = PAGE_SIZE.bit_length() - 1


@frozen(eq=False)
class Metered:
    """A rewritten module (``binary``, ``structure``), and the ``original``, in which places are reported."""

    original: Module
    binary: bytes
    structure: Module

    def place(self, function: int, offset: int) -> tuple[int, int] | None:
        """Return the original's function and byte offset, or ``None`` for a place in an added function."""
        own = function - len(self.original.imported(ExternKind.FUNC))
        if own >= len(self.original.codes):
            return None
        rewritten = self.structure.codes[own].body().expression.offsets
        original = self.original.codes[own].body().expression.offsets
        return function, original[max(bisect_right(rewritten, offset) - 1, 0)]


def metered(module: Module, binary: bytes, progress: Progress) -> Metered | None:
    """Return the module with its growth counted, or ``None`` if wasmtime's limiter suffices.

    The module need not be valid. Raises ``DecodeError`` for a malformed body, and any error of ``progress``.
    """
    memories = len(module.memory_types()) > 1
    tables = len(module.table_types()) > 1 and _TABLE_GROW_BYTES in binary
    if not memories and not tables:
        return None
    counted = {opcode for opcode, several in ((_MEMORY_GROW, memories), (_TABLE_GROW, tables)) if several}
    rewriter = _Rewriter(module, counted)
    codes = [rewriter.code(code.body(progress)) for code in module.codes]
    if not rewriter.added:
        return None
    rewritten = encode(rewriter.module(codes))
    return Metered(module, rewritten, decode(rewritten, progress=progress))


@frozen
class _Code:
    """An entry of the code section that is not yet encoded."""

    _body: Body
    offset: int = 0
    size: int = 0

    def body(self, progress: Progress | None = None) -> Body:
        """Return the body."""
        return self._body


@frozen
class _Growth:
    """The task of one added function: growing a memory or table, by a small ``constant`` unless that is ``None``.

    wasmtime charges a small constant even if growing fails, so the constant must remain a constant.
    """

    opcode: Opcode
    index: int
    constant: int | None


@frozen
class _Rewriter:
    _module: Module
    _counted: set[Opcode]
    added: dict[_Growth, Code] = field(factory=dict)

    def code(self, body: Body) -> Code:
        """Return a body that calls the added functions."""
        return _Code(evolve(body, expression=self._expression(body.expression)))

    def _expression(self, expression: Expression) -> Expression:
        return Expression(tuple(self._rewritten(expression.instructions)), ())

    def _rewritten(self, instructions: Iterable[Instruction]) -> Iterator[Instruction]:
        before: Instruction | None = None
        for instruction in instructions:
            opcode = instruction.opcode
            if opcode in self._counted and instruction.immediates[0] < self._space(opcode):
                growth = _Growth(opcode, instruction.immediates[0], _small_constant(before))
                yield _op("call", self._function(growth))
            elif Immediate.GLOBALIDX in opcode.immediates:
                yield Instruction(opcode, (self._global(instruction.immediates[0]),))
            else:
                yield instruction
            before = instruction

    def _space(self, opcode: Opcode) -> int:
        """Return the number of memories or tables; an index beyond it, in an invalid module, is not rewritten."""
        return len(self._module.memory_types() if opcode is _MEMORY_GROW else self._module.table_types())

    def _function(self, growth: _Growth) -> int:
        if growth not in self.added:
            self.added[growth] = _Code(self._growing(growth))
        return len(self._module.function_types()) + list(self.added).index(growth)

    def _global(self, index: int) -> int:
        return index if index < self._first_counter else index + len(_COUNTERS)

    @property
    def _first_counter(self) -> int:
        return len(self._module.imported(ExternKind.GLOBAL))

    def module(self, codes: Sequence[Code]) -> Module:
        """Return the module with these bodies, the added functions, and the counters."""
        module = self._module
        first_type = len(module.subtypes())
        return evolve(
            module,
            types=(*module.types, *(RecType((SubType(self._type(growth)),)) for growth in self.added)),
            imports=(*module.imports, *(Import("", name, ExternKind.GLOBAL, COUNTER) for name in _COUNTERS)),
            functions=(*module.functions, *range(first_type, first_type + len(self.added))),
            tables=tuple(
                Table(table.type, None if table.init is None else self._expression(table.init))
                for table in module.tables
            ),
            globals=tuple(Global(it.type, self._expression(it.init)) for it in module.globals),
            exports=tuple(
                evolve(it, index=self._global(it.index)) if it.kind is ExternKind.GLOBAL else it
                for it in module.exports
            ),
            elements=tuple(self._element(segment) for segment in module.elements),
            data=tuple(
                segment if segment.place is None else evolve(segment, place=self._expression(segment.place))
                for segment in module.data
            ),
            codes=(*codes, *self.added.values()),
        )

    def _element(self, segment: ElementSegment) -> ElementSegment:
        place = None if segment.place is None else self._expression(segment.place)
        return evolve(segment, init=tuple(map(self._expression, segment.init)), place=place)

    def _address(self, growth: _Growth) -> NumType:
        types = self._module.memory_types() if growth.opcode is _MEMORY_GROW else self._module.table_types()
        return types[growth.index].address

    def _type(self, growth: _Growth) -> FuncType:
        address = self._address(growth)
        if growth.opcode is _MEMORY_GROW:
            return FuncType((address,), (address,))
        return FuncType((self._module.table_types()[growth.index].element, address), (address,))

    def _growing(self, growth: _Growth) -> Body:
        """Return the body of an added function, which returns -1 if the quota is too small and otherwise grows."""
        address, small = self._address(growth), growth.constant
        memory = growth.opcode is _MEMORY_GROW
        left = self._first_counter + (_MEMORY_LEFT if memory else _TABLE_LEFT)
        fuel = self._first_counter + _FUEL
        count_local, former = (0, 1) if memory else (1, 2)
        extend = [] if address is I64 else [_op("i64.extend_i32_u")]
        scale = [_op("i64.const", _PAGE_SHIFT)] if memory else []
        count = _op("local.get", count_local) if small is None else _op(f"{address}.const", small)
        minus_one = _op(f"{address}.const", -1 & (0xFFFF_FFFF if address is I32 else _MASK_64))

        def charge(amount: int) -> list[Instruction]:
            # A refused growth may cost less than wasmtime charges for the instruction: the amount is then negative.
            constant = _op("i64.const", amount & _MASK_64)
            return [_op("global.get", fuel), constant, _op("i64.add"), _op("global.set", fuel)]

        charging = _cost(charge(0))
        test = [
            count,
            *extend,
            _op("global.get", left),
            *scale,
            *([_op("i64.shr_u")] if memory else []),
            _op("i64.gt_u"),
        ]
        refuse = [minus_one]
        grow = [*([] if memory else [_op("local.get", 0)]), count, Instruction(growth.opcode, (growth.index,))]
        keep = [_op("local.tee", former), minus_one, _op(f"{address}.ne")]
        take = [
            *[_op("global.get", left), count, *extend],
            *([*scale, _op("i64.shl")] if memory else []),
            *[_op("i64.sub"), _op("global.set", left)],
        ]
        done = [_op("local.get", former)]
        # The call and the function's entry; the costs below exclude wasmtime's charge for the instruction itself.
        entry = 2
        refused = entry + _cost([*test, _IF, *refuse, *charge(0), _op("return")]) - 1 - (small or 0)
        tested = entry + _cost([*test, _IF, *grow, *keep, _IF, *done]) + charging - 1
        return Body(
            ((1, address),),
            Expression(
                (
                    *test,
                    *[_IF, *charge(refused), *refuse, _op("return"), _END],
                    *grow,
                    *keep,
                    *[_IF, *take, *charge(_cost(take) + charging), _END],
                    *charge(tested),
                    *done,
                    _END,
                ),
                (),
            ),
        )


def _op(mnemonic: str, *immediates: Any) -> Instruction:
    return Instruction(TABLE.by_mnemonic[mnemonic], immediates)


_IF: Final = _op("if", ())
_END: Final = _op("end")


def _cost(instructions: Iterable[Instruction]) -> int:
    return sum(instruction.opcode.fuel for instruction in instructions)


def _small_constant(before: Instruction | None) -> int | None:
    """Return the count if a small constant directly precedes the instruction, as wasmtime's compiler sees it."""
    if before is None or before.opcode.mnemonic not in ("i32.const", "i64.const"):
        return None
    count: int = before.immediates[0]
    return count if count <= SMALL_LENGTH else None
