"""Programs: the access of a guest to its host through WASI preview 1."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from typing import Any, BinaryIO, ClassVar, Final, TextIO, TypeAlias

from zenowasm.closing import Closing
from zenowasm.embedding.functions import Function
from zenowasm.embedding.instance import Instance
from zenowasm.embedding.module import Module
from zenowasm.embedding.store import Store
from zenowasm.interp.errors import LinkError
from zenowasm.resources.files.folder import Folder
from zenowasm.wasi.context import Preopen, WasiContext
from zenowasm.wasi.errors import ProcExit
from zenowasm.wasi.preview1 import Preview1
from zenowasm.wasi.signatures import MODULE
from zenowasm.wasi.streams import BytesInput

Sink: TypeAlias = BinaryIO | TextIO
_START: Final = "_start"


class Wasi(Closing):
    """WASI preview 1 for one instance, which can access only what is passed here.

    ``args`` are the program's arguments, beginning with its name. ``env`` are its environment variables. ``dirs`` are
    the folders that it may use, by the program's names for them, or a list of folders under their own names. ``stdin``
    is its input. ``stdout`` and ``stderr`` are files for its output, by default those of this process.

    >>> import io
    >>> from zenowasm import Module, Wasi
    >>> out = io.BytesIO()
    >>> Wasi(stdout=out).run('(module (memory (export "memory") 1) (func (export "_start")))')
    0
    """

    MODULE: ClassVar = MODULE

    def __init__(
        self,
        args: Iterable[str] = ("program",),
        env: Mapping[str, str] | None = None,
        dirs: Mapping[str, str | os.PathLike[str]] | Iterable[str | os.PathLike[str]] = (),
        stdin: bytes | str = b"",
        stdout: Sink | None = None,
        stderr: Sink | None = None,
    ) -> None:
        folders = dirs.items() if isinstance(dirs, Mapping) else ((os.fspath(it), it) for it in dirs)
        with ExitStack() as stack:  # if a folder cannot be opened, those opened before are closed again
            preopens = [
                Preopen(os.fsencode(name), stack.enter_context(Folder.open(os.fspath(path)))) for name, path in folders
            ]
            self._open = stack.pop_all()
        self._context = WasiContext(
            arguments=tuple(os.fsencode(it) for it in args),
            environ=tuple(os.fsencode(f"{name}={value}") for name, value in (env or {}).items()),
            stdin=BytesInput(stdin.encode() if isinstance(stdin, str) else stdin),
            stdout=_FileOutput(sys.stdout if stdout is None else stdout),
            stderr=_FileOutput(sys.stderr if stderr is None else stderr),
            preopens=tuple(preopens),
        )

    def functions(self, store: Store) -> Mapping[str, Function]:
        """Return the functions of preview 1 for one instance in a store; the store closes the files that they open."""
        preview1 = Preview1(self._context)
        store.keeps.append(preview1)
        return {
            it.name: Function.of(store, store.raw.host_function(it.type, it.body), f"{it.module}.{it.name}")
            for it in preview1.functions()
        }

    def run(self, module: Module | bytes | str | os.PathLike[str], store: Store | None = None) -> int:
        """Run a program, which exports ``_start``, and return its exit code; raises the errors of ``Instance`` and of
        calls.
        """
        with ExitStack() as stack:
            instance = stack.enter_context(Instance(module, store=store, wasi=self))
            if _START not in instance.exports:
                raise LinkError("the module is not a program: it exports no _start")
            try:
                instance.exports[_START]()
            except ProcExit as exit_:
                return exit_.code
        return 0

    def close(self) -> None:
        """Close the folders; instances that use this object lose access to them."""
        self._open.close()


class _FileOutput:
    """A Python file that receives a guest's output."""

    descriptor = None
    pending = b""

    def __init__(self, file: Any) -> None:
        self._file = file

    def write(self, data: bytes) -> int:
        if hasattr(self._file, "encoding"):  # a text file
            self._file.write(data.decode("utf-8", "backslashreplace"))
        else:
            self._file.write(data)
        return len(data)

    def flush(self) -> None:
        self._file.flush()
