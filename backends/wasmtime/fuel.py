"""The fuel of a store whose engine counts it."""

from __future__ import annotations

from typing import Final

from zenowasm.backends.wasmtime import capi

_UNLIMITED: Final = (1 << 63) - 1


class FuelMeter:
    """Grants fuel to the calls of one store, and tells what they have consumed.

    wasmtime counts down what a store was granted. ``_settled`` is what was consumed of earlier grants.
    """

    __slots__ = ("_context", "_granted", "_left", "_settled")

    def __init__(self, context: int) -> None:
        self._context = context
        self._left = capi.FuelLeft(context)
        self._granted = self._settled = 0

    def grant(self, limit: int | None) -> None:
        """Let the calls from now on consume ``limit`` together, ``None`` for as much as they like."""
        if limit is None and self._granted == _UNLIMITED:
            return  # what is left from earlier calls is enough for some hundred years
        self._settled = self.consumed()
        self._granted = _UNLIMITED if limit is None else min(limit, _UNLIMITED)
        capi.set_fuel(self._context, self._granted)

    def consumed(self) -> int:
        """Return the fuel consumed by all calls so far, the one under way included."""
        return self._settled + self._granted - self._left()
