"""Large WebAssembly modules in real use, from npm packages of fixed versions.

Packages are installed below ``bench/results`` without running any of their scripts.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from attrs import frozen

FOLDER = Path(__file__).parent / "results" / "modules"


@frozen
class Package:
    """A module in a package. ``refused`` says why no WebAssembly 3.0 engine accepts it, empty if it is accepted."""

    name: str
    version: str
    file: str
    refused: str = ""

    @property
    def label(self) -> str:
        """Return the package's name in a table."""
        return f"{self.name} {self.version}"

    def path(self) -> Path:
        """Return the module's path; install the package if it is missing."""
        prefix = FOLDER / f"{self.name.replace('/', '-').removeprefix('@')}-{self.version}"
        path = prefix / "node_modules" / self.name / self.file
        if not path.exists():
            prefix.mkdir(parents=True, exist_ok=True)
            quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
            subprocess.run(
                ["npm", "install", *quiet, "--prefix", str(prefix), f"{self.name}@{self.version}"], check=True
            )
        return path


_LEGACY = "it uses the legacy exception proposal (opcodes 06, 07, 09, 18 and 19), which is not part of WebAssembly 3.0"
PACKAGES = (
    Package("web-tree-sitter", "0.27.1", "web-tree-sitter.wasm"),
    Package("@jitl/quickjs-wasmfile-release-sync", "0.32.0", "dist/emscripten-module.wasm"),
    Package("sql.js", "1.16.0", "dist/sql-wasm.wasm"),
    Package("pyodide", "0.27.7", "pyodide.asm.wasm"),  # the newest without the feature for which the next is refused
    Package("pyodide", "314.0.7", "pyodide.asm.wasm", _LEGACY),
    Package("esbuild-wasm", "0.28.2", "esbuild.wasm"),
    Package("@sqlite.org/sqlite-wasm", "3.41.2", "sqlite-wasm/jswasm/sqlite3.wasm"),
    Package("@rollup/wasm-node", "4.68.4", "dist/wasm-node/bindings_wasm_bg.wasm"),
    Package("brotli-wasm", "3.0.1", "pkg.node/brotli_wasm_bg.wasm"),
    Package("@dqbd/tiktoken", "1.0.22", "lite/tiktoken_bg.wasm"),
    Package("@jsquash/avif", "2.1.1", "codec/dec/avif_dec.wasm"),
    Package("@resvg/resvg-wasm", "2.6.2", "index_bg.wasm"),
    Package("canvaskit-wasm", "0.42.0", "bin/canvaskit.wasm"),
)
