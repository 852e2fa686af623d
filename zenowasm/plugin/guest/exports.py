"""The host's view of one guest's exports; every call to the guest is reported to the observer."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from zenowasm.backends.protocol import Caller, Extern, Func, FuncType, MemType, Value
from zenowasm.host.memory import GuestMemory
from zenowasm.host.observer import BorderCall, Direction, Observer, observed
from zenowasm.plugin.guest.abi import ALLOC, EXPORTS, MEMORY


class Guest:
    """The exports of one plugin instance, after ``abi.export_problems`` has checked them.

    During instantiation only the host functions that the module calls know its exports: ``adopt`` takes memory and
    ``alloc`` from the caller. ``memory`` is set once the guest is ``bound``. ``calls`` maps names to the ABI's
    functions, which raise the errors of the engine and of host functions.
    """

    def __init__(self, plugin: str, observer: Observer | None) -> None:
        self.plugin = plugin
        self._observer = observer
        self.calls: dict[str, Callable[..., tuple[Value, ...]]] = {}
        self.bound = False
        self.memory: GuestMemory

    def bind(self, exports: Mapping[str, Extern]) -> None:
        """Bind the exports of the instance."""
        for name in EXPORTS:
            export = exports.get(name)
            if export is not None and isinstance(export.type, FuncType):
                self.calls[name] = self._prepared(name, export)
        self._bind_memory(exports.get(MEMORY))

    def unbind(self) -> None:
        """Drop the exports, which keep the instance and its memory alive."""
        self.calls = {}
        if self.bound:
            self.bound = False
            del self.memory

    def adopt(self, caller: Caller) -> None:
        """Take memory and ``alloc`` from the instance that calls a host function, unless they are already known."""
        if not self.bound:
            self._bind_memory(caller.export(MEMORY))
            alloc = caller.export(ALLOC)
            if alloc is not None and isinstance(alloc.type, FuncType):
                self.calls[ALLOC] = self._prepared(ALLOC, alloc)

    def _bind_memory(self, export: Extern | None) -> None:
        if export is not None and isinstance(export.type, MemType):
            self.memory = GuestMemory(export)
            self.bound = True

    def has(self, name: str) -> bool:
        """Return whether the guest exports this ABI function."""
        return name in self.calls

    def _prepared(self, name: str, function: Func) -> Callable[..., tuple[Value, ...]]:
        """Return a callable for an exported function that reports its calls to the observer, if there is one."""
        observer = self._observer
        if observer is None:
            return function.call

        def call(*arguments: Value) -> tuple[Value, ...]:
            event = BorderCall(self.plugin, Direction.TO_GUEST, self.plugin, name, arguments)
            return observed(observer, event, lambda: function.call(*arguments))

        return call
