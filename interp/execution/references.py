"""Reference instructions (specification, 4.6.7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zenowasm.interp.execution.configuration import Frame


def ref_null(frame: Frame, _: object) -> None:
    frame.stack.append(None)


def ref_is_null(frame: Frame, _: object) -> None:
    frame.stack[-1] = 1 if frame.stack[-1] is None else 0


def ref_func(frame: Frame, index: int) -> None:
    frame.stack.append(frame.module.functions[index])
