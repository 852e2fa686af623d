"""Values of a result as JSON."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Sequence
from typing import Final

from attrs import define, field

from zenowasm.resources.databases.settings import ResultLimitError, ValueFormError

MAX_NESTING: Final = 100
"""Of one value; a reply that holds it stays below what JSON across the border may have."""


_PLAIN: Final = frozenset({type(None), bool, int, str})


def to_json(value: object, depth: int = MAX_NESTING) -> object:
    """Return a driver's value in its JSON form.

    NULL, booleans, integers, finite floats and text are themselves. Infinities and NaN are the strings ``Infinity``,
    ``-Infinity`` and ``NaN``, bytes are base64, arrays and records are lists, JSON is what it holds. Raises
    ``ValueFormError`` for nesting deeper than ``depth``.
    """
    if type(value) in _PLAIN:
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if depth == 0:
        raise ValueFormError(f"a value of the result is nested deeper than {MAX_NESTING} levels")
    if isinstance(value, list | tuple):
        return [to_json(item, depth - 1) for item in value]
    if isinstance(value, dict):
        return {str(key): to_json(item, depth - 1) for key, item in value.items()}
    return str(value)


_encode: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@define
class Rows:
    """Collects a result as JSON and ends it at the first row beyond ``max_rows`` or ``max_bytes``: nothing is cut.

    A row counts with what separates it from the next.
    """

    max_rows: int
    max_bytes: int
    _count: int = 0
    _encoded: bytearray = field(factory=bytearray)

    def take(self, columns: Sequence[str], values: Sequence[object]) -> None:
        """Add a row; of columns with one name the last one wins, as in the original engine.

        Raises ``ResultLimitError``.
        """
        if self._count == self.max_rows:
            raise ResultLimitError(f"the result has more than {self.max_rows} rows")
        row = {
            name: value if type(value) in _PLAIN else to_json(value)
            for name, value in zip(columns, values, strict=True)
        }
        self._count += 1
        self._encoded += (_encode(row) + ",").encode()
        if len(self._encoded) > self.max_bytes:
            raise self.too_large()

    def too_large(self) -> ResultLimitError:
        """Return the error of a result beyond ``max_bytes``."""
        return ResultLimitError(f"the result is larger than {self.max_bytes} bytes")

    def json(self) -> bytes:
        """Return the rows as a JSON array of objects."""
        return b"[%b]" % bytes(self._encoded[:-1])
