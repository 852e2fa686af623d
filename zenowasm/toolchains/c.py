"""C and C++: compiled by zig if it is installed; otherwise C is compiled in Python (``c_in_python``)."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from zenowasm.plugin.guest.abi import EXPORTS
from zenowasm.plugin.guest.code import interface
from zenowasm.toolchains.c_in_python import compile_module, is_installed, read_c
from zenowasm.toolchains.debug_sections import without_debug_sections
from zenowasm.toolchains.language import Language, Toolchain, root_source
from zenowasm.toolchains.process import ask, compile_

# A reactor, so that libc starts in _initialize and stays usable; a stack that is small relative to memory. The linker
# writes names for the debugger only with full debugging information (-g), which is dropped afterwards.
_FLAGS = ("--target=wasm32-wasi", "-mexec-model=reactor", "-g", "-Wall", "-Wextra", "-Wl,-z,stack-size=65536")
_OPTIMISED = "-Os"
# Without zig's sanitizer, whose runtime imports WASI functions that plugins do not have.
_UNOPTIMISED = ("-O0", "-fno-sanitize=all")
# zig's libc++ for WASI is built without exceptions.
_CPP_FLAGS = ("-std=c++20", "-fno-exceptions", "-fno-rtti")


def _find_c(folder: Path) -> list[Toolchain]:
    return _zig(_build_c) + ([Toolchain("ppci", "", _build_in_python)] if is_installed() else [])


def _find_cpp(folder: Path) -> list[Toolchain]:
    return _zig(_build_cpp)


def _zig(build: Callable[[Sequence[str], Path, Path, bool], None]) -> list[Toolchain]:
    for command in _commands():
        version = ask([*command, "version"])
        if version is not None:
            return [Toolchain("zig", version, partial(build, command))]
    return []


def _commands() -> list[list[str]]:
    commands = []
    if find_spec("ziglang") is not None:
        commands.append([sys.executable, "-m", "ziglang"])
    if (zig := shutil.which("zig")) is not None:
        commands.append([zig])
    return commands


def _build_c(zig: Sequence[str], folder: Path, output: Path, debug: bool) -> None:
    _build_with_zig([*zig, "cc", *_FLAGS], folder.glob("*.c"), folder, output, debug)


def _build_cpp(zig: Sequence[str], folder: Path, output: Path, debug: bool) -> None:
    _build_with_zig([*zig, "c++", *_FLAGS, *_CPP_FLAGS], folder.glob("*.cpp"), folder, output, debug)


def _build_with_zig(command: Sequence[str], sources: Iterable[Path], folder: Path, output: Path, debug: bool) -> None:
    flags = _UNOPTIMISED if debug else (_OPTIMISED,)
    compile_([*command, *flags, "-o", str(output), *sorted(str(path.resolve()) for path in sources)], folder)
    if not debug:
        output.write_bytes(without_debug_sections(output.read_bytes()))


def _build_in_python(folder: Path, output: Path, debug: bool) -> None:
    imports = {name for module, name in interface().functions if module == "env"}
    output.write_bytes(compile_module(read_c(root_source(folder, ".c")), tuple(EXPORTS), imports))


C = Language("c", "C", ".c", _find_c, "`pip install ziglang`, or `pip install 'zenowasm[build]'` for C without a libc")
CPP = Language("cpp", "C++", ".cpp", _find_cpp, "`pip install ziglang`")
