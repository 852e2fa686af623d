"""Modules as users have them, in the binary format or as text: one function makes the bytes that engines take."""

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
"""Bytes in which a text must begin, after its first comments."""


@frozen
class ModuleSource:
    """A module's bytes, and the text that they were made of, ``None`` where they are what was given."""

    binary: bytes
    text: str | None = None


def is_text(data: bytes) -> bool:
    """Whether bytes begin as the text format does: with a parenthesis, after space and comments."""
    return _TEXT.match(data, 0, _LOOKED_AT) is not None


def is_component(data: bytes) -> bool:
    """Whether bytes are a component, which holds modules and is none, in either format."""
    if data[:4] == MAGIC:
        return data[6:8] == _COMPONENT_LAYER
    return _COMPONENT_TEXT.match(data, 0, _LOOKED_AT) is not None


def module_source(data: bytes, limits: ModuleLimits | None = None, *, as_text: bool = False) -> ModuleSource:
    """Return a module's bytes: what begins as text is parsed, everything else is returned as it is.

    With ``as_text``, all that does not begin as a binary is parsed. Raises what ``parse_module`` raises.
    """
    if not is_text(data) and (not as_text or data[:4] == MAGIC):
        return ModuleSource(data)
    module = parse_module(data, limits)
    return ModuleSource(encode(module), data.decode())
