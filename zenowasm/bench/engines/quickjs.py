"""QuickJS, a JavaScript engine of 1.5 MB that needs WASI: each engine runs it as an interpreter of a loop."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from time import perf_counter
from typing import Final

INSTALL: Final = "pip install qjs-wasi-reactor.wasm"


def script(turns: int) -> str:
    """Return the JavaScript program with that many iterations."""
    return f"let s = 0; for (let i = 0; i < {turns}; i++) s = (s + i * i) % 1000003; print(s)"


def module() -> bytes | None:
    """Return the module, or ``None`` if its package is not installed."""
    try:
        listed = files("qjs-wasi-reactor.wasm") or []
    except PackageNotFoundError:
        return None
    found = next(file for file in listed if file.suffix == ".wasm")
    return Path(str(found.locate())).read_bytes()


class QuickJs:
    """An instance of the module, accessed by its exports, its memory and its output."""

    def __init__(
        self, call: Callable[..., int], write: Callable[[int, bytes], None], output: Callable[[], bytes]
    ) -> None:
        self._call = call
        self._write = write
        self._output = output
        call("_initialize")

    def call(self, turns: int) -> int:
        """Evaluate the script and return the number that it prints."""
        self._evaluate(*self._arguments(turns))
        return int(self._output().splitlines()[-1])

    def time(self, turns: int, count: int) -> float:
        """Return the seconds that ``count`` evaluations take, each in a new JavaScript context."""
        number, vector = self._arguments(turns)
        started = perf_counter()
        for _ in range(count):
            self._evaluate(number, vector)
        return perf_counter() - started

    def _evaluate(self, number: int, vector: int) -> None:
        self._call("qjs_init_argv", number, vector)
        self._call("qjs_destroy")

    def _arguments(self, turns: int) -> tuple[int, int]:
        pointers = [self._put(word.encode() + b"\0") for word in ("qjs", "-e", script(turns))]
        return len(pointers), self._put(b"".join(it.to_bytes(4, "little") for it in [*pointers, 0]))

    def _put(self, data: bytes) -> int:
        address = self._call("malloc", len(data))
        self._write(address, data)
        return address
