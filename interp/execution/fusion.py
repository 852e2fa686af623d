"""Fuses short runs of instructions for executions without a probe.

A fused list has as many entries as the plain one and the same meaning at every position. The entry at the head of a run
executes the whole run and moves ``pc`` after it. The entries inside the run are unchanged, so an execution that was
single-stepped into the run continues there. Only the last instruction of a run can trap or branch, and ``pc`` then
points after it. So a debugger that stops, steps or inspects a trap sees single instructions, and fuel (a function of
``pc``) stays exact.

Operands usually come from locals and constants; a fused run reads these directly, without the operand stack.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import cache
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from zenowasm.interp.execution import control, numeric, variables
from zenowasm.interp.execution.handlers import HANDLERS

if TYPE_CHECKING:
    from zenowasm.interp.execution.configuration import Frame

Pair: TypeAlias = tuple[Callable[[Any, Any], None], Any]
Operator: TypeAlias = Callable[[Any, Any], Any]


def fuse(kinds: str, plain: Sequence[Pair], apart: Collection[int] = (), starts: Iterable[int] = ()) -> list[Pair]:
    """Return the fused form of a function's code, in which the instructions ``apart`` stay single.

    No run extends over one of the instructions ``starts``, which are in order.

    A regular expression finds runs in a string with one letter per instruction. Runs do not overlap. Execution enters
    straight-line code at its beginning, since a branch target is either outside all runs or begins one.
    """
    fused = list(plain)
    letters = "".join(map(_letters().__getitem__, kinds))
    if apart:
        letters = "".join("-" if pc in apart else letter for pc, letter in enumerate(letters))
    edges = (0, *starts, len(letters) - 1)  # exclude the last ``end``, which returns
    for match in chain.from_iterable(_pattern().finditer(letters, *edge) for edge in pairwise(edges)):
        start, end = match.span()
        run = _RUNS.get(match[0])
        if run is not None:
            fused[start] = (run, tuple(immediate for _, immediate in plain[start:end]))
        else:
            # A branch may enter the middle of a run of instructions that do nothing.
            for at in range(start, end - 1):
                fused[at] = (_skip, end - 1 - at)
    return fused


@cache
def _letters() -> Mapping[str, str]:
    return {kind: _LETTERS.get(handler, "-") for kind, handler in HANDLERS.items()}


@cache
def _pattern() -> re.Pattern[str]:
    return re.compile("|".join([*sorted(_RUNS, key=len, reverse=True), f"{_QUIET}{_QUIET}+"]))


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


# -- one operand on the stack, the other from a local or a constant --


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


# -- an operator and the use of its result --


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
    """Branch on a local minus the least case, the form that compilers generate for a switch."""
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


_QUIET: Final = "q"
_LETTERS: Mapping[Any, str] = {
    variables.local_get: "g",
    variables.local_set: "s",
    variables.local_tee: "t",
    numeric.const: "c",
    numeric.unary: "u",
    numeric.binary: "b",
    control.br_if: "j",
    control.if_: "i",
    control.br_table: "w",
    control.nop: _QUIET,
    control.block: _QUIET,
    control.try_table: _QUIET,
    control.end: _QUIET,
}
_RUNS: Mapping[str, Callable[[Any, Any], None]] = {
    "ggb": _get_get_binary,
    "gcb": _get_const_binary,
    "ggbs": _get_get_binary_set,
    "gcbs": _get_const_binary_set,
    "ggbt": _get_get_binary_tee,
    "gcbt": _get_const_binary_tee,
    "ggbj": _get_get_binary_br_if,
    "gcbj": _get_const_binary_br_if,
    "ggbi": _get_get_binary_if,
    "gcbi": _get_const_binary_if,
    "gcbw": _get_const_binary_br_table,
    "gb": _get_binary,
    "cb": _const_binary,
    "gbs": _get_binary_set,
    "cbs": _const_binary_set,
    "cbj": _const_binary_br_if,
    "bs": _binary_set,
    "bj": _binary_br_if,
    "bi": _binary_if,
    "uj": _unary_br_if,
    "guj": _get_unary_br_if,
    "gg": _get_get,
    "gc": _get_const,
    "gs": _get_set,
    "cs": _const_set,
}
