"""Exceptions of guests (specification, 4.4.9), and their tags."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zenowasm.backends import protocol
from zenowasm.embedding.values import readers
from zenowasm.interp.errors import UncaughtException
from zenowasm.interp.types import TagType

if TYPE_CHECKING:
    from zenowasm.embedding.store import Store


class Tag:
    """A tag: which exceptions a ``catch`` takes. Two objects for the same tag are equal."""

    def __init__(self, raw: protocol.Tag) -> None:
        self.raw = raw

    @property
    def type(self) -> TagType:
        """The types of the values that its exceptions carry."""
        return self.raw.type

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Tag) and bool(self.raw == other.raw)

    __hash__ = None  # type: ignore[assignment]
    """Engines can only say whether two tags are the same."""

    def __repr__(self) -> str:
        return f"<Tag: {self.type}>"


class GuestException(UncaughtException):
    """An exception that a guest threw and nobody in it caught: its ``tag``, and the values that it carries."""

    def __init__(self, exception: Any, tag: Tag, fields: tuple[Any, ...]) -> None:
        super().__init__(exception)
        self.tag = tag
        self.fields = fields

    def __str__(self) -> str:
        return f"the guest threw an exception with {self.fields!r}, which nobody caught"


def guest_exception(store: Store, error: UncaughtException) -> GuestException:
    """Return a guest's exception with its tag and its values."""
    if isinstance(error, GuestException):  # it left a guest that a host function called
        return error
    thrown = error.exception
    read = readers(store, thrown.tag.type.type.parameters, unsigned=False)
    fields = tuple(one(value) for one, value in zip(read, thrown.fields, strict=True))
    return GuestException(thrown, Tag(thrown.tag), fields)
