"""The engine: wasmtime's configuration, and the compilation of modules."""

from __future__ import annotations

from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

import wasmtime

from zenowasm.backends import protocol
from zenowasm.backends.compiling import bounded
from zenowasm.backends.protocol import Capability, CompileLimits, EngineOptions
from zenowasm.backends.wasmtime.compiled import CompiledModules
from zenowasm.backends.wasmtime.module import Module
from zenowasm.backends.wasmtime.stack import GUEST_STACK, ThreadStacks
from zenowasm.backends.wasmtime.store import Store
from zenowasm.backends.wasmtime.ticker import Ticker
from zenowasm.interp.features import WASM_3, Feature
from zenowasm.interp.limits import ExecutionLimits

if TYPE_CHECKING:
    from zenowasm.backends.wasmtime.source import Source
    from zenowasm.interp.progress import Progress

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
"""The features that wasmtime-py can switch on and off. Extended constant expressions are always on."""

_NEVER = ("wasm_threads", "wasm_wide_arithmetic", "wasm_custom_page_sizes", "wasm_stack_switching")
"""Proposals beyond WebAssembly 3.0, which are always off."""


def _settings(features: Feature, options: EngineOptions) -> dict[str, bool | int]:
    """Return the settings of wasmtime's configuration by name."""
    return {
        "max_wasm_stack": GUEST_STACK,
        "consume_fuel": options.fuel,
        "epoch_interruption": options.interrupts,
        "cranelift_nan_canonicalization": options.deterministic,
        "wasm_relaxed_simd_deterministic": options.deterministic,
        **{setting: feature in features for feature, setting in _PROPOSALS.items()},
        **dict.fromkeys(_NEVER, False),
    }


def _capabilities(options: EngineOptions) -> frozenset[Capability]:
    asked = {
        Capability.FUEL: options.fuel,
        Capability.INTERRUPTS: options.interrupts,
        Capability.DETERMINISTIC: options.deterministic,
    }
    return frozenset({Capability.PARALLEL, *(capability for capability, is_asked in asked.items() if is_asked)})


def _read(binary: bytes, features: Feature, progress: Progress | None = None) -> Source:
    from zenowasm.backends.wasmtime.source import read

    return read(binary, features, progress)


def _version() -> str:
    """Return the version of wasmtime-py from the name of its ``dist-info`` directory.

    Importing ``importlib.metadata``, with its e-mail parser, takes longer than loading a compiled module. It is used
    only if there are several such directories or none.
    """
    found = [it.name for it in Path(wasmtime.__file__).parents[1].glob("wasmtime-*.dist-info")]
    if len(found) == 1:
        return found[0].removeprefix("wasmtime-").removesuffix(".dist-info")
    from importlib.metadata import version

    return version("wasmtime")


def new_engine(options: EngineOptions) -> protocol.Engine:
    """Return a new engine for WebAssembly 3.0."""
    return Engine(WASM_3, options)


class Engine:
    """wasmtime, which counts fuel, is interruptible and is deterministic if the options request it."""

    name = "wasmtime"

    def __init__(self, features: Feature, options: EngineOptions | None = None) -> None:
        options = options or EngineOptions()
        self._features = features
        self.capabilities = _capabilities(options)
        settings = _settings(features, options)
        config = wasmtime.Config()
        for name, value in settings.items():
            setattr(config, name, value)
        # Compiler threads do not survive a fork, after which compiling in the child process would never end.
        config.parallel_compilation = False
        self.raw = wasmtime.Engine(config)
        self._settings = settings
        self._compiled = CompiledModules(self.raw, self.version, settings, options.cache)
        self.counts_fuel = options.fuel
        self.ticker = Ticker(self.raw) if options.interrupts else None
        self.stacks = ThreadStacks()

    @cached_property
    def version(self) -> str:
        """The version of wasmtime-py, whose major number is wasmtime's."""
        return _version()

    def compile(self, binary: bytes, limits: CompileLimits | None = None) -> Module:
        """Decode, validate and compile a module; raises the errors that the protocol names.

        This package's decoder first reads everything except the function bodies: it distinguishes malformed from
        invalid modules, and its counts determine how many resources the compiler may use. A module in the cache is not
        read.
        """
        found = self._compiled.get(binary)
        if found is not None:
            raw, interface = found
            return Module(raw, interface, partial(_read, binary, self._features))
        from zenowasm.backends.wasmtime.compiler import Compiler  # imported late: a cache hit does not need it

        limits = limits or CompileLimits()
        progress = bounded(limits, len(binary))
        source = _read(binary, self._features, progress)
        raw = Compiler(self.raw, self._settings).compile(source, limits, progress)
        interface = source.interface()
        self._compiled.put(binary, raw, interface)
        return Module(raw, interface, lambda: source)

    def new_store(self, limits: ExecutionLimits | None = None) -> Store:
        """Create an empty store.

        ``memory_bytes`` and ``table_elements`` bound the sum of an instance's memories and of its tables. The heap of
        structures, arrays and host references is an additional memory that ``memory_bytes`` also bounds:
        ``heap_bytes`` has no effect. ``call_depth`` and ``stack_values`` have no effect either: wasmtime bounds its
        stack in bytes.
        """
        return Store(self.raw, self.ticker, self.stacks, limits or ExecutionLimits(), counts_fuel=self.counts_fuel)
