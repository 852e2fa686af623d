"""An engine as a host uses it: guests pay for counting fuel only where a limit or a setting asks for it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Self

from attrs import evolve

from zenowasm.backends import registry
from zenowasm.backends.protocol import Capability, Engine, EngineOptions


class EngineVariants:
    """An engine, and one like it that counts fuel, which is made when it is first needed.

    They are the same one where the engine counts anyway, or where no other can be made.
    """

    def __init__(self, usual: Engine, make_counting: Callable[[], Engine] | None = None) -> None:
        self.usual = usual
        self._make_counting = None if Capability.FUEL in usual.capabilities else make_counting
        self._counting: Engine | None = None

    @classmethod
    def named(cls, name: str, options: EngineOptions) -> Self:
        """Return the engine of that name, made with ``options``; raises ``BackendError``."""
        return cls(registry.engine(name, options), partial(registry.engine, name, evolve(options, fuel=True)))

    @property
    def differ(self) -> bool:
        """Whether there are two."""
        return self._make_counting is not None

    def counting(self) -> Engine:
        """Return the engine that counts fuel."""
        if self._counting is None:
            self._counting = self.usual if self._make_counting is None else self._make_counting()
        return self._counting
