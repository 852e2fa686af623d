"""Rust for ``wasm32-unknown-unknown``: ``cargo`` if there is a ``Cargo.toml``, else ``rustc`` without crates."""

from __future__ import annotations

import os
import shutil
from functools import partial
from pathlib import Path

from zenowasm.toolchains.errors import SourceError
from zenowasm.toolchains.language import Language, Toolchain, root_source
from zenowasm.toolchains.process import ask, compile_

_TARGET = "wasm32-unknown-unknown"
_DEBIAN = Path("/usr/bin")
_PROJECT = "Cargo.toml"
_FLAGS = ("--edition=2021", "--crate-type=cdylib", "--crate-name=plugin", f"--target={_TARGET}", "-Cpanic=abort",
          "-Ccodegen-units=1")  # fmt: skip
_OPTIMISED = ("-Copt-level=s", "-Clto=fat", "-Cstrip=debuginfo")
_UNOPTIMISED = ("-Copt-level=0", "-g")


def _find(folder: Path) -> list[Toolchain]:
    is_project = (folder / _PROJECT).is_file()
    name = "cargo" if is_project else "rustc"
    program = next((it for it in _programs(name) if _has_target(_rustc(it))), None)
    return (
        []
        if program is None
        else [Toolchain(name, _version(program), partial(_build_project if is_project else _build, program))]
    )


def _rustc(program: str) -> str:
    """Return the compiler beside a program: an older compiler does not support all options that cargo passes."""
    return str(Path(program).with_name("rustc"))


def _programs(name: str) -> list[str]:
    # Debian's first: a program in a home folder can be a launcher that downloads before it answers.
    return [found for found in (shutil.which(_DEBIAN / name), shutil.which(name)) if found is not None]


def _has_target(rustc: str) -> bool:
    libraries = ask([rustc, "--print", "target-libdir", "--target", _TARGET])
    return libraries is not None and Path(libraries).is_dir()


def _version(program: str) -> str:
    words = (ask([program, "--version"]) or "").split()
    return words[1] if len(words) > 1 else ""


def _build(program: str, folder: Path, output: Path, debug: bool) -> None:
    source = root_source(folder.resolve(), ".rs")
    # Paths of this machine stay out of the binary, except for a debugger, which needs them to find the sources.
    flags = _UNOPTIMISED if debug else (*_OPTIMISED, f"--remap-path-prefix={folder.resolve()}{os.sep}=")
    compile_([program, *_FLAGS, *flags, "-o", str(output), str(source)], folder)


def _build_project(program: str, folder: Path, output: Path, debug: bool) -> None:
    target = folder.resolve() / "target"
    # Nothing is downloaded: crates are vendored or in cargo's cache.
    command = [program, "build", "--lib", f"--target={_TARGET}", "--offline", f"--target-dir={target}"]
    compile_([*command, *([] if debug else ["--release"])], folder, {"RUSTC": _rustc(program)})
    found = sorted((target / _TARGET / ("debug" if debug else "release")).glob("*.wasm"))
    if len(found) != 1:
        names = ", ".join(path.name for path in found) or "none"
        raise SourceError(f'{folder / _PROJECT}: expected one library with crate-type = ["cdylib"], found {names}')
    shutil.copyfile(found[0], output)


LANGUAGE = Language(
    "rust",
    "Rust",
    ".rs",
    _find,
    "`apt-get install rustc libstd-rust-dev-wasm32 lld`, with a Cargo.toml also `cargo`, or `rustup target add` "
    + _TARGET,
    _PROJECT,
)
