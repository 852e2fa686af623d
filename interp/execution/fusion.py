"""Fuses short runs of instructions for executions that nobody watches.

A fused list has as many entries as the plain one and the same meaning at every position: the entry at the head of a run
executes the whole run and moves ``pc`` behind it, the entries inside of the run stay as they are, so a branch into it
needs nothing. Only the last instruction of a run can trap or branch, and ``pc`` points behind it when it does. So
whoever stops, steps or looks at a trap sees single instructions, and fuel (a function of ``pc``) stays exact.

Operands that come from locals and constants are the common case; a fused run takes them from there without the stack.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from zenowasm.interp.execution import control, numeric, variables

if TYPE_CHECKING:
    from zenowasm.interp.execution.configuration import Frame

Pair: TypeAlias = tuple[Callable[[Any, Any], None], Any]
Operator: TypeAlias = Callable[[Any, Any], Any]

LONGEST = 4


def fuse(plain: Sequence[Pair]) -> list[Pair]:
    """Return the fused form of a function's code."""
    fused = list(plain)
    quiet = 0  # how many instructions that do nothing stand from here on
    for at in range(len(plain) - 1, -1, -1):
        quiet = quiet + 1 if _does_nothing(plain[at]) else 0
        if quiet > 1:
            fused[at] = (_skip, quiet - 1)
            continue
        names = tuple(_KINDS.get(handler, "") for handler, _ in plain[at : at + LONGEST])
        for length in range(len(names), 1, -1):
            run = _RUNS.get(names[:length])
            if run is not None:
                fused[at] = (run, tuple(immediate for _, immediate in plain[at : at + length]))
                break
    return fused


def _does_nothing(pair: Pair) -> bool:
    handler, immediate = pair
    return handler in _QUIET or (handler is control.end and immediate is None)


def _skip(frame: Frame, count: int) -> None:
    frame.pc += count


# -- two locals, or a local and a constant, and an operator --


def _get_get_binary(frame: Frame, run: tuple[int, int, Operator]) -> None:
    first, second, operator = run
    frame.pc += 2
    frame.stack.append(operator(frame.locals[first], frame.locals[second]))


def _get_const_binary(frame: Frame, run: tuple[int, Any, Operator]) -> None:
    local, constant, operator = run
    frame.pc += 2
    frame.stack.append(operator(frame.locals[local], constant))


def _get_get_binary_set(frame: Frame, run: tuple[int, int, Operator, int]) -> None:
    first, second, operator, target = run
    frame.pc += 2
    frame.locals[target] = operator(frame.locals[first], frame.locals[second])
    frame.pc += 1


def _get_const_binary_set(frame: Frame, run: tuple[int, Any, Operator, int]) -> None:
    local, constant, operator, target = run
    frame.pc += 2
    frame.locals[target] = operator(frame.locals[local], constant)
    frame.pc += 1


def _get_get_binary_tee(frame: Frame, run: tuple[int, int, Operator, int]) -> None:
    _get_get_binary(frame, run[:3])
    frame.locals[run[3]] = frame.stack[-1]
    frame.pc += 1


def _get_const_binary_tee(frame: Frame, run: tuple[int, Any, Operator, int]) -> None:
    local, constant, operator, target = run
    frame.pc += 2
    value = frame.locals[target] = operator(frame.locals[local], constant)
    frame.stack.append(value)
    frame.pc += 1


def _get_get_binary_br_if(frame: Frame, run: tuple[int, int, Operator, list[int]]) -> None:
    first, second, operator, branch = run
    frame.pc += 2
    condition = operator(frame.locals[first], frame.locals[second])
    frame.pc += 1
    if condition:
        control.br(frame, branch)


def _get_const_binary_br_if(frame: Frame, run: tuple[int, Any, Operator, list[int]]) -> None:
    local, constant, operator, branch = run
    frame.pc += 2
    condition = operator(frame.locals[local], constant)
    frame.pc += 1
    if condition:
        control.br(frame, branch)


# -- one operand on the stack, the other from elsewhere --


def _get_binary(frame: Frame, run: tuple[int, Operator]) -> None:
    local, operator = run
    frame.pc += 1
    stack = frame.stack
    stack[-1] = operator(stack[-1], frame.locals[local])


def _const_binary(frame: Frame, run: tuple[Any, Operator]) -> None:
    constant, operator = run
    frame.pc += 1
    stack = frame.stack
    stack[-1] = operator(stack[-1], constant)


def _get_binary_set(frame: Frame, run: tuple[int, Operator, int]) -> None:
    local, operator, target = run
    frame.pc += 1
    frame.locals[target] = operator(frame.stack.pop(), frame.locals[local])
    frame.pc += 1


def _const_binary_set(frame: Frame, run: tuple[Any, Operator, int]) -> None:
    constant, operator, target = run
    frame.pc += 1
    frame.locals[target] = operator(frame.stack.pop(), constant)
    frame.pc += 1


def _const_binary_br_if(frame: Frame, run: tuple[Any, Operator, list[int]]) -> None:
    constant, operator, branch = run
    frame.pc += 1
    condition = operator(frame.stack.pop(), constant)
    frame.pc += 1
    if condition:
        control.br(frame, branch)


