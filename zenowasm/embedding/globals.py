"""Global variables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zenowasm.backends import protocol
from zenowasm.embedding.types import value_type
from zenowasm.embedding.values import readers, to_guest
from zenowasm.embedding.wrapper import Wrapper
from zenowasm.interp.types import GlobalType

if TYPE_CHECKING:
    from zenowasm.embedding.store import Store


class Global(Wrapper[protocol.Global]):
    """A global variable of a guest or of the host; its ``value`` can be read, and assigned if it is mutable.

    ``Global(store, "i32", 5, mutable=True)`` makes one. The type is a name of the text format.
    """

    def __init__(self, store: Store, type: str, value: Any = 0, *, mutable: bool = False) -> None:
        valtype = value_type(type)
        with store.entered() as raw:
            self._become(store, raw.new_global(GlobalType(valtype, mutable), to_guest(store, valtype, value)))

    @property
    def type(self) -> GlobalType:
        """The type of the value, and whether it is mutable."""
        return self.raw.type

    @property
    def value(self) -> Any:
        """The value; an assignment raises ``TypeError`` or ``ValueError`` if the value does not fit or the global is
        immutable.
        """
        with self._store.entered():
            (read,) = readers(self._store, (self.type.value,), unsigned=False)
            return read(self.raw.get())

    @value.setter
    def value(self, value: Any) -> None:
        with self._store.entered():
            self.raw.set(to_guest(self._store, self.type.value, value))

    def __repr__(self) -> str:
        return f"<Global {self.type}: {self.value!r}>"
