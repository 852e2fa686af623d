"""C: with zig's compiler where it is installed, else in Python (``c_in_python``)."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from zenowasm.plugin.guest.abi import EXPORTS
from zenowasm.plugin.guest.code import interface
from zenowasm.toolchains.c_in_python import compile_module, is_installed, read_c
from zenowasm.toolchains.language import Language, Toolchain, root_source
from zenowasm.toolchains.process import ask, compile_

# A reactor, so that libc starts in _initialize and stays; a stack that is small beside memory; names for the debugger.
_FLAGS = ("--target=wasm32-wasi", "-mexec-model=reactor", "-Os", "-Wall", "-Wextra", "-Wl,--strip-debug",
          "-Wl,-z,stack-size=65536")  # fmt: skip


def _find(folder: Path) -> list[Toolchain]:
    found = []
    for command in _commands():
        version = ask([*command, "version"])
        if version is not None:
            found.append(Toolchain("zig", version, partial(_build_with_zig, command)))
            break
    if is_installed():
        found.append(Toolchain("ppci", "", _build_in_python))
    return found


def _commands() -> list[list[str]]:
    commands = []
    if find_spec("ziglang") is not None:
        commands.append([sys.executable, "-m", "ziglang"])
    if (zig := shutil.which("zig")) is not None:
        commands.append([zig])
    return commands


def _build_with_zig(zig: Sequence[str], folder: Path, output: Path) -> None:
    sources = sorted(str(path.resolve()) for path in folder.glob("*.c"))
    compile_([*zig, "cc", *_FLAGS, "-o", str(output), *sources], folder)


def _build_in_python(folder: Path, output: Path) -> None:
    imports = {name for module, name in interface().functions if module == "env"}
    output.write_bytes(compile_module(read_c(root_source(folder, ".c")), tuple(EXPORTS), imports))


LANGUAGE = Language(
    "c", "C", ".c", _find, "`pip install ziglang`, or `pip install 'zenowasm[build]'` for C without a libc"
)
