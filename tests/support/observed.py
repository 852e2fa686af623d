"""Guests that are observed while they run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from support.engines import engine

from zenowasm.backends.protocol import FuncType, HostBody, Store
from zenowasm.interp.events import Probe
from zenowasm.interp.execution import Configuration


def exports_of(
    binary: bytes,
    on_store: Callable[[str, Store], None],
    functions: Mapping[str, tuple[FuncType, HostBody]] | None = None,
) -> tuple[Store, Any]:
    """Return a store with an observer, and the exports of an instance in it; imports come from "env"."""
    store = engine("reference").new_store()
    on_store("guest", store)
    imports = {("env", name): store.host_function(type_, body) for name, (type_, body) in (functions or {}).items()}
    return store, store.instantiate(engine("reference").compile(binary), imports).exports


class Stepped(Probe):
    """Counts instructions by pausing before each of them: slow, and independent of hooks and blocks."""

    every = True

    def __init__(self) -> None:
        self.counts: Counter[tuple[int, int]] = Counter()

    def attach(self, owner: str, store: Any) -> None:
        store.probe = self

    def before_instruction(self, execution: Configuration) -> None:
        frame = execution.frame
        if frame is not None:
            self.counts[frame.function.index, frame.pc] += 1
