"""Keeps secret values out of what people read: logs, error texts and audit records.

What counts as a secret of a plugin is what the host hands to it out of the environment: the variables that it may read,
and the configuration that comes from one; a default that its manifest makes public is none. A value is looked for as it
is, as JSON spells it, and line by line. It is redacted from 8 characters on, or from 6 on where the variable's name
says that it is secret (``API_KEY``, ``DB_PASSWORD``): ``true``, ``1`` and ``prod`` must not tear holes into every log.

This guards against accidents. A guest that means to can always write a secret in another form.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Final

from zenowasm.host.memory import visible_text

LEAST: Final = 8
"""Characters from which a value is redacted."""
LEAST_NAMED: Final = 6
"""Characters from which it is, where the name of the variable says that it is a secret."""
_NAMED = re.compile(r"key|token|secret|passw|pwd|pass$|credential|auth|private|signature|dsn", re.IGNORECASE)
_CAUSES: Final = 16
"""The longest chain of causes that is searched."""


class Redactor:
    """Replaces secret values by ``<redacted:NAME>``; without values it ``redacts`` nothing.

    A text is searched once for each value, and a host has no more of them than its environment has variables.
    """

    def __init__(self, values: Mapping[str, str] | None = None) -> None:
        """Redact ``values``, by the name of their variable."""
        found: dict[str, str] = {}
        for name, value in (values or {}).items():
            least = LEAST_NAMED if _NAMED.search(name) else LEAST
            for form in _forms(value):
                if len(form) >= least:
                    found.setdefault(form, f"<redacted:{visible_text(name.encode('utf-8', 'surrogateescape'))}>")
        # A value that contains another goes first, so that nothing of it is left.
        self._marks = sorted(found.items(), key=lambda item: -len(item[0]))
        self.redacts = bool(found)

    def __repr__(self) -> str:
        return f"Redactor({', '.join(sorted({mark for _, mark in self._marks}))})"

    def text(self, text: str) -> str:
        """Return ``text`` without secret values."""
        for value, mark in self._marks:
            if value in text:
                text = text.replace(value, mark)
        return text

    def error(self, error: BaseException) -> None:
        """Remove secret values from the messages of an error and of its causes."""
        behind: BaseException | None = error
        for _ in range(_CAUSES if self._marks else 0):
            if behind is None:
                return
            behind.args = tuple(self.text(it) if isinstance(it, str) else it for it in behind.args)
            behind = behind.__cause__ or behind.__context__


def _forms(value: str) -> list[str]:
    """Return how a value can appear in a text."""
    shown = visible_text(value.encode("utf-8", "surrogateescape"))
    whole = [shown, json.dumps(shown, ensure_ascii=False)[1:-1], json.dumps(shown)[1:-1]]
    return [*whole, *(line.strip() for line in shown.splitlines())]
