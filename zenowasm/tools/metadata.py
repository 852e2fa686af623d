"""The metadata of a module's custom sections: names, producers, target features, build id, debugging."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import attrs
from attrs import frozen

from zenowasm.interp.binary import Names, decode_names
from zenowasm.interp.binary.raw_sections import raw_sections
from zenowasm.interp.binary.reader import Reader
from zenowasm.interp.errors import DecodeError, LimitError
from zenowasm.interp.limits import ModuleLimits
from zenowasm.interp.syntax.module import CustomSection, Module

_PRODUCERS: Final = "producers"
_TARGET_FEATURES: Final = "target_features"
_BUILD_ID: Final = "build_id"
_TEXTS: Final[Mapping[str, str]] = {
    "sourceMappingURL": "source_map",
    "external_debug_info": "external_debug_info",
    "authors": "authors",
    "description": "description",
    "licenses": "licenses",
    "source": "source",
    "homepage": "homepage",
    "revision": "revision",
    "version": "version",
}
"""The sections that hold a text, and the meaning of that text."""
_LENGTH_BEFORE: Final = frozenset({"sourceMappingURL", "external_debug_info"})
"""The sections whose text is a length-prefixed name; the others are plain UTF-8."""
_DEBUG: Final = ".debug_"
_FEATURE_PREFIXES: Final = {"+": "used", "-": "not used", "=": "required"}


@frozen
class Producer:
    """A tool, language or SDK that produced the module; ``field`` says in which role."""

    field: str
    name: str
    version: str


@frozen
class TargetFeature:
    """A feature that a compiler used (``+``), did not use (``-``) or needs (``=``)."""

    prefix: str
    name: str

    @property
    def meaning(self) -> str:
        """The meaning of the prefix."""
        return _FEATURE_PREFIXES[self.prefix]


@frozen
class Metadata:
    """The metadata of a module; ``malformed`` lists the sections that could not be read.

    ``names`` maps each kind of name to the number of names, ``debug`` lists the DWARF sections, and ``customs`` has the
    sizes of all custom sections.
    """

    name: str | None
    names: Mapping[str, int]
    producers: tuple[Producer, ...]
    target_features: tuple[TargetFeature, ...]
    build_id: str | None
    texts: Mapping[str, str]
    debug: tuple[str, ...]
    customs: tuple[tuple[str, int], ...]
    malformed: tuple[str, ...]


def metadata(binary: bytes) -> Metadata:
    """Read a module's metadata; raises ``DecodeError`` if its section headers are malformed."""
    customs = [
        CustomSection(it.name, binary[it.data : it.end], it.data) for it in raw_sections(binary) if it.name is not None
    ]
    names = decode_names(Module(customs=tuple(customs)))
    malformed: list[str] = []
    texts = {what: text for section, what in _TEXTS.items() if (text := _text(customs, section, malformed)) is not None}
    return Metadata(
        names.module,
        _counts(names),
        tuple(_entries(customs, _PRODUCERS, _producers, malformed)),
        tuple(_entries(customs, _TARGET_FEATURES, _target_features, malformed)),
        next(iter(_entries(customs, _BUILD_ID, _build_id, malformed)), None),
        texts,
        tuple(it.name for it in customs if it.name.startswith(_DEBUG)),
        tuple((it.name, len(it.data)) for it in customs),
        tuple(malformed),
    )


def _counts(names: Names) -> dict[str, int]:
    found: dict[str, int] = {}
    for what, entries in attrs.asdict(names, recurse=False).items():
        if isinstance(entries, dict) and entries:
            found[what] = sum(len(it) if isinstance(it, dict) else 1 for it in entries.values())
    return found


def _entries(customs: list[CustomSection], name: str, read: Any, malformed: list[str]) -> list[Any]:
    """Return the entries of the first section with that name, an empty list if it is missing or malformed."""
    section = next((it for it in customs if it.name == name), None)
    if section is None:
        return []
    try:
        return list(read(Reader(section.data, section.offset)))
    except (DecodeError, LimitError):
        malformed.append(name)
        return []


def _text(customs: list[CustomSection], name: str, malformed: list[str]) -> str | None:
    def read(reader: Reader) -> Iterator[str]:
        if name in _LENGTH_BEFORE:
            yield reader.name(ModuleLimits().string_bytes)
        else:
            try:
                yield reader.bytes(reader.left).decode()
            except UnicodeDecodeError:
                raise reader.error("malformed UTF-8 encoding") from None

    return next(iter(_entries(customs, name, read, malformed)), None)


def _producers(reader: Reader) -> Iterator[Producer]:
    most = ModuleLimits().string_bytes
    for _ in range(reader.count(most, "fields")):
        field = reader.name(most)
        for _ in range(reader.count(most, "producers")):
            yield Producer(field, reader.name(most), reader.name(most))


def _target_features(reader: Reader) -> Iterator[TargetFeature]:
    most = ModuleLimits().string_bytes
    for _ in range(reader.count(most, "features")):
        prefix = chr(reader.byte())
        if prefix not in _FEATURE_PREFIXES:
            raise reader.error(f"malformed prefix of a feature {prefix!r}", reader.pos - 1)
        yield TargetFeature(prefix, reader.name(most))


def _build_id(reader: Reader) -> Iterator[str]:
    yield reader.bytes(reader.u32()).hex()
