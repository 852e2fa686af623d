"""Instances: a module in a store, linked to its imports."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from zenowasm.backends import protocol
from zenowasm.closing import Closing
from zenowasm.display import nearest
from zenowasm.embedding.externs import given, wrapped
from zenowasm.embedding.module import Module
from zenowasm.embedding.store import Store
from zenowasm.embedding.tags import guest_exception
from zenowasm.interp.errors import LinkError, UncaughtException
from zenowasm.interp.mistakes import unknown_import
from zenowasm.interp.types import ImportType
from zenowasm.notebook import html_table
from zenowasm.wasi import signatures as wasi_signatures

if TYPE_CHECKING:
    from zenowasm.embedding.wasi import Wasi


class Exports(Mapping[str, Any]):
    """The exports of an instance by name: ``exports["add"]``, or ``exports.add`` if the name is a Python identifier."""

    def __init__(self, store: Store, raw: Mapping[str, protocol.Extern]) -> None:
        self._found = {name: wrapped(store, it, name) for name, it in raw.items()}

    def __getitem__(self, name: str) -> Any:
        return self._found[name]

    def __getattribute__(self, name: str) -> Any:
        # Exports take precedence over the methods of mappings: many modules export a `get`.
        found = super().__getattribute__("__dict__").get("_found", {})
        return found[name] if name in found else super().__getattribute__(name)

    def __getattr__(self, name: str) -> Any:
        found = self.__dict__.get("_found", {})
        near = nearest(name, found)
        hint = f"did you mean {near}?" if near else f"it exports {', '.join(found) or 'nothing'}"
        raise AttributeError(f"the instance exports no {name!r}: {hint}")

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)

    def __dir__(self) -> list[str]:
        return [*(name for name in self._found if name.isidentifier()), *super().__dir__()]

    def __repr__(self) -> str:
        return f"<Exports: {', '.join(self._found) or 'none'}>"


class Instance(Closing):
    """A module that runs in a store; its start function has run.

    ``module`` is a ``Module`` or anything that makes one. ``imports`` has the imports by module and name: a Python
    callable for a function, whose type the import declares; a number for an immutable global; or a ``Function``,
    ``Memory``, ``Table``, ``Global`` or ``Tag`` of the store. Another instance in the store provides all its exports.
    ``wasi`` gives the instance WASI preview 1. Without a ``store``, the instance gets its own on the fastest installed
    engine.

    Raises ``LinkError`` for missing or mismatching imports, ``ValidationError`` for an invalid module, ``LimitError``
    for a memory or table that exceeds the store's limits, and the exceptions of the start function.

    >>> instance = Instance('(module (import "env" "f" (func $f (param i32) (result i32)))'
    ...                     ' (func (export "twice") (param i32) (result i32) (call $f (call $f (local.get 0)))))',
    ...                     {"env": {"f": lambda x: x - 3}})
    >>> instance.exports.twice(5)
    -1
    """

    exports: Exports

    def __init__(
        self,
        module: Module | bytes | str | os.PathLike[str],
        imports: Mapping[str, Mapping[str, Any] | Instance] | None = None,
        store: Store | None = None,
        *,
        wasi: Wasi | None = None,
    ) -> None:
        self.module = module if isinstance(module, Module) else Module(module)
        self._owns_store = store is None
        self.store = store = Store() if store is None else store
        with store.entered() as raw:
            compiled = self.module.compiled(store.engine)
            offered: dict[str, Mapping[str, Any]] = {
                name: it.exports if isinstance(it, Instance) else it for name, it in (imports or {}).items()
            }
            if wasi is not None:
                offered[wasi.MODULE] = wasi.functions(store)
            linked = {(it.module, it.name): _linked(store, it, offered) for it in compiled.imports}
            try:
                self._raw = raw.instantiate(compiled, linked)
            except UncaughtException as error:
                raise guest_exception(store, error) from None
            self.exports = Exports(store, self._raw.exports)

    def close(self) -> None:
        """Close the store if it belongs to the instance."""
        if self._owns_store:
            self.store.close()

    def __repr__(self) -> str:
        name = f" of {self.module.name!r}" if self.module.name else ""
        return f"<Instance{name} on {self.store.engine.name}: {', '.join(self.exports) or 'no exports'}>"

    def _repr_html_(self) -> str:
        return html_table(repr(self), [("export", name, repr(it)) for name, it in self.exports.items()])


def _linked(store: Store, wanted: ImportType, offered: Mapping[str, Mapping[str, Any]]) -> protocol.Extern:
    names = offered.get(wanted.module, {})
    if wanted.name not in names:
        raise LinkError(f"{unknown_import(wanted)}{_hint(wanted, offered)}")
    return given(store, wanted, names[wanted.name])


def _hint(wanted: ImportType, offered: Mapping[str, Mapping[str, Any]]) -> str:
    names = offered.get(wanted.module)
    if names is None and wanted.module == wasi_signatures.MODULE:
        return "; give the instance wasi=Wasi()"
    near = nearest(wanted.name, names) if names else nearest(wanted.module, offered)
    return f"; did you mean {near}?" if near else ""
