"""Compiles modules with wasmtime within limits: small ones in this process, all others in a separate one."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

import wasmtime
from attrs import frozen

from zenowasm.backends.compiling import out_of_memory, out_of_time
from zenowasm.backends.protocol import CompileLimits
from zenowasm.backends.wasmtime import child, failures
from zenowasm.backends.wasmtime.estimate import SECONDS_PER_MIB, cost
from zenowasm.backends.wasmtime.source import Source
from zenowasm.interp.errors import Crash
from zenowasm.interp.limits import MIB
from zenowasm.interp.progress import Progress
from zenowasm.interp.syntax.module import Module
from zenowasm.interp.validation.module import decode_bodies

if TYPE_CHECKING:
    from subprocess import CompletedProcess

_MOST_HERE: Final = 256 * MIB
"""The largest estimate of a module that is compiled in this process; the actual use is a fraction of the estimate."""
_MOST_THREADS: Final = 4
_INHERITED: Final = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
_ERROR_BYTES: Final = 64 * 1024


@frozen
class Compiler:
    """A compiler for an engine with these settings."""

    engine: wasmtime.Engine
    settings: Mapping[str, bool | int]

    def compile(self, source: Source, limits: CompileLimits, progress: Progress) -> wasmtime.Module:
        """Return the compiled module.

        Raises the error of ``failures.of_compilation`` if wasmtime rejects the module, ``DecodeError`` for a malformed
        body, and ``CompileLimitError`` if compiling exceeds the limits.
        """
        try:
            if source.metered is None:
                return self._compile(source.structure, source.binary, limits)
            wasmtime.Module.validate(self.engine, source.binary)  # so that errors have positions in the original
            return self._compile(source.metered.structure, source.metered.binary, limits)
        except wasmtime.WasmtimeError as error:
            decode_bodies(source.structure.codes, progress)
            raise failures.of_compilation(error) from None

    def _compile(self, module: Module, binary: bytes, limits: CompileLimits) -> wasmtime.Module:
        estimate = cost(module, binary)
        seconds = limits.seconds_for(len(binary))
        if estimate <= min(_MOST_HERE, limits.memory_bytes) and estimate / MIB * SECONDS_PER_MIB <= seconds:
            return wasmtime.Module(self.engine, binary)
        return wasmtime.Module.deserialize(self.engine, _compile_elsewhere(self.settings, binary, limits))


def _compile_elsewhere(settings: Mapping[str, bool | int], binary: bytes, limits: CompileLimits) -> bytes:
    """Compile and serialize the module in a separate process, which can be terminated."""
    import subprocess  # imported late: most modules are small

    seconds = limits.seconds_for(len(binary))
    threads = min(_MOST_THREADS, os.cpu_count() or 1)
    task = {
        "packages": str(Path(wasmtime.__file__).parents[1]),
        "settings": dict(settings),
        "memory": limits.memory_bytes,
        "cpu": int(seconds * threads) + 1,
    }
    environment = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    # Each allocator thread reserves its own addresses, which would count towards the limit.
    environment |= {"RAYON_NUM_THREADS": str(threads), "MALLOC_ARENA_MAX": "1"}
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-S", child.__file__, json.dumps(task)],
            input=binary,
            capture_output=True,
            timeout=seconds,
            env=environment,
            cwd="/",
            start_new_session=True,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise out_of_time(limits, len(binary)) from None
    return _result(done, limits, len(binary))


def _result(done: CompletedProcess[bytes], limits: CompileLimits, size: int) -> bytes:
    match done.returncode:
        case child.COMPILED:
            return done.stdout
        case child.REFUSED:
            raise wasmtime.WasmtimeError(done.stdout[:_ERROR_BYTES].decode(errors="replace"))
        case child.OUT_OF_MEMORY | child.ABORTED:
            raise out_of_memory(limits)
        case child.OUT_OF_TIME:
            raise out_of_time(limits, size)
        case code:
            last = done.stderr[-_ERROR_BYTES:].decode(errors="replace").strip().rpartition("\n")[2]
            raise Crash(f"wasmtime's compiler ended with {code}: {last}")
