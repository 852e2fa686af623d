"""Guests with known code, and servers for them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from support.engines import Guest
from support.gdb import GUEST, Served
from support.wasm import wat

from zenowasm.debugger import Session
from zenowasm.interp.errors import WasmError


@pytest.fixture
def serve() -> Iterator[Callable[..., Served]]:
    """Return a function that serves calls of the guest, which are its name and its arguments."""
    made: list[Served] = []

    def start(*call: Any, text: str = GUEST, modules: tuple[str, ...] = ()) -> Served:
        def run(session: Session) -> int:
            for number, other in enumerate(modules):
                extra = Guest(wat(other))
                session.attach(f"other{number}", extra.store)
                extra("run")
            guest = Guest(wat(text))
            session.attach("guest", guest.store)
            try:
                guest(*call)
            except WasmError:
                return 1
            return 5

        made.append(Served(run))
        return made[-1]

    yield start
    for served in made:
        served.close()
    assert not [it for it in threading.enumerate() if it.name == "guest"]
