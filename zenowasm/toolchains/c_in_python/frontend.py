"""The C frontend: C source to ppci's intermediate code, with errors that a user can act on."""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from zenowasm.toolchains.errors import CompileError

# The exceptions that ppci raises, besides its own error, for C that it does not support: it asserts, or looks up a
# missing entry. Each of them is caused by unsupported source, none by a bug in this package.
_REFUSALS = (ArithmeticError, AssertionError, AttributeError, LookupError, NotImplementedError, RecursionError,
             TypeError, ValueError)  # fmt: skip
_LOGGERS = ("cbuilder", "ccodegen", "ccontext", "clexer", "cparser", "preprocessor", "semantics", "verifier")


def is_installed() -> bool:
    """Return whether ppci is installed, without importing it."""
    return find_spec("ppci") is not None


def read_c(source: Path) -> Any:
    """Return the intermediate code of a C file, a ``ppci.ir.Module``; ``#include "..."`` searches the file's folder.

    Raises ``CompileError`` with file, line and column if the source is wrong or uses a feature that ppci lacks.
    """
    with warnings.catch_warnings():
        # ppci imports modules that Python has deprecated.
        warnings.simplefilter("ignore", DeprecationWarning)
        from ppci import ir
        from ppci.arch.arch_info import ArchInfo, TypeInfo
        from ppci.common import CompilerError
        from ppci.lang.c import COptions, CParser, CPreProcessor
        from ppci.lang.c.context import CContext
        from ppci.lang.c.preprocessor import prepare_for_parsing

        from zenowasm.toolchains.c_in_python.corrections import CodeGenerator, Semantics

    sizes = {ir.i8: 1, ir.u8: 1, ir.i16: 2, ir.u16: 2, ir.i32: 4, ir.u32: 4, ir.f32: 4, ir.ptr: 4,
             ir.i64: 8, ir.u64: 8, ir.f64: 8}  # fmt: skip
    # The sizes of wasm32, as in its C ABI (tool-conventions, BasicCABI.md).
    types = {type_: TypeInfo(size, size) for type_, size in sizes.items()}
    options = COptions()
    options.add_include_path(str(source.parent))
    context = CContext(options, ArchInfo({**types, "int": ir.i32, "long": ir.i32, "ptr": ir.u32}))
    parser = CParser(options, Semantics(context))
    try:
        text = source.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CompileError(f"cannot read {source}: {error}") from error
    with _quiet():
        try:
            tokens = CPreProcessor(options).process_file(io.StringIO(text), str(source))
            tree = parser.parse(prepare_for_parsing(tokens, parser.keywords))
            return CodeGenerator(context).gen_code(tree)
        except CompilerError as error:
            place = f"{error.loc.filename}:{error.loc.row}:{error.loc.col}: " if error.loc else f"{source}: "
            raise CompileError(f"{place}error: {error.msg}") from error
        except _REFUSALS as error:
            reason = f"{type(error).__name__}: {error}".removesuffix(": ")
            raise CompileError(
                f"{source}: ppci's C front end rejects this source ({reason}); "
                "`pip install ziglang` installs a compiler for all of C"
            ) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Suppress ppci's output and logs, which describe its internal steps."""
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        with redirect_stdout(io.StringIO()):
            yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)
