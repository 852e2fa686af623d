"""The engines that are measured: those of this project through their protocol, and peers that are installed."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any, Protocol

from zenowasm.backends import registry
from zenowasm.backends.protocol import Budget, Func
from zenowasm.interp.binary import decode
from zenowasm.interp.validation import validate_module

_FUEL = 1 << 60
"""More than any measurement consumes: the engines count, and never run out."""


class Measured(Protocol):
    """An engine under measurement."""

    name: str

    def load(self, binary: bytes) -> Callable[[int], Any]:
        """Instantiate a module without imports and return its export ``run``."""
        ...


class Ours:
    """An engine of this project, counting fuel."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._engine = registry.engine(name)

    def instance(self, binary: bytes) -> tuple[Any, Func]:
        """Return a new store and the export ``run`` of a module in it."""
        store = self._engine.new_store()
        store.set_budget(Budget(fuel=_FUEL))
        run: Any = store.instantiate(self._engine.compile(binary), {}).exports["run"]
        return store, run

    def load(self, binary: bytes) -> Callable[[int], Any]:
        """Instantiate a module and return its export ``run``."""
        _, run = self.instance(binary)
        return lambda argument: run.call(argument)[0]

    def fuel(self, binary: bytes, argument: int) -> int:
        """Return what one call consumes, which is the number of instructions but for a few that are free."""
        store, run = self.instance(binary)
        run.call(argument)
        return int(store.fuel_consumed)


class Pwasm:
    """The interpreter of pwasm, a peer in pure Python; it counts no fuel unless it is told to."""

    name = "pwasm"

    def load(self, binary: bytes) -> Callable[[int], Any]:
        """Instantiate a module and return its export ``run``."""
        import pwasm

        instance = pwasm.instantiate(pwasm.decode_module(binary), mode="interpret")
        run: Callable[[int], Any] = instance.exports["run"]
        return run


def installed() -> list[Measured]:
    """Return the engines that can be measured here, the reference first: ratios are to the first."""
    found: list[Measured] = [Ours("reference")]
    if find_spec("wasmtime"):
        found.append(Ours("wasmtime"))
    if find_spec("pwasm"):
        found.append(Pwasm())
    return found


def decoders() -> dict[str, Callable[[bytes], object]]:
    """Return functions that decode a module, by engine."""
    found: dict[str, Callable[[bytes], object]] = {"reference": decode}
    if find_spec("pwasm"):
        import pwasm

        found["pwasm"] = pwasm.decode_module
    return found


def validators() -> dict[str, Callable[[bytes], object]]:
    """Return functions that decode and validate a module with all its bodies, by engine."""
    found: dict[str, Callable[[bytes], object]] = {"reference": lambda binary: validate_module(decode(binary))}
    if find_spec("wasmtime"):
        import wasmtime

        engine = wasmtime.Engine()
        found["wasmtime"] = lambda binary: wasmtime.Module.validate(engine, binary)
        found["wasmtime, compiling"] = lambda binary: wasmtime.Module(engine, binary)
    return found
