"""A base class for what a ``with`` statement closes."""

from __future__ import annotations

from types import TracebackType
from typing import Self


class Closing:
    """A context manager that calls its own ``close`` at the end of the ``with`` statement, also after an exception."""

    __slots__ = ()

    def close(self) -> object:
        """Release everything; every subclass has its own."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
