"""Where a value comes from: back through copies, to the instruction or the host call that made it.

A place (a local, an operand, a global, bytes of memory) has its value from the last instruction that wrote it. If that
instruction only moves a value, the search goes on with the place from which it took it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from attrs import define, evolve, field, frozen

from zenowasm.debugger.cells import Cell, GlobalCell, LocalCell, OperandCell, memory_writers
from zenowasm.debugger.watchpoints import Range, Watched
from zenowasm.interp.execution import Frame
from zenowasm.interp.execution.arming import Hook, arm
from zenowasm.interp.execution.code import Code
from zenowasm.interp.execution.handlers import ROWS
from zenowasm.interp.instructions import Effect, Opcode
from zenowasm.interp.runtime.instances import FunctionInstance, HostFunction, ModuleInstance
from zenowasm.interp.syntax.module import Instruction
from zenowasm.interp.types import FuncType
from zenowasm.interp.validation.context import function_type
from zenowasm.timetravel.places import (
    GlobalPlace,
    LocalPlace,
    MemoryPlace,
    OperandPlace,
    Place,
    source_of,
    target_of,
    width_of,
)
from zenowasm.timetravel.searches import Found, Scan
from zenowasm.timetravel.times import Time

if TYPE_CHECKING:
    from zenowasm.timetravel.observer import TravelObserver

_MAKE_NOTHING: Final = ("block", "br", "drop", "else", "end", "if", "loop", "return", "throw", "try", "unreachable")
_WRITE: Final = (".copy", ".drop", ".fill", ".init", ".set", ".store")
"""Parts of the names of instructions without results, whose rows do not say so."""
MOST_MOVES: Final = 200
"""The maximum number of moves through which a value is followed."""


def place_of(watched: Watched | Cell) -> Place | None:
    """Return the place that an expression names, or ``None`` for a place that cannot be followed."""
    match watched:
        case Range():
            return MemoryPlace(watched.memory, watched.start, watched.end)
        case LocalCell():
            return LocalPlace(watched.frame.depth, watched.index)
        case OperandCell():
            return OperandPlace(watched.frame.depth, watched.index)
        case GlobalCell():
            return GlobalPlace(watched.instance)
        case _:
            return None


@frozen
class Move:
    """What gave a place its value: the instruction ``pc`` of a function at a time, or a host function in it.

    ``source`` is the place from which it moved the value; otherwise, ``made`` says how the value came to be. At a
    function's entry, the value is the parameter ``argument``. At a call that has returned, it is the result that
    ``result`` counts from the last one.
    """

    time: Time
    function: FunctionInstance
    pc: int
    made: str = ""
    source: Place | None = None
    argument: int | None = None
    result: int | None = None
    after: Time | None = None
    """The time of the next instruction of the same call, after a call that has returned."""

    def __str__(self) -> str:
        match self.source:
            case LocalPlace(_, index):
                return f"copied from local {index}"
            case OperandPlace():
                return "taken from the operand stack"
            case GlobalPlace():
                return "copied from a global"
            case MemoryPlace(_, start, end):
                return f"copied from {end - start} bytes at 0x{start:x}"
        if self.argument is not None:
            return f"the argument {self.argument}"
        return "the result of a call" if self.result is not None else self.made


@define(eq=False)
class WriteScan(Scan):
    """Looks for the last write of a place before the end; ``move`` is what it did."""

    place: Place
    move: Move | None = field(default=None, init=False)
    _executing: Executing | None = field(default=None, init=False)
    _before_call: object = field(default=None, init=False)

    def arm(self, observer: TravelObserver, function: FunctionInstance, code: Code) -> Code:
        """Arm what may write the place."""
        match self.place:
            case LocalPlace():
                return self._arm_local(self.place, function, code)
            case OperandPlace():
                return self._arm_operand(self.place, code)
            case GlobalPlace():
                return self._arm_global(self.place, function, code)
            case MemoryPlace():
                return self._arm_memory(self.place, function.module, code)

    def host_called(self, observer: TravelObserver, frame: Frame, function: HostFunction, arguments: object) -> None:
        """Know the contents before a host function."""
        self._before_call = self._contents()

    def host_returned(self, observer: TravelObserver, frame: Frame) -> None:
        """Look whether the host has written the place."""
        if self._contents() != self._before_call:
            self._keep(frame, made="written by the host")

    def _contents(self) -> object:
        match self.place:
            case MemoryPlace(memory, start, end):
                return bytes(memory.data[start:end])
            case GlobalPlace(instance):
                return instance.value
            case _:
                return None

    def _keep(self, frame: Frame, made: str = "", source: Place | None = None, argument: int | None = None) -> None:
        pc = frame.pc - 1
        self._keep_move(Move(self.time(frame, pc), frame.function, pc, made, source, argument))

    def _keep_move(self, move: Move, *, at_end: bool = False) -> None:
        if move.time < self.end or (at_end and move.time == self.end):
            self.last, self.move = Found(move.time), move

    # -- locals --

    def _arm_local(self, place: LocalPlace, function: FunctionInstance, code: Code) -> Code:
        def sets(frame: Frame) -> None:
            if frame.depth == place.depth:
                self._keep(frame, source=OperandPlace(frame.depth, len(frame.stack) - 1))

        def enters(frame: Frame) -> None:
            if frame.depth == place.depth:
                is_argument = place.local < function.arity
                made = "" if is_argument else "the value with which a local begins"
                move = Move(self.time(frame, 0), function, 0, made, argument=place.local if is_argument else None)
                self._keep_move(move, at_end=True)  # before the first instruction

        found = [
            pc
            for pc, kind in enumerate(code.kinds)
            if ROWS[kind].mnemonic in ("local.set", "local.tee") and code.at(pc).immediates[0] == place.local
        ]
        return arm(code, (), {}, dict.fromkeys(found, sets), entry_hook=enters)

    # -- operands --

    def _arm_operand(self, place: OperandPlace, code: Code) -> Code:
        def executes(frame: Frame) -> None:
            if frame.depth == place.depth:
                self._made(place, frame)
                self._executing = executing(frame, frame.pc - 1, self.time(frame, frame.pc - 1))

        return arm(code, (), {}, dict.fromkeys(range(len(code.kinds)), executes))

    def _made(self, place: OperandPlace, frame: Frame) -> None:
        """Keep the instruction before in this call, if it has left the operand there."""
        executed, length = self._executing, len(frame.stack)
        if executed is None or executed.frame is not frame or self.time(frame, frame.pc - 1) > self.end:
            return
        if length - executed.results <= place.height < length:
            move = executed.move
            if move.result is not None:
                move = evolve(move, result=length - 1 - place.height, after=self.time(frame, frame.pc - 1))
            self._keep_move(move)

    # -- globals and memories --

    def _arm_global(self, place: GlobalPlace, function: FunctionInstance, code: Code) -> Code:
        def sets(frame: Frame) -> None:
            self._keep(frame, source=OperandPlace(frame.depth, len(frame.stack) - 1))

        own = function.module.globals
        found = [
            pc
            for pc, kind in enumerate(code.kinds)
            if ROWS[kind].mnemonic == "global.set" and own[code.at(pc).immediates[0]] is place.instance
        ]
        return arm(code, (), {}, dict.fromkeys(found, sets)) if found else code

    def _arm_memory(self, place: MemoryPlace, module: ModuleInstance, code: Code) -> Code:
        hooks = {}
        for pc in memory_writers(place.memory, module, code):
            target = target_of(code.at(pc))
            if target is not None:
                hooks[pc] = self._store_hook(place, code.at(pc), target)
        return arm(code, (), {}, hooks) if hooks else code

    def _store_hook(self, place: MemoryPlace, instruction: Instruction, target: Callable[[Frame], MemoryPlace]) -> Hook:
        def writes(frame: Frame) -> None:
            written = target(frame)
            start, end = max(place.start, written.start), min(place.end, written.end)
            if written.memory is not place.memory or start >= end:
                return
            source = source_of(instruction, frame)
            if isinstance(source, MemoryPlace):  # of a copy, follow only these bytes
                by = source.start - written.start
                source = MemoryPlace(source.memory, start + by, end + by)
            self._keep(frame, "" if source else f"written by {instruction.opcode}", source)

        return writes


@frozen(eq=False)
class Executing:
    """An instruction that executes: what it does if it makes an operand, and how many operands it makes.

    Of a call, ``first`` is the height of the first argument.
    """

    frame: Frame
    move: Move
    results: int
    first: int = 0


def executing(frame: Frame, pc: int, time: Time) -> Executing:
    """Return what the instruction ``pc`` of an active call is about to do."""
    stack, depth = frame.stack, frame.depth
    instruction = frame.code.at(pc)
    opcode, name, (immediate,) = instruction.opcode, instruction.opcode.mnemonic, instruction.immediates
    made, result, first, results = f"made by {name}", None, 0, _results(opcode)
    source: Place | None = None
    match name:
        case "local.get":
            source = LocalPlace(depth, immediate)
        case "local.tee":
            source = OperandPlace(depth, len(stack) - 1)
        case "global.get":
            source = GlobalPlace(frame.module.globals[immediate])
        case "select":
            source = OperandPlace(depth, len(stack) - (3 if stack[-1] else 2))
        case "call" | "call_indirect" | "call_ref":
            type_, above = _called(frame, name, immediate)
            result, results, first = 0, len(type_.results), len(stack) - above - len(type_.parameters)
        case _ if opcode.access is not None and Effect.READS_MEMORY in opcode.effects and not opcode.lanes:
            start = stack[-1] + immediate[1]
            source = MemoryPlace(frame.module.memories[immediate[0]], start, start + width_of(opcode))
        case _ if opcode.constant and opcode.parameters == () and not name.startswith("ref"):
            made = f"the constant of {name} {immediate}"
    return Executing(frame, Move(time, frame.function, pc, made, source, result=result), results, first)


def _called(frame: Frame, name: str, immediate: Any) -> tuple[FuncType, int]:
    """Return the type of a called function, and the number of operands above its arguments."""
    if name == "call":
        return frame.module.functions[immediate].type, 0
    if name == "call_indirect":
        return function_type(immediate[0]), 1
    referenced = frame.stack[-1]
    return (FuncType((), ()) if referenced is None else referenced.type), 1


def _results(opcode: Opcode) -> int:
    """Return how many operands an instruction makes that is no call; a branch only moves some."""
    if opcode.results is not None:
        return len(opcode.results)
    name = opcode.mnemonic
    return 0 if name.startswith(_MAKE_NOTHING) or any(it in name for it in _WRITE) else 1
