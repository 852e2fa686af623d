"""The modules that have run, by number, and what is at an address."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from attrs import frozen

from zenowasm.debugger import FrameView
from zenowasm.debugger.program import Program
from zenowasm.frontends.addresses import Address
from zenowasm.frontends.gdb.errors import PacketError


@frozen
class Loaded:
    """A module that has run, and the displayed name of the store in which it first ran."""

    number: int
    program: Program
    owner: str

    @property
    def file(self) -> str:
        """The module's displayed file name."""
        return f"{self.owner.removesuffix('.wasm')}.wasm"

    def address(self, offset: int) -> int:
        """Return the address of an instruction."""
        return int(Address(True, self.number, offset))

    @property
    def binary(self) -> bytes:
        """The module's bytes."""
        return self.program.valid.module.binary


class Modules:
    """The modules that have run. They are numbered from 1, so that an address without a number is of no module."""

    def __init__(self) -> None:
        self._loaded: dict[Program, Loaded] = {}

    def see(self, views: Iterable[FrameView]) -> bool:
        """Number the modules of active calls; return whether some of them are new."""
        before = len(self._loaded)
        for view in views:
            if view.program not in self._loaded:
                self._loaded[view.program] = Loaded(len(self._loaded) + 1, view.program, view.owner)
        return len(self._loaded) > before

    def of(self, program: Program) -> Loaded:
        """Return a module that was seen."""
        return self._loaded[program]

    def at(self, number: int) -> Loaded:
        """Return the module with a number; raises ``PacketError`` if there is none."""
        found = next((it for it in self._loaded.values() if it.number == number), None)
        if found is None:
            raise PacketError(f"there is no module {number}")
        return found

    def listed(self) -> str:
        """Return the list of the modules in the form of gdb's ``qXfer:libraries:read``."""
        libraries = (
            f'<library name="{escape(it.file)}"><section address="{it.address(0):#x}"/></library>'
            for it in self._loaded.values()
        )
        return f"<library-list>{''.join(libraries)}</library-list>"
