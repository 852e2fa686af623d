"""How commands read modules: from a file or stdin, in the binary format or as text."""

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

    A file whose name ends as a text's, or that the command takes ``as_text``, is text unless it begins as a binary.
    """
    data = read_stdin() if str(file) == STDIN else read_file(file)
    return as_source(data, file, as_text=as_text or file.suffix in _TEXT_SUFFIXES)


def as_module(data: bytes, file: Path) -> bytes:
    """Return the bytes of the module that the contents of a file are; raises ``CliError``."""
    return as_source(data, file).binary


def as_source(data: bytes, file: Path, *, as_text: bool = False) -> ModuleSource:
    """Return the module that the contents of a file are; raises ``CliError``."""
    if is_component(data):
        raise CliError(f"{file}: {_COMPONENT}")
    with text_errors(file, data), module_errors(file):
        return module_source(data, as_text=as_text)


def unhurried() -> Progress:
    """Return what ends the work on a module that takes too much memory; how long it may take is the user's to say."""
    return Progress(memory_checkpoint(CompileLimits()))


@contextmanager
def text_errors(file: Path, data: bytes) -> Iterator[None]:
    """Report what is wrong with the text in a file, with its line."""
    try:
        yield
    except ParseError as error:
        found = diagnose(data.decode(errors="replace"), error)
        place = f"{file}:{found.line}:{found.column}"
        raise CliError(f"{place}: {found.message}", excerpt=found.excerpt) from error


@contextmanager
def module_errors(file: Path) -> Iterator[None]:
    """Report what is wrong with the module in a file."""
    try:
        yield
    except ParseError:
        raise
    except DecodeError as error:
        raise CliError(f"{file} is not a WebAssembly module in the binary format: {error}") from error
    except WasmError as error:
        raise CliError(f"{file}: {error}") from error
