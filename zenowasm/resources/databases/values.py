"""Converts the values of a result to JSON."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Sequence
from typing import Final

from attrs import define, field

from zenowasm.resources.databases.settings import ResultLimitError, ValueFormError

MAX_NESTING: Final = 100
"""The maximum nesting of one value, so that the reply with it stays below the nesting limit for guests' JSON."""


_PLAIN: Final = frozenset({type(None), bool, int, str})


def to_json(value: object, depth: int = MAX_NESTING) -> object:
    """Convert a driver's value to its JSON form.

    NULL, booleans, integers, finite floats and text are unchanged. Infinities and NaN become the strings ``Infinity``,
    ``-Infinity`` and ``NaN``, bytes become base64, arrays and records become lists, and JSON becomes its content.
    Raises ``ValueFormError`` if the value is nested deeper than ``depth``.
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
    """A collector of a result as JSON. It fails at the first row beyond ``max_rows`` or ``max_bytes``.

    The size of a row includes its separator.
    """

    max_rows: int
    max_bytes: int
    _count: int = 0
    _encoded: bytearray = field(factory=bytearray)

    def take(self, columns: Sequence[str], values: Sequence[object]) -> None:
        """Add a row. If columns have the same name, the last one counts, as in the original engine.

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
        """Return the error for a result beyond ``max_bytes``."""
        return ResultLimitError(f"the result is larger than {self.max_bytes} bytes")

    def json(self) -> bytes:
        """Return the rows as a JSON array of objects."""
        return b"[%b]" % bytes(self._encoded[:-1])
