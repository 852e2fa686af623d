"""Variable and parametric instructions (specification, 4.6.3 and 4.6.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zenowasm.interp.execution.registry import executes

if TYPE_CHECKING:
    from zenowasm.interp.execution.configuration import Frame


@executes("local.get")
def local_get(frame: Frame, index: int) -> None:
    frame.stack.append(frame.locals[index])


@executes("local.set")
def local_set(frame: Frame, index: int) -> None:
    frame.locals[index] = frame.stack.pop()


@executes("local.tee")
def local_tee(frame: Frame, index: int) -> None:
    frame.locals[index] = frame.stack[-1]


@executes("global.get")
def global_get(frame: Frame, index: int) -> None:
    frame.stack.append(frame.module.globals[index].value)


@executes("global.set")
def global_set(frame: Frame, index: int) -> None:
    frame.module.globals[index].value = frame.stack.pop()


@executes("drop")
def drop(frame: Frame, _: object) -> None:
    frame.stack.pop()


@executes("select")
def select(frame: Frame, _: object) -> None:
    stack = frame.stack
    condition = stack.pop()
    second = stack.pop()
    if not condition:
        stack[-1] = second
