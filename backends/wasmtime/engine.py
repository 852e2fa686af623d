"""Compiling: wasmtime's configuration."""

from __future__ import annotations

from importlib.metadata import version

import wasmtime

from zenowasm.backends import protocol
from zenowasm.backends.protocol import Capability
from zenowasm.backends.wasmtime import failures
from zenowasm.backends.wasmtime.module import Module
from zenowasm.backends.wasmtime.store import Store
from zenowasm.backends.wasmtime.ticker import Ticker
from zenowasm.interp.errors import DecodeError
from zenowasm.interp.features import WASM_3, Feature
from zenowasm.interp.limits import ExecutionLimits

_MAGIC = b"\0asm"

_PROPOSALS = {
    Feature.SIMD: "wasm_simd",
    Feature.RELAXED_SIMD: "wasm_relaxed_simd",
    Feature.FUNCTION_REFERENCES: "wasm_function_references",
    Feature.GC: "wasm_gc",
    Feature.EXCEPTIONS: "wasm_exceptions",
    Feature.TAIL_CALL: "wasm_tail_call",
    Feature.MULTI_MEMORY: "wasm_multi_memory",
    Feature.MEMORY64: "wasm_memory64",
}
"""What wasmtime-py can switch. Extended constant expressions are always on."""

_NEVER = ("wasm_threads", "wasm_wide_arithmetic", "wasm_custom_page_sizes", "wasm_stack_switching")
"""Proposals beyond WebAssembly 3.0."""


def new_engine() -> protocol.Engine:
    """Return a new engine for WebAssembly 3.0."""
    return Engine(WASM_3)


class Engine:
    """wasmtime, configured to be deterministic: canonical NaNs, exact fuel, and epochs for deadlines only."""

    name = "wasmtime"
    capabilities = frozenset({Capability.FUEL})

    def __init__(self, features: Feature) -> None:
        config = wasmtime.Config()
        config.consume_fuel = True
        config.epoch_interruption = True
        config.cranelift_nan_canonicalization = True
        config.wasm_relaxed_simd_deterministic = True
        for feature, setting in _PROPOSALS.items():
            setattr(config, setting, feature in features)
        for setting in _NEVER:
            setattr(config, setting, False)
        self.raw = wasmtime.Engine(config)
        self.ticker = Ticker(self.raw)

    @property
    def version(self) -> str:
        """The version of wasmtime-py, whose major number is wasmtime's."""
        return version("wasmtime")

    def compile(self, binary: bytes) -> Module:
        """Decode, validate and compile a module; raises the errors that the protocol names."""
        # wasmtime-py takes anything else for the text format.
        if binary[:4] != _MAGIC:
            raise DecodeError("unexpected end" if _MAGIC.startswith(binary) else "magic header not detected", 0)
        try:
            raw = wasmtime.Module(self.raw, binary)
        except wasmtime.WasmtimeError as error:
            raise failures.of_compilation(error) from None
        return Module(raw, binary)

    def new_store(self, limits: ExecutionLimits | None = None) -> Store:
        """Create an empty store.

        ``memory_bytes`` and ``table_elements`` bound each memory and each table, since wasmtime counts them one by
        one; the heap of structures, arrays and host references is one more memory, so that ``heap_bytes`` has no
        effect. Neither have ``call_depth`` and ``stack_values``: wasmtime bounds its stack in bytes.
        """
        return Store(self.raw, self.ticker, limits or ExecutionLimits())
