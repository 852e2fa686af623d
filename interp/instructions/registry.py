"""Functions for rows of the instruction table, each registered under its rows' mnemonics by a decorator."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Generic, TypeVar

from zenowasm.interp.errors import Crash
from zenowasm.interp.instructions.table import Opcode

_Function = TypeVar("_Function", bound=Callable[..., object])


class Registry(Generic[_Function]):
    """A collection of functions for rows, by mnemonic, which grows while the functions' modules are imported.

    Use it as a decorator: ``@executes("br_if")``. ``what`` names the functions in errors.
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._functions: dict[str, _Function] = {}

    def __call__(self, *mnemonics: str) -> Callable[[_Function], _Function]:
        """Register a function for these mnemonics; raises ``Crash`` if one already has a function."""

        def register(function: _Function) -> _Function:
            for mnemonic in mnemonics:
                if mnemonic in self._functions:
                    raise Crash(f"{mnemonic} has two {self._what}s")
                self._functions[mnemonic] = function
            return function

        return register

    def for_rows(self, rows: Iterable[Opcode]) -> Mapping[Opcode, _Function]:
        """Return the function of each row; raises ``Crash`` unless exactly these rows have one."""
        wanted = tuple(rows)
        mnemonics = {row.mnemonic for row in wanted}
        if mnemonics != self._functions.keys():
            missing, unknown = mnemonics - self._functions.keys(), self._functions.keys() - mnemonics
            raise Crash(f"{self._what}s are missing for {sorted(missing)} and not wanted for {sorted(unknown)}")
        return MappingProxyType({row: self._functions[row.mnemonic] for row in wanted})
