"""The interface of a compiled module, cached with its code so that the binary need not be decoded."""

from __future__ import annotations

import json
from typing import Self

from attrs import frozen

from zenowasm.backends.type_json import DefinedTypeError, type_from_json, type_to_json
from zenowasm.interp.types import ExportType, ImportType


@frozen
class Interface:
    """The imports and exports of a module, and the initial sizes of an instance.

    ``memory_bytes`` and ``table_elements`` count the module's own memories and tables. ``rewritten`` means that a
    rewritten module was compiled instead of the original (see ``metering``).
    """

    imports: tuple[ImportType, ...]
    exports: tuple[ExportType, ...]
    memory_bytes: int
    table_elements: int
    rewritten: bool

    def to_json(self) -> bytes:
        """Return the interface as one line of JSON, or ``null`` if it refers to a type that a module defines."""
        try:
            imports = [(it.module, it.name, type_to_json(it.type)) for it in self.imports]
            exports = [(it.name, type_to_json(it.type)) for it in self.exports]
        except DefinedTypeError:
            return b"null"
        return json.dumps((imports, exports, self.memory_bytes, self.table_elements, self.rewritten)).encode()

    @classmethod
    def from_json(cls, text: bytes) -> Self | None:
        """Parse the output of ``to_json``, ``None`` for ``null``; raises ``ValueError`` for any other text."""
        try:
            entry = json.loads(text)
            if entry is None:
                return None
            imports, exports, memory_bytes, table_elements, rewritten = entry
            return cls(
                tuple(ImportType(module, name, type_from_json(type)) for module, name, type in imports),
                tuple(ExportType(name, type_from_json(type)) for name, type in exports),
                memory_bytes,
                table_elements,
                rewritten,
            )
        except (KeyError, TypeError) as error:
            raise ValueError("not the interface of a module") from error
