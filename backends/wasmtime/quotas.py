"""The unused part of a store's quotas, counted by the host and by metered guests."""

from __future__ import annotations

import wasmtime

from zenowasm.interp.limits import ExecutionLimits
from zenowasm.interp.runtime.quota import Quota


class Quotas:
    """A store's quotas of memory and of tables.

    A guest with a single memory grows it within wasmtime's limiter, without using a quota. As soon as the store
    contains a metered guest, the quotas are in globals that it imports, and ``counts`` is true.
    """

    def __init__(self, store: wasmtime.Store, limits: ExecutionLimits) -> None:
        self.memory = Quota(limits.memory_bytes, "bytes of memory")
        self.table = Quota(limits.table_elements, "table elements")
        self._store = store
        self._fuel: wasmtime.Global | None = None
        self.counts = False

    @property
    def fuel(self) -> int:
        """The fuel cost of metering."""
        return 0 if self._fuel is None else int(self._fuel.value(self._store))

    def counters(self) -> list[wasmtime.Global]:
        """Return the globals that a metered module imports (see ``metering``)."""
        if self._fuel is None:
            self._fuel = _counter(self._store, 0)
            self.counts = True
        if not isinstance(self.memory, _CountedQuota):
            self.memory = _CountedQuota(self.memory, self._store)
        if not isinstance(self.table, _CountedQuota):
            self.table = _CountedQuota(self.table, self._store)
        return [self.memory.counter, self.table.counter, self._fuel]


class _CountedQuota(Quota):
    """A quota whose unused part is in a global of the store."""

    __slots__ = ("_store", "counter")

    def __init__(self, quota: Quota, store: wasmtime.Store) -> None:
        self._store = store
        self.counter = _counter(store, quota.left)
        self.limit = quota.limit
        self.what = quota.what

    @property
    def left(self) -> int:
        """The units left."""
        return int(self.counter.value(self._store))

    @left.setter
    def left(self, units: int) -> None:
        self.counter.set_value(self._store, units)


def _counter(store: wasmtime.Store, value: int) -> wasmtime.Global:
    return wasmtime.Global(store, wasmtime.GlobalType(wasmtime.ValType.i64(), True), wasmtime.Val.i64(value))
