"""Extism's Python SDK, with the same greeting in C for its ABI."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from zenowasm.bench.hosts.protocol import Greet
from zenowasm.bench.peer import installed_version

_FOLDER: Final = Path(__file__).parent.parent / "workloads"
_NOT_FOUND: Final = '{"success":false,"error":"variable $greeting not found"}'


class Extism:
    """Extism as its users call it: JSON in and out, one plugin per thread."""

    loads_any = False
    install = "pip install extism"

    def __init__(self, label: str, module: str, *, bare: bool) -> None:
        self.label = label
        self._file = _FOLDER / f"{module}.wasm"
        self._bare = bare

    def version(self) -> str | None:
        """Return the package's version."""
        return installed_version("extism")

    def size(self, folder: Path) -> int:
        """Return the size of Extism's own plugin binary."""
        return self._file.stat().st_size

    def open(self, stack: ExitStack) -> Callable[[], Greet]:
        """Load the plugin, and declare the functions by which it reads a variable and writes its log message."""
        import extism

        binary = self._file.read_bytes()
        functions = [] if self._bare else _functions(extism)

        def greeter() -> Greet:
            plugin = stack.enter_context(extism.Plugin(binary, functions=functions))

            def greet(name: str) -> str:
                request = {"slot_name": "hello.greet", "parameters": {"name": name}}
                reply = json.loads(plugin.call("greet", json.dumps(request, separators=(",", ":"))))
                return str(reply["data"]["message"])

            return greet

        return greeter


def _functions(extism: Any) -> list[Any]:
    number, space = extism.ValType.I64, "extism:host/user"
    asks = extism.host_fn(name="scope_get", namespace=space, signature=([number], [number]))
    logs = extism.host_fn(name="log", namespace=space, signature=([number], []))
    return [asks(_scope_get), logs(_log)]


def _scope_get(plugin: Any, inputs: Any, outputs: Any, *_: object) -> None:
    plugin.input_string(inputs[0])
    plugin.return_string(outputs[0], _NOT_FOUND)


def _log(plugin: Any, inputs: Any, *_: object) -> None:
    plugin.input_string(inputs[0])
