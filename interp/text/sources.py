"""User-supplied modules, in the binary or the text format, converted to the bytes that engines require."""

from __future__ import annotations

import re

from attrs import frozen

from zenowasm.interp.binary import encode
from zenowasm.interp.binary.sections import MAGIC
from zenowasm.interp.limits import ModuleLimits
from zenowasm.interp.text.parser import parse_module

_COMPONENT_LAYER = b"\x01\0"
_TEXT = re.compile(rb"(?:\xef\xbb\xbf)?(?:\s|;;[^\n]*(?:\n|\Z)|\(;.*?;\))*+[(]", re.DOTALL)
_COMPONENT_TEXT = re.compile(_TEXT.pattern + rb"\s*component\b", re.DOTALL)
_LOOKED_AT = 1 << 16
"""The number of bytes in which the module must begin, after leading comments."""


@frozen
class ModuleSource:
    """A module's bytes, and the text from which they were assembled (``None`` if the user supplied the bytes)."""

    binary: bytes
    text: str | None = None


def is_text(data: bytes) -> bool:
    """Return whether bytes begin like the text format: with a parenthesis, after spaces and comments."""
    return _TEXT.match(data, 0, _LOOKED_AT) is not None


def is_component(data: bytes) -> bool:
    """Return whether bytes are a component, in either format. A component contains modules but is not one."""
    if data[:4] == MAGIC:
        return data[6:8] == _COMPONENT_LAYER
    return _COMPONENT_TEXT.match(data, 0, _LOOKED_AT) is not None


def module_source(data: bytes, limits: ModuleLimits | None = None, *, as_text: bool = False) -> ModuleSource:
    """Return a module's bytes: text is parsed, everything else is returned unchanged.

    With ``as_text``, everything that does not begin like a binary is parsed. Raises the errors of ``parse_module``.
    """
    if not is_text(data) and (not as_text or data[:4] == MAGIC):
        return ModuleSource(data)
    module = parse_module(data, limits)
    return ModuleSource(encode(module), data.decode())
