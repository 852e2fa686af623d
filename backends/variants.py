"""An engine in two variants: guests pay for counting fuel only if a limit or a setting requires it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Self

from attrs import evolve

from zenowasm.backends import registry
from zenowasm.backends.protocol import Capability, Engine, EngineOptions


class EngineVariants:
    """An engine, and a variant of it that counts fuel and is created on demand.

    Both are the same object if the engine counts fuel anyway, or if it has no such variant.
    """

    def __init__(self, usual: Engine, make_counting: Callable[[], Engine] | None = None) -> None:
        self.usual = usual
        self._make_counting = None if Capability.FUEL in usual.capabilities else make_counting
        self._counting: Engine | None = None

    @classmethod
    def named(cls, name: str, options: EngineOptions) -> Self:
        """Return the variants of the engine with that name and ``options``; raises ``BackendError``."""
        return cls(registry.engine(name, options), partial(registry.engine, name, evolve(options, fuel=True)))

    def wrapped(self, wrap: Callable[[Engine], Engine]) -> EngineVariants:
        """Return the same variants, with an engine of ``wrap`` around each."""
        counting = None if self._make_counting is None else lambda: wrap(self.counting())
        return EngineVariants(wrap(self.usual), counting)

    @property
    def differ(self) -> bool:
        """Whether the two variants are different engines."""
        return self._make_counting is not None

    def counting(self) -> Engine:
        """Return the engine that counts fuel."""
        if self._counting is None:
            self._counting = self.usual if self._make_counting is None else self._make_counting()
        return self._counting
