"""Opens a coredump: builds the trapped execution again, so that a debugger can look into it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import Final, cast

from zenowasm.backends.protocol import Engine, SteppingStore, Store
from zenowasm.coredumps.errors import CoredumpError, DumpedError
from zenowasm.coredumps.format import MISSING, Coredump, DumpedFrame, DumpedInstance
from zenowasm.coredumps.reading import MOST_MEMORY
from zenowasm.interp.binary import decode
from zenowasm.interp.errors import DecodeError, LimitError, ValidationError, WasmError
from zenowasm.interp.execution import Configuration, Frame, new_store
from zenowasm.interp.execution.code import Code, code_of
from zenowasm.interp.instructions import Effect
from zenowasm.interp.limits import ExecutionLimits
from zenowasm.interp.runtime.instances import (
    FunctionInstance,
    GlobalInstance,
    HostFunction,
    ModuleInstance,
    TagInstance,
)
from zenowasm.interp.runtime.memory import MemoryInstance
from zenowasm.interp.runtime.table import TableInstance
from zenowasm.interp.runtime.values import Value
from zenowasm.interp.syntax.module import locals_of
from zenowasm.interp.types import GlobalType, Limits, MemType, RefType, ValType
from zenowasm.interp.validation import ValidModule, operands_of, validate_lazily
from zenowasm.interp.validation.context import function_type
from zenowasm.interp.validation.function import Bottom, OperandType

_UNKNOWN: Final = "the coredump does not say why the guest trapped"


class PostMortem:
    """A coredump with its modules: an execution that can be looked into, but not continued.

    ``read`` returns the bytes of a module by its name in the coredump. Raises ``CoredumpError`` if a module is not the
    one of the coredump.
    """

    def __init__(self, dump: Coredump, read: Callable[[str], bytes]) -> None:
        self._dump = dump
        self._store = new_store(ExecutionLimits(memory_bytes=MOST_MEMORY))
        self._configuration = Configuration(self._store)
        self._operand_types: dict[FunctionInstance, Sequence[Sequence[OperandType]]] = {}
        valid = [_valid(name, read(name)) for name in dump.modules]
        memories = [self._memory(type_, data) for type_, data in dump.memories]
        self._instances = [self._instance(it, valid[it.module], memories) for it in dump.instances]
        for depth, dumped in enumerate(reversed(dump.frames)):
            self._push(dumped, is_innermost=depth == len(dump.frames) - 1)

    def run(self, engine: Engine, on_store: Callable[[str, Store], None]) -> None:
        """Show the trap to the observer that ``on_store`` gives a store; ``engine`` can step."""
        store = engine.new_store()
        on_store(self._dump.name, store)
        probe = cast(SteppingStore, store).probe
        if probe is not None:
            probe.entered(self._configuration)
            probe.before_unwinding(self._configuration, DumpedError(self._dump.error or _UNKNOWN))
            probe.left(self._configuration)

    def _memory(self, type_: MemType, data: bytes | bytearray) -> MemoryInstance:
        empty = MemType(Limits(0, type_.limits.maximum), type_.address)
        memory = MemoryInstance(empty, self._store.memory_quota)
        memory.data = data if isinstance(data, bytearray) else bytearray(data)
        return memory

    def _instance(
        self, dumped: DumpedInstance, valid: ValidModule, memories: Sequence[MemoryInstance]
    ) -> ModuleInstance:
        context = valid.context
        instance = ModuleInstance(self._store, valid)
        imported = len(context.functions) - len(valid.module.codes)
        for index, type_ in enumerate(context.functions):
            if index < imported:
                instance.functions.append(HostFunction(self._store, function_type(type_), _absent))
            else:
                instance.functions.append(FunctionInstance(instance, index, type_))
        _expect_equal("memories", len(context.memories), len(dumped.memories))
        instance.memories = [memories[index] for index in dumped.memories]
        _expect_equal("globals", len(context.globals), len(dumped.globals))
        for number, index in enumerate(dumped.globals):
            declared, (dumped_type, value) = context.globals[number], self._dump.globals[index]
            if isinstance(declared.value, RefType):  # null in the coredump
                declared = GlobalType(RefType(True, declared.value.heap), declared.mutable)
            else:
                _expect_equal(f"type of global {number}", declared.value, dumped_type)
            try:
                instance.globals.append(GlobalInstance(self._store, declared, value))
            except (TypeError, ValueError) as error:
                raise CoredumpError(f"the coredump is damaged: the value of global {number}: {error}") from error
        try:
            instance.tables = [TableInstance(type_, self._store.table_quota) for type_ in context.tables]
        except LimitError as error:
            raise CoredumpError(f"the module of the coredump cannot be opened: {error}") from error
        instance.tags = [TagInstance(self._store, type_) for type_ in context.tags]
        return instance

    def _push(self, dumped: DumpedFrame, *, is_innermost: bool) -> None:
        """Push an active call inside the ones before."""
        function = _function(self._instances[dumped.instance], dumped.function)
        try:
            code = code_of(function)
        except WasmError as error:
            raise CoredumpError(f"function {function.index} of the module is invalid: {error}") from error
        types = locals_of(function.type, code.body)
        frame = Frame()
        frame.configuration = self._configuration
        frame.store = self._store
        frame.caller = self._configuration.frame
        frame.depth = 1 if frame.caller is None else frame.caller.depth + 1
        frame.values = 0
        frame.function = function
        frame.module = function.module
        frame.code = code
        frame.fused = code.fused
        frame.locals = _locals(function, types, dumped)
        pc = _position(function, code, dumped, is_innermost=is_innermost)
        frame.stack = self._operands(function, code, pc, dumped)
        frame.pc = pc + 1
        self._configuration.frame = frame

    def _operands(self, function: FunctionInstance, code: Code, pc: int, dumped: DumpedFrame) -> list[Value]:
        """Return the operands of a call; what its instruction has popped was on top."""
        types = self._operand_types.get(function)
        if types is None:
            points = operands_of(function.module.valid.context, function.index, code.body)
            types = self._operand_types[function] = [it.types for it in points]
        if dumped.offset:
            if len(dumped.stack) > len(types[pc]):
                raise _misfit(f"function {function.index} has at most {len(types[pc])} operands there")
            for expected, (found, _) in zip(types[pc], dumped.stack, strict=False):
                if found is not None and not isinstance(expected, Bottom):
                    _expect_equal(f"type of an operand of function {function.index}", expected, found)
        return [value for _, value in dumped.stack]


def _valid(name: str, binary: bytes) -> ValidModule:
    try:
        return validate_lazily(decode(binary))
    except (DecodeError, LimitError, ValidationError) as error:
        raise CoredumpError(f"the module {name} of the coredump cannot be read: {error}") from error


def _function(instance: ModuleInstance, index: int) -> FunctionInstance:
    functions = instance.functions
    found = functions[index] if index < len(functions) else None
    if not isinstance(found, FunctionInstance):
        raise _misfit(f"function {index} is active, and the module has no such function of its own")
    return found


def _locals(function: FunctionInstance, types: Sequence[ValType], dumped: DumpedFrame) -> list[Value]:
    if not dumped.locals:  # of an engine that cannot know them
        return [MISSING] * len(types)
    _expect_equal(f"locals of function {function.index}", len(types), len(dumped.locals))
    for number, (type_, (found, _)) in enumerate(zip(types, dumped.locals, strict=True)):
        if found is not None:
            _expect_equal(f"type of local {number} of function {function.index}", type_, found)
    return [value for _, value in dumped.locals]


def _position(function: FunctionInstance, code: Code, dumped: DumpedFrame, *, is_innermost: bool) -> int:
    """Return the instruction of an active call; one that is not the innermost must be at a call."""
    if not dumped.offset:  # unknown
        return 0
    expression = code.body.expression
    offset = code.source.offset + dumped.offset
    pc = bisect_left(expression.offsets, offset)
    if pc == len(expression.offsets) or expression.offsets[pc] != offset:
        raise _misfit(f"function {function.index} has no instruction at its byte {dumped.offset}")
    if not is_innermost and Effect.CALLS not in expression.instructions[pc].opcode.effects:
        raise _misfit(f"the instruction at byte {dumped.offset} of function {function.index} is no call")
    return pc


def _expect_equal(what: str, expected: object, found: object) -> None:
    if expected != found:
        raise _misfit(f"{what}: {expected} in the module, {found} in the coredump")


def _misfit(why: str) -> CoredumpError:
    return CoredumpError(f"the module is another one than that of the coredump: {why}")


def _absent(*_: object) -> Sequence[Value]:
    raise DumpedError("a coredump cannot run")
