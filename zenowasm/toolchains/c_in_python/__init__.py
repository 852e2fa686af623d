"""Compiles C without a toolchain: ppci's C frontend, and a backend that writes the text format for our own engine.

The frontend accepts C99 without a libc and without variable arguments. ``functions`` and ``module`` translate its
intermediate code to text, and ``zenowasm.interp`` assembles the binary. ppci also has a WebAssembly backend;
RATIONALE.md explains why it is not used.
"""

from __future__ import annotations

from zenowasm.toolchains.c_in_python.frontend import is_installed, read_c
from zenowasm.toolchains.c_in_python.module import compile_module

__all__ = ["compile_module", "is_installed", "read_c"]
