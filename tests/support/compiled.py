"""Programs that tests compile once on a machine."""

from __future__ import annotations

import fcntl
import subprocess
import sys
from collections.abc import Sequence
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from tempfile import gettempdir

_RUSTC = "/usr/bin/rustc"


def compiled(source: Path, command: Sequence[str], key: str) -> Path:
    """Return what a compiler makes of a source; ``command`` is without the names of output and source.

    What has been compiled on this machine before is not compiled again, unless a source, a header beside it, ``key`` or
    the command is another one.
    """
    digest = sha256(repr((key, *command)).encode())
    for path in (source, *sorted(source.parent.glob("*.h"))):
        digest.update(path.read_bytes())
    cache = Path(gettempdir()) / "zenowasm-programs"
    cache.mkdir(exist_ok=True)
    target = cache / f"{source.stem}-{digest.hexdigest()[:16]}.wasm"
    if target.exists():
        return target
    # The first run of the compiler builds the C library, so only one of the test processes may do that.
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.exists():
            made = target.with_suffix(".new")
            done = subprocess.run([*command, "-o", str(made), str(source)], capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
            made.replace(target)
    return target


def c_program(source: Path, *flags: str) -> Path:
    """Return a C program as WebAssembly, made by zig's compiler."""
    return compiled(
        source, [sys.executable, "-m", "ziglang", "cc", *flags], version("ziglang") + _folder(source, flags)
    )


def rust_library(source: Path, *flags: str) -> Path:
    """Return a Rust library as WebAssembly, made by Debian's compiler."""
    command = [_RUSTC, "--edition=2021", "--crate-type=cdylib", "--target=wasm32-unknown-unknown", "-Cpanic=abort"]
    said = subprocess.run([_RUSTC, "--version"], capture_output=True, text=True, check=True).stdout
    return compiled(source, [*command, *flags], said + _folder(source, flags))


def _folder(source: Path, flags: Sequence[str]) -> str:
    """Return what debugging information has of where the source is."""
    return str(source.parent) if "-g" in flags else ""
