"""Code in the form that the interpreter runs: one (handler, immediate) pair for each instruction of a body.

A body is compiled to object code, which an earlier process may have made, and object code is linked. Neither step
removes an instruction, so a position in the code is a position in the body. Counting fuel needs no work at each
instruction: ``fuel_before[pc]`` is the cost of the instructions before ``pc`` in binary order, and a branch adds a
constant for its deviation from that order. The fuel consumed is the store's settled fuel plus ``fuel_before`` at the
innermost frame's ``pc``.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from attrs import define, field

from zenowasm.interp.binary.instructions import INSTRUCTION_BYTES
from zenowasm.interp.events import Paused
from zenowasm.interp.execution.fusion import fuse
from zenowasm.interp.execution.handlers import CONSTANT_IMMEDIATES, HANDLERS, KINDS, LINKERS, ROWS, plain_immediate
from zenowasm.interp.execution.object_code import Branch, ObjectCode, fuel_before, lower
from zenowasm.interp.execution.packing import pack, unpack
from zenowasm.interp.progress import Progress
from zenowasm.interp.runtime.instances import FunctionInstance
from zenowasm.interp.runtime.store import Store
from zenowasm.interp.runtime.values import TagReference, Value
from zenowasm.interp.syntax.module import Body, Expression, Instruction, spread
from zenowasm.interp.syntax.module import Code as Source
from zenowasm.interp.validation import ValidModule


class Clause(NamedTuple):
    """An executable catch clause; see ``syntax.module.Catch``."""

    tag: int | None
    reference: bool
    branch: Branch


class Region(NamedTuple):
    """The instructions of a ``try_table``: those after ``start`` and before ``end``."""

    start: int
    end: int
    clauses: Sequence[Clause]


@define(eq=False)
class Code:
    """An executable function: ``instructions`` one by one, and ``fused`` for executions without a probe.

    ``kinds`` are those of the instructions (see ``handlers``). ``locals`` are the initial values of the locals that are
    not parameters. ``size`` is the number of locals plus the maximum number of operands. ``regions`` are its
    ``try_table`` blocks, inner ones first. ``source`` is the module's entry from which it was compiled.
    """

    kinds: str
    instructions: Sequence[tuple[Any, Any]]
    fused: Sequence[tuple[Any, Any]]
    fuel_before: Sequence[int]
    locals: Sequence[Value]
    size: int
    regions: Sequence[Region]
    source: Source
    _body: Body | None = field(default=None, init=False)

    # Not a ``cached_property``: attrs would then generate a ``__getattr__``, after which Python specializes no
    # attribute of the class, and recursion took a tenth longer.
    @property
    def body(self) -> Body:
        """The body, decoded again on demand: only traps and debuggers use it."""
        if self._body is None:
            self._body = self.source.body()
        return self._body

    def at(self, pc: int) -> Instruction:
        """Return the instruction at ``pc``, with the handler's immediate as its only immediate."""
        return Instruction(ROWS[self.kinds[pc]], (self.instructions[pc][1],))

    def catching(self, pc: int, tag: TagReference, tags: Sequence[TagReference]) -> Clause | None:
        """Return the clause that catches an exception with that tag thrown at ``pc``, or ``None``."""
        for region in self.regions:
            if region.start < pc < region.end:
                for clause in region.clauses:
                    if clause.tag is None or tags[clause.tag] is tag:
                        return clause
        return None


def code_of(function: FunctionInstance) -> Code:
    """Return the function's code; it is made at the first call and shared by all instances of the module.

    An observed store may have an armed copy of it instead.
    """
    codes: dict[int, Code] = function.module.valid.codes
    code = codes.get(function.index)
    if code is None:
        code = codes[function.index] = _make(function)
    probe = function.module.store.probe
    if probe is not None:
        code = probe.code(function, code)
    function.code = code
    return code


def _look(store: Store) -> None:
    """Check the budget while no code runs; the next checkpoint stays where it is."""
    with suppress(Paused):  # a debugger's interrupt waits for a checkpoint between instructions
        store.checkpoint(store.settled_fuel)


def _make(function: FunctionInstance) -> Code:
    valid, store = function.module.valid, function.module.store
    context, codes = valid.context, valid.module.codes

    def checkpoint(held: int) -> None:
        valid.checkpoint(held)
        # Compiling a large function takes long, and its first caller may have little time left.
        _look(store)

    source = codes[function.index - (len(context.functions) - len(codes))]
    return link(function, source, _object_code(valid, function.index, source, Progress(checkpoint)))


def _object_code(valid: ValidModule, index: int, source: Source, progress: Progress) -> ObjectCode:
    """Return a function's object code: unpack the kept code, or compile the body and keep the result if requested."""
    kept = valid.packed_codes
    if kept is not None and (packed := kept.get(index)) is not None:
        made = unpack(packed)
        progress.hold(len(made.kinds) * INSTRUCTION_BYTES)
        return made
    made = lower(valid.context, index, source.body(progress), progress)
    if kept is not None and (packed := pack(made)) is not None:
        kept[index] = packed
    return made


def link(function: FunctionInstance, source: Source, made: ObjectCode) -> Code:
    """Link object code with the objects of this process: handlers, operators, types."""
    kinds, context = made.kinds, function.module.valid.context
    immediates = list(map(CONSTANT_IMMEDIATES.get, kinds, made.immediates))
    for at, kind in enumerate(kinds):
        if kind in LINKERS:
            immediates[at] = LINKERS[kind](context, immediates[at])
    plain = list(zip(map(HANDLERS.__getitem__, kinds), immediates, strict=True))
    locals_ = spread(made.locals)
    return Code(
        kinds,
        plain,
        fuse(kinds, plain),
        fuel_before(kinds),
        locals_,
        len(function.type.parameters) + len(locals_) + made.most_operands,
        [Region(start, end, [Clause(*it) for it in clauses]) for start, end, clauses in made.regions],
        source,
    )


def constant_code(expression: Expression) -> list[tuple[Any, Any]]:
    """Return the pairs of a constant expression without its ``end``; it has no blocks and no branches."""
    kinds = [KINDS[opcode] for opcode, _ in expression.instructions[:-1]]
    return [
        (HANDLERS[kind], CONSTANT_IMMEDIATES.get(kind, plain_immediate(instruction.immediates)))
        for kind, instruction in zip(kinds, expression.instructions, strict=False)
    ]
