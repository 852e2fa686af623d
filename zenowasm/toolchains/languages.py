"""The plugin languages, by their command line keys."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from zenowasm.toolchains import assemblyscript, c, go, rust
from zenowasm.toolchains.language import Language

LANGUAGES: Mapping[str, Language] = MappingProxyType(
    {it.key: it for it in (c.C, c.CPP, go.LANGUAGE, rust.LANGUAGE, assemblyscript.LANGUAGE)}
)
