"""Guest exceptions (specification, 4.4.9) and their tags."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

from zenowasm.backends import protocol
from zenowasm.embedding.types import function_type
from zenowasm.embedding.values import arguments_to_guest, readers
from zenowasm.embedding.wrapper import Wrapper
from zenowasm.interp.errors import UncaughtException
from zenowasm.interp.types import TagType

if TYPE_CHECKING:
    from zenowasm.embedding.store import Store


class Tag(Wrapper[protocol.Tag]):
    """A tag, which selects the exceptions that a ``catch`` handles. Two objects for the same tag are equal.

    ``Tag(store, ["i32", "externref"])`` makes a tag whose exceptions carry values of these types.
    """

    def __init__(self, store: Store, types: Sequence[str] = ()) -> None:
        with store.entered() as raw:
            self._become(store, raw.new_tag(TagType(function_type(types, ()))))

    @property
    def type(self) -> TagType:
        """The types of the values that the tag's exceptions carry."""
        return self.raw.type

    def new_exception(self, fields: Sequence[Any]) -> protocol.Value:
        """Return the engine's reference to a new exception; raises ``TypeError`` and ``ValueError``."""
        with self._store.entered() as raw:
            given = arguments_to_guest(self._store, "GuestException", self.type.type, fields)
            return raw.new_exception(self.raw, given)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Tag) and bool(self.raw == other.raw)

    __hash__ = None  # type: ignore[assignment]
    """Engines can only compare two tags for identity."""

    def __repr__(self) -> str:
        return f"<Tag: {self.type}>"


class GuestException(UncaughtException):
    """A WebAssembly exception with its ``tag`` and its ``fields``, the values that it carries.

    A call raises it if the guest throws an exception and does not catch it. A host function throws one into its calling
    guest by ``raise GuestException(tag, *fields)``, which raises ``TypeError`` or ``ValueError`` for values that do not
    fit the tag. As an ``exnref``, it is passed like any other reference.
    """

    def __init__(self, tag: Tag, *fields: Any) -> None:
        self._become(tag.new_exception(fields), tag, fields)

    def _become(self, raw: Any, tag: Tag, fields: tuple[Any, ...]) -> None:
        UncaughtException.__init__(self, raw)
        self.tag = tag
        self.fields = fields

    @classmethod
    def of(cls, store: Store, raw: Any) -> Self:
        """Wrap an engine's exception."""
        read = readers(store, raw.tag.type.type.parameters, unsigned=False)
        fields = tuple(one(value) for one, value in zip(read, raw.fields, strict=True))
        wrapper = cls.__new__(cls)
        wrapper._become(raw, Tag.of(store, raw.tag), fields)
        return wrapper

    def __str__(self) -> str:
        return f"an exception with {self.fields!r} was thrown, which nobody caught"

    def __repr__(self) -> str:
        return f"<GuestException {self.fields!r}>"


def guest_exception(store: Store, error: UncaughtException) -> GuestException:
    """Return a guest's exception with its tag and its values."""
    # The exception may come from a guest that a host function called.
    return error if isinstance(error, GuestException) else GuestException.of(store, error.exception)
