"""Lets Python's ``import`` find WebAssembly modules, as ``NAME.wasm`` or ``NAME.wat`` on ``sys.path``."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from zenowasm.embedding.instance import Instance
from zenowasm.embedding.module import Module
from zenowasm.embedding.store import Store
from zenowasm.embedding.wasi import Wasi

_SUFFIXES = (".wasm", ".wat")


@contextmanager
def wasm_imports(store: Store | None = None) -> Iterator[Store]:
    """Let ``import`` find WebAssembly modules inside a ``with`` block, and instantiate them in one store.

    Python also resolves the imports of such a module: from a Python module, another WebAssembly module, or WASI without
    access to the host. Imported modules stay imported after the block.
    """
    finder = _Finder(Store() if store is None else store)
    sys.meta_path.append(finder)
    try:
        yield finder.store
    finally:
        sys.meta_path.remove(finder)


class _Finder(MetaPathFinder):
    def __init__(self, store: Store) -> None:
        self.store = store

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        name = fullname.rpartition(".")[2]
        for folder in sys.path if path is None else path:
            for suffix in _SUFFIXES:
                file = Path(folder or ".", name + suffix)
                if file.is_file():
                    return spec_from_file_location(fullname, file, loader=_Loader(self.store, file))
        return None


class _Loader(Loader):
    def __init__(self, store: Store, file: Path) -> None:
        self._store = store
        self._file = file

    def exec_module(self, module: ModuleType) -> None:
        wasm = Module(self._file)
        wanted = {it.module for it in wasm.imports}
        wasi = Wasi(args=(self._file.name,)) if Wasi.MODULE in wanted else None
        given: dict[str, Mapping[str, Any]] = {it: vars(import_module(it)) for it in wanted - {Wasi.MODULE}}
        instance = Instance(wasm, given, self._store, wasi=wasi)
        module.__dict__.update((name, instance.exports[name]) for name in instance.exports)
