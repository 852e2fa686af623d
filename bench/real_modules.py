"""Decodes and validates large modules in real use, beside wasmtime's compiler: ``make bench-modules``.

The modules come from npm packages (``large_modules``). Each measurement runs in a new process; its peak memory is the
growth of that process after the module was read. The reference engine decodes function bodies only in validation, so
decoding alone does not include them.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from shutil import which
from time import perf_counter
from typing import Any

from large_modules import PACKAGES, Package
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

_MIB = 1 << 20


def _actions() -> dict[str, Callable[[bytes], object]]:
    import wasmtime

    from zenowasm.interp.binary import decode
    from zenowasm.interp.validation import validate_module

    engine = wasmtime.Engine()
    return {
        "reference: decode": decode,
        "reference: decode, validate": lambda binary: validate_module(decode(binary)),
        "wasmtime: compile": lambda binary: wasmtime.Module(engine, binary),
    }


ACTIONS = ("reference: decode", "reference: decode, validate", "wasmtime: compile")


def act(name: str, path: Path) -> dict[str, Any]:
    """Perform one action on a module in this process; return the seconds, the bytes of memory, and any error."""
    action, binary, error = _actions()[name], path.read_bytes(), ""
    before, started = _peak(), perf_counter()
    try:
        kept = action(binary)
    except Exception as refusal:  # noqa: BLE001 - it is what the table is to say
        kept, error = None, " ".join(str(refusal).split())
    seconds = perf_counter() - started
    result = {"seconds": seconds, "memory": _peak() - before, "bytes": len(binary), "error": error}
    del kept
    return result


def _peak() -> int:
    """Return this process's peak memory in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def measure(name: str, path: Path) -> dict[str, Any]:
    """Perform one action on a module in a new process."""
    command = [sys.executable, __file__, "--act", name, "--file", str(path)]
    measured: dict[str, Any] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    return measured


def main(arguments: list[str] | None = None) -> int:
    """Measure the packages that the command line selects; return 1 if a module is not judged as expected."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", metavar="NAME", help="a package")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write everything to a file")
    parser.add_argument("--act", choices=ACTIONS, help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.act:
        print(json.dumps(act(options.act, options.file)))
        return 0
    chosen = [it for it in PACKAGES if not options.only or it.name in options.only]
    if not chosen:
        parser.error(f"expected names out of: {', '.join(dict.fromkeys(it.name for it in PACKAGES))}")
    if which("npm") is None:
        print("error: the modules come from npm, which is not installed or not on the PATH", file=sys.stderr)
        return 1
    console = Console(width=None if sys.stdout.isatty() else 160)
    table, document, wrong = _table(), [], 0
    for package in chosen:
        try:
            path = package.path()
        except subprocess.CalledProcessError:
            print(f"error: npm cannot install {package.label}", file=sys.stderr)
            return 1
        with console.status(f"measuring {package.label}"):
            measured = {name: measure(name, path) for name in ACTIONS}
        judged = [bool(measured[name]["error"]) for name in ACTIONS[1:]]
        wrong += judged != [bool(package.refused)] * len(judged)
        _add(table, package, measured)
        document.append({"package": package.label, "refused": package.refused, "measured": measured})
    console.print(table)
    for package in chosen:
        if package.refused:
            console.print(f"{package.label} is refused: {package.refused}.", highlight=False)
    if options.json is not None:
        options.json.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return 1 if wrong else 0


def _table() -> Table:
    table = Table(box=SIMPLE_HEAD, padding=(0, 1))
    table.add_column("module")
    table.add_column("what", no_wrap=True)
    for name in ("MB", "seconds", "MB/s", "peak MiB"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("answer")
    return table


def _add(table: Table, package: Package, measured: dict[str, dict[str, Any]]) -> None:
    for index, (name, it) in enumerate(measured.items()):
        size = it["bytes"] / 1e6
        # A refused module was not read to its end.
        rate = "" if it["error"] else f"{size / it['seconds']:.2f}"
        first = (package.label, name, f"{size:.2f}") if index == 0 else ("", name, "")
        figures = (f"{it['seconds']:.2f}", rate, f"{it['memory'] / _MIB:.0f}")
        table.add_row(*first, *figures, escape(it["error"]) or "accepted")
    table.add_section()


if __name__ == "__main__":
    sys.exit(main())
