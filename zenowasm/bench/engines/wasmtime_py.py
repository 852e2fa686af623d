"""wasmtime through its Python package, configured as its users do: no fuel, no deadline, no limits."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from zenowasm.bench.engines.protocol import InProcess, Running, next_number
from zenowasm.bench.engines.quickjs import QuickJs
from zenowasm.bench.errors import RefusedError
from zenowasm.bench.peer import installed_version


class WasmtimePy:
    """The peer with the same compiler as our engine ``wasmtime``."""

    label = "wasmtime-py"
    install = "pip install wasmtime"
    in_process = True
    in_python = False

    def version(self) -> str | None:
        """Return the package's version."""
        return installed_version("wasmtime")

    def __init__(self) -> None:
        self._engine: Any = None

    def compile(self, binary: bytes) -> Any:
        """Compile a module."""
        import wasmtime

        self._engine = self._engine or wasmtime.Engine()
        try:
            return wasmtime.Module(self._engine, binary)
        except wasmtime.WasmtimeError as error:
            raise RefusedError(str(error)) from error

    def instantiate(self, module: Any, stack: ExitStack) -> Running:
        """Instantiate a module in a new store."""
        import wasmtime

        store = wasmtime.Store(self._engine)
        linker = wasmtime.Linker(store.engine)
        number = wasmtime.ValType.i32()
        linker.define_func("env", "next", wasmtime.FuncType([number], [number]), next_number)
        try:
            run = linker.instantiate(store, module).exports(store)["run"]
        except wasmtime.WasmtimeError as error:
            raise RefusedError(str(error)) from error
        return InProcess(partial(run, store))

    def load_quickjs(self, binary: bytes, stack: ExitStack) -> Running:
        """Instantiate QuickJS with WASI, whose output goes to a file."""
        import wasmtime

        output = stack.enter_context(NamedTemporaryFile())  # noqa: SIM115 - the stack closes it
        store = wasmtime.Store()
        wasi = wasmtime.WasiConfig()
        wasi.stdout_file = output.name
        store.set_wasi(wasi)
        linker = wasmtime.Linker(store.engine)
        linker.define_wasi()
        exports = linker.instantiate(store, wasmtime.Module(store.engine, binary)).exports(store)

        def call(name: str, *arguments: int) -> int:
            return int(exports[name](store, *arguments) or 0)

        def write(address: int, data: bytes) -> None:
            exports["memory"].write(store, data, address)

        return QuickJs(call, write, lambda: Path(output.name).read_bytes())
