"""The programs with debugging information that the debugger's tests look into."""

from __future__ import annotations

from pathlib import Path

from support.compiled import c_program, rust_library

SOURCES = Path(__file__).parent / "sources"
RECORDS = SOURCES / "records.c"
WORKLOADS = Path(__file__).parents[2] / "bench" / "workloads"
_C_FLAGS = ("--target=wasm32-wasi", "-mexec-model=reactor", "-fno-sanitize=all")


def c_at(level: str) -> Path:
    """Return the C program at a level of optimisation, such as ``-O0``."""
    return c_program(RECORDS, *_C_FLAGS, "-g", level)


def stripped_c() -> Path:
    """Return the C program without debugging information."""
    return c_program(RECORDS, *_C_FLAGS, "-s", "-O0")


def rust_at(level: int) -> Path:
    """Return the Rust library at a level of optimisation."""
    return rust_library(SOURCES / "items.rs", "-g", f"-Copt-level={level}")


def cpp() -> Path:
    """Return the C++ program, unoptimised and without any library."""
    flags = ("-fno-exceptions", "-fno-rtti", "-nostdlib", "-Wl,--no-entry", "-std=c++20", "-O0", "-g")
    return c_program(SOURCES / "shop.cpp", "--target=wasm32-freestanding", "-fno-sanitize=all", *flags)


def divide() -> Path:
    """Return a C program that divides by zero when it is told to."""
    return c_program(SOURCES / "divide.c", *_C_FLAGS, "-g", "-O0")


def scopes() -> Path:
    """Return a C program in which an inner variable hides an outer one."""
    return c_program(SOURCES / "scopes.c", *_C_FLAGS, "-g", "-O0")


def shop_plugin(folder: Path) -> Path:
    """Make a folder of plugins with one in C; its slot ``shop.total`` adds numbers, ``shop.average`` traps."""
    plugin = folder / "shop"
    plugin.mkdir(parents=True)
    plugin.joinpath("manifest.yaml").write_text("name: shop\nversion: 1.0.0\nbinary: shop.wasm\n")
    binary = c_program(SOURCES / "shop_plugin.c", *_C_FLAGS, "-g", "-O0")
    plugin.joinpath("shop.wasm").write_bytes(binary.read_bytes())
    return folder


def judged(name: str, level: int) -> Path:
    """Return one of the programs that LLDB judges, at a level of optimisation."""
    if name.endswith(".rs"):
        return rust_library(SOURCES / name, "-g", f"-Copt-level={level}")
    if (SOURCES / name).exists():
        return c_program(SOURCES / name, *_C_FLAGS, "-g", f"-O{level}")
    flags = ("--target=wasm32-freestanding", "-nostdlib", "-Wl,--no-entry", "-fno-sanitize=all", "-g", f"-O{level}")
    return c_program(WORKLOADS / name, *flags)
