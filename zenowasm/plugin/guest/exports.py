"""One guest's exports as the host uses them, with every call to the guest shown to the observer."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from zenowasm.backends.protocol import Caller, Extern, Func, FuncType, MemType, Value
from zenowasm.host.memory import GuestMemory
from zenowasm.host.observer import BorderCall, Direction, Observer, observed
from zenowasm.plugin.guest.abi import ALLOC, EXPORTS, MEMORY


class Guest:
    """The exports of one plugin's instance; they must have been checked with ``abi.export_problems``.

    While the module is being instantiated its exports are known only to the functions that it calls; ``adopt`` takes
    from a caller what a host function needs. ``memory`` is there once the guest is ``bound``. ``calls`` are functions
    of the ABI, by name; they raise what the engine and host functions raise.
    """

    def __init__(self, plugin: str, observer: Observer | None) -> None:
        self.plugin = plugin
        self._observer = observer
        self.calls: dict[str, Callable[..., tuple[Value, ...]]] = {}
        self.bound = False
        self.memory: GuestMemory

    def bind(self, exports: Mapping[str, Extern]) -> None:
        """Take the exports of the instance."""
        for name in EXPORTS:
            export = exports.get(name)
            if export is not None and isinstance(export.type, FuncType):
                self.calls[name] = self._prepared(name, export)
        self._bind_memory(exports.get(MEMORY))

    def unbind(self) -> None:
        """Forget the exports, which keep the instance and its memory."""
        self.calls = {}
        if self.bound:
            self.bound = False
            del self.memory

    def adopt(self, caller: Caller) -> None:
        """Take memory and ``alloc`` from the instance that calls a host function, unless they are known."""
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
        """Return whether the guest exports this function of the ABI."""
        return name in self.calls

    def _prepared(self, name: str, function: Func) -> Callable[..., tuple[Value, ...]]:
        """Return what calls a function, and shows the call to the observer if there is one."""
        observer = self._observer
        if observer is None:
            return function.call

        def call(*arguments: Value) -> tuple[Value, ...]:
            event = BorderCall(self.plugin, Direction.TO_GUEST, self.plugin, name, arguments)
            return observed(observer, event, lambda: function.call(*arguments))

        return call
