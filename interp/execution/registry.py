"""The registry of the functions that execute instructions: ``@executes("br_if")``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias

from zenowasm.interp.instructions.registry import Registry

Handler: TypeAlias = Callable[[Any, Any], None]

executes: Final = Registry[Handler]("handler")
