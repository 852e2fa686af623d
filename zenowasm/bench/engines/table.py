"""All engines that can be measured, in the order of the reports; ratios are relative to the first."""

from __future__ import annotations

from typing import Final

from zenowasm.backends import registry
from zenowasm.backends.protocol import EngineOptions
from zenowasm.bench.engines.ours import Ours
from zenowasm.bench.engines.ppci_native import PpciNative
from zenowasm.bench.engines.protocol import Engine
from zenowasm.bench.engines.pwasm import Pwasm
from zenowasm.bench.engines.pywasm import Pywasm
from zenowasm.bench.engines.v8 import V8
from zenowasm.bench.engines.wasm3 import Wasm3
from zenowasm.bench.engines.wasmtime_py import WasmtimePy

OURS: Final = tuple(Ours(name) for name in registry.names())
PEERS: Final[tuple[Engine, ...]] = (
    WasmtimePy(),
    V8(),
    Wasm3(),
    PpciNative(),
    Pwasm("interpret"),
    Pwasm("compile"),
    Pywasm(),
)
VARIANTS: Final = tuple(
    Ours("wasmtime", EngineOptions(fuel=fuel, interrupts=interrupts, deterministic=deterministic), variant)
    for variant, (fuel, interrupts, deterministic) in {
        "none": (False, False, False),
        "fuel": (True, False, False),
        "interrupts": (False, True, False),
        "deterministic": (False, False, True),
        "all": (True, True, True),
    }.items()
)
"""wasmtime with each option that slows guests down; a variant runs only if the command line names it."""
ENGINES: Final[tuple[Engine, ...]] = (*OURS, *PEERS)
