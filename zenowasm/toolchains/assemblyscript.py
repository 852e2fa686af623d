"""AssemblyScript: ``asc``, which npm installs for one project or globally."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

from zenowasm.toolchains.language import SDK, Language, Toolchain, root_source
from zenowasm.toolchains.process import ask, compile_

_FLAGS = ("--runtime", "incremental", "--debug")
_OPTIMISED = ("-O3s",)


def _find(folder: Path) -> list[Toolchain]:
    home = folder.resolve()
    local = (str(parent / "node_modules" / ".bin") for parent in (home, *home.parents))
    candidates = [*(shutil.which("asc", path=place) for place in local), shutil.which("asc")]
    for asc in filter(None, candidates):
        if (answer := ask([asc, "--version"])) is not None:
            return [Toolchain("asc", answer.removeprefix("Version "), partial(_build, asc))]
    return []


def _build(asc: str, folder: Path, output: Path, debug: bool) -> None:
    source = root_source(folder, ".ts")
    # Without this option, the module imports `abort` from the host, which the ABI does not define.
    abort = ["--use", f"abort={SDK}/abort"] if (folder / f"{SDK}.ts").is_file() else []
    compile_([asc, source.name, *_FLAGS, *(() if debug else _OPTIMISED), *abort, "-o", str(output)], folder)


LANGUAGE = Language("as", "AssemblyScript", ".ts", _find, "`npm install assemblyscript` in the plugin's folder")
