"""The names of host functions, by which guests import them."""

from __future__ import annotations

from zenowasm.interp.execution import Frame
from zenowasm.interp.runtime.instances import HostFunction
from zenowasm.interp.syntax.module import ExternKind


class HostNames:
    """The two-level names of one store's host functions, remembered since they are asked for at each call."""

    def __init__(self) -> None:
        self._known: dict[HostFunction, str] = {}

    def of(self, frame: Frame, function: HostFunction) -> str:
        """Return the name by which the caller's module imports a function, a general one if it does not."""
        name = self._known.get(function)
        if name is None:
            imports = frame.module.valid.module.imported(ExternKind.FUNC)
            pairs = zip(imports, frame.module.functions, strict=False)
            name = next((f"{it.module}.{it.name}" for it, found in pairs if found is function), "host function")
            self._known[function] = name
        return name
