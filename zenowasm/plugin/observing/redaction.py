"""Redacts secret values in logs, error messages and audit records.

A plugin's secrets are the values that the host passes to it from the environment: the variables that it may read, and
configuration from variables. Defaults in its manifest are public. The redactor searches for a value as it is, as JSON
encodes it, and line by line. It redacts values of at least 8 characters, or 6 if the variable's name marks a secret
(``API_KEY``, ``DB_PASSWORD``): redacting ``true``, ``1`` and ``prod`` would make logs unreadable.

This guards against accidents. A malicious guest can always write a secret in another form.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Final

from zenowasm.host.memory import visible_text

LEAST: Final = 8
"""The minimum length of a redacted value, in characters."""
LEAST_NAMED: Final = 6
"""The minimum length if the variable's name marks a secret."""
_NAMED = re.compile(r"key|token|secret|passw|pwd|pass$|credential|auth|private|signature|dsn", re.IGNORECASE)
_CAUSES: Final = 16
"""The longest chain of causes that is searched."""


class Redactor:
    """A redactor that replaces secret values by ``<redacted:NAME>``; ``redacts`` is false if it has no values.

    It searches a text once per value, and a host has at most as many values as its environment has variables.
    """

    def __init__(self, values: Mapping[str, str] | None = None) -> None:
        """Redact ``values``, a mapping from variable names to secrets."""
        found: dict[str, str] = {}
        for name, value in (values or {}).items():
            least = LEAST_NAMED if _NAMED.search(name) else LEAST
            for form in _forms(value):
                if len(form) >= least:
                    found.setdefault(form, f"<redacted:{visible_text(name.encode('utf-8', 'surrogateescape'))}>")
        # Replace a value before the values that it contains, so that no part of it is left.
        self._marks = sorted(found.items(), key=lambda item: -len(item[0]))
        self._masks = [(it.encode(), _mask(it.encode()), name) for it, name in self._marks]
        self.redacts = bool(found)

    def __repr__(self) -> str:
        return f"Redactor({', '.join(sorted({mark for _, mark in self._marks}))})"

    def text(self, text: str) -> str:
        """Return ``text`` without secret values."""
        for value, mark in self._marks:
            if value in text:
                text = text.replace(value, mark)
        return text

    def masked(self, data: bytes) -> tuple[bytes, list[tuple[int, int, str]]]:
        """Return ``data`` with a mask of the same length for each secret value; and offset, length and mark of each.

        The mask is of asterisks, or of ones for a number: inside JSON, both leave it well-formed.
        """
        found: list[tuple[int, int, str]] = []
        for value, mask, mark in self._masks:
            at = data.find(value)
            while at >= 0:
                found.append((at, len(value), mark))
                data = data[:at] + mask + data[at + len(value) :]
                at = data.find(value, at + len(value))
        return data, found

    def error(self, error: BaseException) -> None:
        """Remove secret values from the messages of an error and of its causes."""
        behind: BaseException | None = error
        for _ in range(_CAUSES if self._marks else 0):
            if behind is None:
                return
            behind.args = tuple(self.text(it) if isinstance(it, str) else it for it in behind.args)
            behind = behind.__cause__ or behind.__context__


def _mask(value: bytes) -> bytes:
    return (b"1" if value.isdigit() else b"*") * len(value)


def _forms(value: str) -> list[str]:
    """Return the forms in which a value can appear in a text."""
    shown = visible_text(value.encode("utf-8", "surrogateescape"))
    whole = [shown, json.dumps(shown, ensure_ascii=False)[1:-1], json.dumps(shown)[1:-1]]
    return [*whole, *(line.strip() for line in shown.splitlines())]
