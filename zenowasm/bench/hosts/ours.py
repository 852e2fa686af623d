"""Our plugin host, with the plugin of ``examples/plugins/hello``."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from zenowasm.backends import registry
from zenowasm.bench.hosts.protocol import Greet
from zenowasm.plugin import Host, HostEnvironment

PLUGINS: Final = Path(__file__).parent.parent / "plugins"


class OurHost:
    """``zenowasm.Host`` on one engine, shared by all threads."""

    loads_any = True
    install = "pip install 'zenowasm[wasmtime]'"

    def __init__(self, backend: str) -> None:
        self.label = backend
        self._backend = backend

    def version(self) -> str | None:
        """Return the version of the engine's software."""
        return registry.engine(self._backend).version if self._backend in registry.installed() else None

    def size(self, folder: Path) -> int:
        """Return the size of the plugin's binary."""
        return next(folder.glob("*/*.wasm")).stat().st_size

    def open(self, stack: ExitStack) -> Callable[[], Greet]:
        """Load the plugin."""
        host = stack.enter_context(
            Host(PLUGINS, backend=self._backend, environment=HostEnvironment({}), log=lambda record: None)
        )

        def greet(name: str) -> str:
            return str(host.call("hello.greet", name=name)["message"])

        return lambda: greet
