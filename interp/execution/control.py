"""Control instructions (specification, 4.6.2 and 4.6.15). Branch immediates are ``code.Branch`` lists."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zenowasm.interp.errors import Trap, TrapCode
from zenowasm.interp.execution.registry import executes
from zenowasm.interp.matching import matches_deftype
from zenowasm.interp.runtime.instances import Function
from zenowasm.interp.runtime.values import ExceptionInstance, matches_reference
from zenowasm.interp.types import DefType, RefType

if TYPE_CHECKING:
    from zenowasm.interp.execution.configuration import Frame


@executes("unreachable")
def unreachable(frame: Frame, _: object) -> None:
    raise Trap(TrapCode.UNREACHABLE)


@executes("nop")
def nop(frame: Frame, _: object) -> None:
    pass


@executes("block")
def block(frame: Frame, _: object) -> None:
    pass


@executes("loop")
def loop(frame: Frame, fuel_before: int) -> None:
    """Enter a loop, initially or by a branch, and check the embedder's budget."""
    store = frame.store
    consumed = store.settled_fuel + fuel_before
    if consumed >= store.checkpoint_fuel:
        store.checkpoint_fuel = store.checkpoint(consumed)


@executes("if")
def if_(frame: Frame, otherwise: list[int]) -> None:
    if not frame.stack.pop():
        br(frame, otherwise)


@executes("else")
def else_(frame: Frame, branch: list[int]) -> None:
    """Jump over the second arm; only the end of the first arm reaches this instruction."""
    br(frame, branch)


@executes("end")
def end(frame: Frame, arity: int | None) -> None:
    """Do nothing at the end of a block, return at the end of a function."""
    if arity is not None:
        return_(frame, arity)


@executes("br")
def br(frame: Frame, branch: list[int]) -> None:
    frame.pc, height, arity, fuel = branch
    frame.store.settled_fuel += fuel
    stack = frame.stack
    top = len(stack) - arity
    if top != height:
        del stack[height:top]


@executes("br_if")
def br_if(frame: Frame, branch: list[int]) -> None:
    if frame.stack.pop():
        br(frame, branch)


@executes("br_table")
def br_table(frame: Frame, branches: tuple[list[int], ...]) -> None:
    stack = frame.stack
    index = stack.pop()
    # ``br``, inlined: interpreters that run inside a guest execute this instruction most.
    frame.pc, height, arity, fuel = branches[index] if index < len(branches) else branches[-1]
    frame.store.settled_fuel += fuel
    top = len(stack) - arity
    if top != height:
        del stack[height:top]


@executes("return")
def return_(frame: Frame, arity: int) -> None:
    """Return from the innermost frame with the topmost operands as results (specification, 4.6.16)."""
    configuration = frame.configuration
    stack = frame.stack
    results = stack if len(stack) == arity else stack[len(stack) - arity :]
    # This is ``Configuration._pop_frame``, inlined: returning is half the cost of a call.
    store = frame.store
    settled = store.settled_fuel + frame.code.fuel_before[frame.pc]
    caller = configuration.frame = frame.caller
    if caller is None:
        configuration.results = results
    else:
        caller.stack += results
        settled -= caller.code.fuel_before[caller.pc]
    store.settled_fuel = settled


@executes("call")
def call(frame: Frame, index: int) -> None:
    function = frame.module.functions[index]
    frame.configuration.call(function, frame.pop(function.arity))


def _indirect(frame: Frame, immediates: tuple[DefType, int]) -> Function:
    """Pop the table index of an indirect call; return the function after checking its type."""
    expected, tableidx = immediates
    elements = frame.module.tables[tableidx].elements
    index = frame.stack.pop()
    if index >= len(elements):
        raise Trap(TrapCode.UNDEFINED_ELEMENT, f"{index} of a table of {len(elements)}")
    function: Function | None = elements[index]
    if function is None:
        raise Trap(TrapCode.UNINITIALIZED_ELEMENT, str(index))
    if function.deftype is not expected and not matches_deftype(function.deftype, expected):
        raise Trap(TrapCode.INDIRECT_CALL_TYPE_MISMATCH, f"{expected.composite} is expected, {function.type} was found")
    return function


def _referenced(frame: Frame) -> Function:
    function: Function | None = frame.stack.pop()
    if function is None:
        raise Trap(TrapCode.NULL_FUNCTION_REFERENCE)
    return function


@executes("call_indirect")
def call_indirect(frame: Frame, immediates: tuple[DefType, int]) -> None:
    function = _indirect(frame, immediates)
    frame.configuration.call(function, frame.pop(function.arity))


@executes("call_ref")
def call_ref(frame: Frame, _: object) -> None:
    function = _referenced(frame)
    frame.configuration.call(function, frame.pop(function.arity))


@executes("return_call")
def return_call(frame: Frame, index: int) -> None:
    frame.configuration.tail_call(frame.module.functions[index])


@executes("return_call_indirect")
def return_call_indirect(frame: Frame, immediates: tuple[DefType, int]) -> None:
    frame.configuration.tail_call(_indirect(frame, immediates))


@executes("return_call_ref")
def return_call_ref(frame: Frame, _: object) -> None:
    frame.configuration.tail_call(_referenced(frame))


@executes("try_table")
def try_table(frame: Frame, _: object) -> None:
    """Do nothing: a throw searches the catch clauses of the enclosing blocks."""


@executes("throw")
def throw(frame: Frame, index: int) -> None:
    tag = frame.module.tags[index]
    fields = frame.pop(len(tag.type.type.parameters))
    frame.configuration.throw(ExceptionInstance(tag, tuple(fields)))


@executes("throw_ref")
def throw_ref(frame: Frame, _: object) -> None:
    exception = frame.stack.pop()
    if exception is None:
        raise Trap(TrapCode.NULL_EXCEPTION_REFERENCE)
    frame.configuration.throw(exception)


@executes("br_on_null")
def br_on_null(frame: Frame, branch: list[int]) -> None:
    if frame.stack[-1] is None:
        frame.stack.pop()
        br(frame, branch)


@executes("br_on_non_null")
def br_on_non_null(frame: Frame, branch: list[int]) -> None:
    if frame.stack[-1] is None:
        frame.stack.pop()
    else:
        br(frame, branch)


@executes("br_on_cast")
def br_on_cast(frame: Frame, immediates: tuple[list[int], RefType]) -> None:
    branch, target = immediates
    if matches_reference(frame.stack[-1], target):
        br(frame, branch)


@executes("br_on_cast_fail")
def br_on_cast_fail(frame: Frame, immediates: tuple[list[int], RefType]) -> None:
    branch, target = immediates
    if not matches_reference(frame.stack[-1], target):
        br(frame, branch)
