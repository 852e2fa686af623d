"""Compiles C without a toolchain: ppci's C front end, and a back end that writes the text format of our own engine.

The front end takes C99 without a libc and without variable arguments. Its intermediate code goes through ``functions``
and ``module`` to text, and ``zenowasm.interp`` makes the binary. ppci has a WebAssembly back end as well; RATIONALE.md
says why it is not used.
"""

from __future__ import annotations

from zenowasm.toolchains.c_in_python.frontend import is_installed, read_c
from zenowasm.toolchains.c_in_python.module import compile_module

__all__ = ["compile_module", "is_installed", "read_c"]
