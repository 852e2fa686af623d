"""Object code as bytes, which an embedder may keep between processes and must protect from modification.

The format is Python's ``marshal``, which reads a hundred million bytes a second but trusts them. The caller of
``unpack_all`` must have verified that ``pack_all`` made the bytes, from the same binary and under the same ``form``.
"""

from __future__ import annotations

import marshal
import sys
from functools import cache
from hashlib import sha256
from typing import Any, Final

from zenowasm.interp.execution.handlers import KINDS
from zenowasm.interp.execution.object_code import ObjectCode
from zenowasm.interp.validation import ValidModule

VERSION: Final = 1
"""The version of the contents of an ``ObjectCode``. A test fails if the contents change and this does not."""


@cache
def form() -> str:
    """Return everything that packed code depends on besides the binary and the permitted features."""
    rows = [(row.mnemonic, row.fuel, kind) for row, kind in KINDS.items()]
    return f"{VERSION} {sha256(repr(rows).encode()).hexdigest()} {sys.implementation.cache_tag} {marshal.version}"


def pack(code: ObjectCode) -> bytes | None:
    """Return a function's code as bytes, or ``None`` if it contains types, which are objects of one process."""
    plain: tuple[Any, ...] = tuple(code)
    try:
        return marshal.dumps(plain)
    except ValueError:
        return None


def unpack(data: bytes) -> ObjectCode:
    """Return the code that ``pack`` converted to bytes."""
    return ObjectCode(*marshal.loads(data))


def pack_all(valid: ValidModule) -> bytes:
    """Return the packed code of all functions of a module that have packed code."""
    return marshal.dumps(dict(valid.packed_codes or {}))


def unpack_all(valid: ValidModule, data: bytes) -> None:
    """Set a module's packed code from the bytes of ``pack_all``; raises ``ValueError`` for any other bytes."""
    try:
        found = marshal.loads(data)
    except (EOFError, TypeError) as error:
        raise ValueError(str(error)) from None
    if not isinstance(found, dict):
        raise ValueError(f"a table of functions is expected, not {type(found).__name__}")
    valid.packed_codes = found