# -- an operator and what becomes of its result --


def _binary_set(frame: Frame, run: tuple[Operator, int]) -> None:
    operator, target = run
    stack = frame.stack
    second = stack.pop()
    frame.locals[target] = operator(stack.pop(), second)
    frame.pc += 1


def _binary_br_if(frame: Frame, run: tuple[Operator, list[int]]) -> None:
    operator, branch = run
    stack = frame.stack
    second = stack.pop()
    condition = operator(stack.pop(), second)
    frame.pc += 1
    if condition:
        control.br(frame, branch)


def _unary_br_if(frame: Frame, run: tuple[Callable[[Any], Any], list[int]]) -> None:
    operator, branch = run
    condition = operator(frame.stack.pop())
    frame.pc += 1
    if condition:
        control.br(frame, branch)


def _get_unary_br_if(frame: Frame, run: tuple[int, Callable[[Any], Any], list[int]]) -> None:
    local, operator, branch = run
    frame.pc += 1
    condition = operator(frame.locals[local])
    frame.pc += 1
    if condition:
        control.br(frame, branch)


# -- an if, which branches when its condition is 0, and a br_table, which always does --


def _get_const_binary_if(frame: Frame, run: tuple[int, Any, Operator, list[int]]) -> None:
    local, constant, operator, otherwise = run
    frame.pc += 2
    condition = operator(frame.locals[local], constant)
    frame.pc += 1
    if not condition:
        control.br(frame, otherwise)


def _get_get_binary_if(frame: Frame, run: tuple[int, int, Operator, list[int]]) -> None:
    first, second, operator, otherwise = run
    frame.pc += 2
    condition = operator(frame.locals[first], frame.locals[second])
    frame.pc += 1
    if not condition:
        control.br(frame, otherwise)


def _binary_if(frame: Frame, run: tuple[Operator, list[int]]) -> None:
    operator, otherwise = run
    stack = frame.stack
    second = stack.pop()
    condition = operator(stack.pop(), second)
    frame.pc += 1
    if not condition:
        control.br(frame, otherwise)


def _get_const_binary_br_table(frame: Frame, run: tuple[int, Any, Operator, tuple[list[int], ...]]) -> None:
    """Switch on a local from which the least case is taken away, as compilers do."""
    local, constant, operator, branches = run
    frame.pc += 2
    index = operator(frame.locals[local], constant)
    control.br(frame, branches[index] if index < len(branches) else branches[-1])


# -- moves --


def _get_get(frame: Frame, run: tuple[int, int]) -> None:
    first, second = run
    frame.pc += 1
    frame.stack += (frame.locals[first], frame.locals[second])


def _get_const(frame: Frame, run: tuple[int, Any]) -> None:
    local, constant = run
    frame.pc += 1
    frame.stack += (frame.locals[local], constant)


def _get_set(frame: Frame, run: tuple[int, int]) -> None:
    source, target = run
    frame.pc += 1
    frame.locals[target] = frame.locals[source]


def _const_set(frame: Frame, run: tuple[Any, int]) -> None:
    constant, target = run
    frame.pc += 1
    frame.locals[target] = constant


_QUIET = frozenset({control.nop, control.block, control.try_table})
_KINDS: dict[Any, str] = {
    variables.local_get: "get",
    variables.local_set: "set",
    variables.local_tee: "tee",
    numeric.const: "const",
    numeric.unary: "unary",
    numeric.binary: "binary",
    control.br_if: "br_if",
    control.if_: "if",
    control.br_table: "br_table",
}
_RUNS: dict[tuple[str, ...], Callable[[Any, Any], None]] = {
    ("get", "get", "binary"): _get_get_binary,
    ("get", "const", "binary"): _get_const_binary,
    ("get", "get", "binary", "set"): _get_get_binary_set,
    ("get", "const", "binary", "set"): _get_const_binary_set,
    ("get", "get", "binary", "tee"): _get_get_binary_tee,
    ("get", "const", "binary", "tee"): _get_const_binary_tee,
    ("get", "get", "binary", "br_if"): _get_get_binary_br_if,
    ("get", "const", "binary", "br_if"): _get_const_binary_br_if,
    ("get", "get", "binary", "if"): _get_get_binary_if,
    ("get", "const", "binary", "if"): _get_const_binary_if,
    ("get", "const", "binary", "br_table"): _get_const_binary_br_table,
    ("get", "binary"): _get_binary,
    ("const", "binary"): _const_binary,
    ("get", "binary", "set"): _get_binary_set,
    ("const", "binary", "set"): _const_binary_set,
    ("const", "binary", "br_if"): _const_binary_br_if,
    ("binary", "set"): _binary_set,
    ("binary", "br_if"): _binary_br_if,
    ("binary", "if"): _binary_if,
    ("unary", "br_if"): _unary_br_if,
    ("get", "unary", "br_if"): _get_unary_br_if,
    ("get", "get"): _get_get,
    ("get", "const"): _get_const,
    ("get", "set"): _get_set,
    ("const", "set"): _const_set,
}
