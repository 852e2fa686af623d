"""The registry of the functions that validate instructions: ``@validates("br_if")``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from zenowasm.interp.instructions import Opcode
from zenowasm.interp.instructions.registry import Registry

if TYPE_CHECKING:
    from zenowasm.interp.validation.function import FunctionValidator as Validator

Rule: TypeAlias = "Callable[[Validator, Opcode, tuple[Any, ...]], None]"

validates: Final = Registry[Rule]("rule")
