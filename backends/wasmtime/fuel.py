"""The fuel of a store whose engine counts it."""

from __future__ import annotations

from typing import Final

from zenowasm.backends.wasmtime import capi

_UNLIMITED: Final = (1 << 63) - 1


class FuelMeter:
    """A meter that grants fuel to the calls of one store and reports their consumption.

    wasmtime counts down the granted fuel. ``_settled`` is the consumption of earlier grants.
    """

    __slots__ = ("_context", "_granted", "_left", "_settled")

    def __init__(self, context: int) -> None:
        self._context = context
        self._left = capi.FuelLeft(context)
        self._granted = self._settled = 0

    def grant(self, limit: int | None) -> None:
        """Let the following calls consume ``limit`` in total; ``None`` means no limit."""
        if limit is None and self._granted == _UNLIMITED:
            return  # the rest of an earlier grant lasts for some hundred years
        self._settled = self.consumed()
        self._granted = _UNLIMITED if limit is None else min(limit, _UNLIMITED)
        capi.set_fuel(self._context, self._granted)

    def consumed(self) -> int:
        """Return the fuel consumed by all calls so far, including the current one."""
        return self._settled + self._granted - self._left()
