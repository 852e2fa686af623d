"""Reading of modules for commands: from a file or stdin, in the binary or the text format."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from zenowasm.backends.compiling import memory_checkpoint
from zenowasm.backends.protocol import CompileLimits
from zenowasm.cli.errors import CliError, read_file, read_stdin
from zenowasm.interp.errors import DecodeError, ParseError, WasmError
from zenowasm.interp.progress import Progress
from zenowasm.interp.text.diagnosis import diagnose
from zenowasm.interp.text.sources import ModuleSource, is_component, module_source

STDIN: Final = "-"
_TEXT_SUFFIXES: Final = (".wat", ".wast")
_COMPONENT: Final = "this is a component, not a module: `wasm-tools component unbundle` extracts the modules in it"


def read_module(file: Path) -> bytes:
    """Return the bytes of the module in a file, ``-`` for stdin; text is assembled. Raises ``CliError``."""
    return read_source(file).binary


def read_source(file: Path, *, as_text: bool = False) -> ModuleSource:
    """Return the module in a file, ``-`` for stdin; raises ``CliError``.

    A file whose name has a text extension, or that the command reads ``as_text``, is text unless it begins like a
    binary.
    """
    data = read_stdin() if str(file) == STDIN else read_file(file)
    return as_source(data, file, as_text=as_text or file.suffix in _TEXT_SUFFIXES)


def as_module(data: bytes, file: Path) -> bytes:
    """Return the bytes of the module in a file's contents; raises ``CliError``."""
    return as_source(data, file).binary


def as_source(data: bytes, file: Path, *, as_text: bool = False) -> ModuleSource:
    """Return the module in a file's contents; raises ``CliError``."""
    if is_component(data):
        raise CliError(f"{file}: {_COMPONENT}")
    with text_errors(file, data), module_errors(file):
        return module_source(data, as_text=as_text)


def unhurried() -> Progress:
    """Return a ``Progress`` that limits the memory of the work on a module, but not its time, which the user limits."""
    return Progress(memory_checkpoint(CompileLimits()))


@contextmanager
def text_errors(file: Path, data: bytes) -> Iterator[None]:
    """Report errors in a file's text, with the line."""
    try:
        yield
    except ParseError as error:
        found = diagnose(data.decode(errors="replace"), error)
        place = f"{file}:{found.line}:{found.column}"
        raise CliError(f"{place}: {found.message}", excerpt=found.excerpt) from error


@contextmanager
def module_errors(file: Path) -> Iterator[None]:
    """Report errors in a file's module."""
    try:
        yield
    except ParseError:
        raise
    except DecodeError as error:
        raise CliError(f"{file} is not a WebAssembly module in the binary format: {error}") from error
    except WasmError as error:
        raise CliError(f"{file}: {error}") from error
