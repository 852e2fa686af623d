"""Rust: ``rustc`` alone, with the standard library for ``wasm32-unknown-unknown``; no cargo, no crates."""

from __future__ import annotations

import os
import shutil
from functools import partial
from pathlib import Path

from zenowasm.toolchains.language import Language, Toolchain, root_source
from zenowasm.toolchains.process import ask, compile_

_TARGET = "wasm32-unknown-unknown"
_DEBIAN = "/usr/bin/rustc"
_FLAGS = ("--edition=2021", "--crate-type=cdylib", "--crate-name=plugin", f"--target={_TARGET}", "-Copt-level=s",
          "-Clto=fat", "-Cpanic=abort", "-Ccodegen-units=1", "-Cstrip=debuginfo")  # fmt: skip


def _find(folder: Path) -> list[Toolchain]:
    # Debian's first: one in a home folder can be a launcher that downloads before it answers.
    candidates = [shutil.which(_DEBIAN), shutil.which("rustc")]
    for rustc in filter(None, candidates):
        libraries = ask([rustc, "--print", "target-libdir", "--target", _TARGET])
        if libraries is not None and Path(libraries).is_dir():
            words = (ask([rustc, "--version"]) or "").split()
            return [Toolchain("rustc", words[1] if len(words) > 1 else "", partial(_build, rustc))]
    return []


def _build(rustc: str, folder: Path, output: Path) -> None:
    source = root_source(folder.resolve(), ".rs")
    # Paths of this machine stay out of the binary.
    remap = f"--remap-path-prefix={folder.resolve()}{os.sep}="
    compile_([rustc, *_FLAGS, remap, "-o", str(output), str(source)], folder)


LANGUAGE = Language(
    "rust",
    "Rust",
    ".rs",
    _find,
    "`apt-get install rustc libstd-rust-dev-wasm32 lld`, or `rustup target add` " + _TARGET,
)
