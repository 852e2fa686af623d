"""Modules: read from bytes, files or text, and compiled when they are instantiated."""

from __future__ import annotations

import os
from collections.abc import Sequence, Sized
from functools import cached_property
from pathlib import Path
from typing import Self
from weakref import WeakKeyDictionary

from zenowasm.backends import protocol
from zenowasm.backends.compiling import bounded
from zenowasm.backends.protocol import CompileLimits
from zenowasm.display import kilobytes, visible
from zenowasm.interp.binary import Names, decode, decode_names
from zenowasm.interp.errors import DecodeError, ParseError, Trap, ValidationError
from zenowasm.interp.progress import Progress
from zenowasm.interp.text.diagnosis import diagnose
from zenowasm.interp.text.printer import ModulePrinter
from zenowasm.interp.text.sources import is_component, is_text, module_source
from zenowasm.interp.types import ExportType, ImportType
from zenowasm.interp.validation import Context, validate_module, validate_structure
from zenowasm.notebook import html_table


class Module:
    """A WebAssembly module, independent of any engine.

    ``source`` is the binary or the text format as ``bytes``, the text format as ``str``, or the path of a file with
    either. A ``str`` is text if, after space and comments, it begins with a parenthesis.

    Raises ``DecodeError`` for malformed bytes, ``ParseError`` for malformed text (with a note that shows the line and
    marks the place), and ``OSError`` for a file that cannot be read. A well-formed module may still be invalid: see
    ``validate``.

    >>> module = Module('(module (func (export "add") (param i32 i32) (result i32) '
    ...                 'local.get 0 local.get 1 i32.add))')
    >>> module
    <Module: 0 imports, 1 export, 41 bytes>
    >>> [(it.name, str(it.type)) for it in module.exports]
    [('add', '(func (param i32 i32) (result i32))')]
    """

    def __init__(self, source: bytes | str | os.PathLike[str]) -> None:
        if isinstance(source, str) and is_text(source.encode(errors="surrogateescape")):
            source = source.encode()
        elif isinstance(source, str | os.PathLike):
            source = Path(source).read_bytes()
        elif not isinstance(source, bytes | bytearray | memoryview):
            raise TypeError(f"a module is made of bytes, text or a path, not of {type(source).__name__}")
        self._binary = _binary(bytes(source))
        self._syntax = decode(self._binary, progress=self._progress())
        self._compiled: WeakKeyDictionary[protocol.Engine, protocol.Module] = WeakKeyDictionary()

    @classmethod
    def from_file(cls, path: str | os.PathLike[str]) -> Self:
        """Read a module from a file in either format; raises the same errors as ``Module``."""
        return cls(Path(path))

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Parse a module in the text format; raises ``ParseError``."""
        return cls(text.encode())

    @property
    def imports(self) -> tuple[ImportType, ...]:
        """The imports in order, each with ``module``, ``name`` and ``type``; raises ``ValidationError``."""
        return self._context.import_types(self._syntax)

    @property
    def exports(self) -> tuple[ExportType, ...]:
        """The exports in order, each with ``name`` and ``type``; raises ``ValidationError``."""
        return self._context.export_types(self._syntax)

    @property
    def name(self) -> str | None:
        """The module's name from its name section, or ``None``."""
        return self._names.module

    @property
    def custom_sections(self) -> tuple[tuple[str, bytes], ...]:
        """The name and the bytes of each custom section, in order."""
        return tuple((it.name, bytes(it.data)) for it in self._syntax.customs)

    def to_bytes(self) -> bytes:
        """Return the module in the binary format: the original bytes, or the assembled text."""
        return self._binary

    def to_text(self) -> str:
        """Return the module in the text format, which parses to the same module."""
        return "\n".join(ModulePrinter(self._syntax, self._names).module_text()) + "\n"

    def calls_at(self, trap: Trap) -> Sequence[str]:
        """Return the active functions at a trap, innermost first, each with its source line if this module has DWARF.

        The trap is one of an instance of this module; source lines need the extra ``debug``.
        """
        from zenowasm.debugger.trap_lines import with_lines  # few modules trap

        return with_lines(trap, self._binary)

    def validate(self) -> None:
        """Validate the whole module (specification, chapter 3); raises ``ValidationError`` with the reason and the
        place.

        Raises ``LimitError`` if validation takes more time or memory than the default limits of compilation allow.
        """
        validate_module(self._syntax, self._progress())

    def compiled(self, engine: protocol.Engine) -> protocol.Module:
        """Return the module compiled by an engine, once per engine; raises the same errors as ``Engine.compile``."""
        made = self._compiled.get(engine)
        if made is None:
            try:
                made = self._compiled[engine] = engine.compile(self._binary)
            except ValidationError:
                self.validate()  # raises the same message on every engine
                raise
        return made

    def _progress(self) -> Progress:
        return bounded(CompileLimits(), len(self._binary))

    @cached_property
    def _context(self) -> Context:
        return validate_structure(self._syntax)

    @cached_property
    def _names(self) -> Names:
        return decode_names(self._syntax)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Module) and self._binary == other._binary

    def __hash__(self) -> int:
        return hash(self._binary)

    def __reduce__(self) -> tuple[type[Module], tuple[bytes]]:
        return Module, (self._binary,)

    def __repr__(self) -> str:
        name = f" {visible(self.name)!r}" if self.name else ""
        counts = f"{_count(self.imports, 'import')}, {_count(self.exports, 'export')}"
        return f"<Module{name}: {counts}, {kilobytes(len(self._binary))}>"

    def _repr_html_(self) -> str:
        rows = [("import", f"{it.module}.{it.name}", str(it.type)) for it in self.imports]
        rows += [("export", it.name, str(it.type)) for it in self.exports]
        return html_table(repr(self), rows)


def _binary(data: bytes) -> bytes:
    if is_component(data):
        raise DecodeError("this is a component, not a module: `wasm-tools component unbundle` extracts its modules", 4)
    try:
        return module_source(data).binary
    except ParseError as error:
        found = diagnose(data.decode(errors="replace"), error)
        shown = ParseError(found.message, error.offset, found.line, found.column)
        if found.excerpt:
            shown.add_note("\n".join(found.excerpt))
        raise shown from None


def _count(things: Sized, what: str) -> str:
    return f"{len(things)} {what}{'' if len(things) == 1 else 's'}"
