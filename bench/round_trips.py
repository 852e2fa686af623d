"""Prints large modules as text, flat and folded, and parses them again: ``make round-trips``.

wasmtime's ``wat2wasm`` is the reference: it must produce the same bytes from the text as our parser. These must print
as the same text again, so nothing was lost. Each module is processed in a separate process.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from importlib.metadata import files
from pathlib import Path
from time import perf_counter

import wasmtime
from large_modules import PACKAGES

from zenowasm.interp.binary import decode, decode_names, encode
from zenowasm.interp.text import parse_module
from zenowasm.interp.text.printer import Form, ModulePrinter

_FORMS = (Form.FLAT, Form.FOLDED)
_PYPI = ("qjs-wasi-reactor.wasm", "pwasm")


def text_of(binary: bytes, form: Form) -> str:
    """Return a module as text."""
    module = decode(binary)
    return "\n".join(ModulePrinter(module, decode_names(module), form=form).module_text())


def verdict(binary: bytes, form: Form) -> tuple[bool, str]:
    """Return whether a module survives the round trip through text, and a summary with the speed."""
    started = perf_counter()
    text = text_of(binary, form)
    printed = perf_counter()
    ours = encode(parse_module(text))
    parsed = perf_counter()
    size = len(text) / 1e6
    rates = f"{size:.1f} MB of text, printed {size / (printed - started):.1f} MB/s, "
    rates += f"parsed {size / (parsed - printed):.1f} MB/s"
    if ours != bytes(wasmtime.wat2wasm(text)):
        return False, f"wasmtime makes other bytes of the text; {rates}"
    if text_of(ours, form) != text:
        return False, f"what was read prints otherwise; {rates}"
    return True, ("the same bytes; " if ours == binary else "the same text again; ") + rates


def paths() -> list[tuple[str, Path]]:
    """Return the modules by label; install missing packages."""
    found = [(it.label, it.path()) for it in PACKAGES if not it.refused]
    for name in _PYPI:
        modules = [Path(str(it.locate())) for it in files(name) or () if it.suffix == ".wasm"]
        found += [(f"{name} {it.name}", it) for it in modules]
    return found


def main(arguments: list[str] | None = None) -> int:
    """Check the modules that the command line selects; return 1 if a round trip changes one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", metavar="TEXT", help="modules whose label has this text")
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--form", choices=[it.name for it in _FORMS], help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.file:
        holds, words = verdict(options.file.read_bytes(), Form[options.form])
        print(words)
        return 0 if holds else 1
    failed = 0
    for label, path in paths():
        if options.only and not any(it in label for it in options.only):
            continue
        for form in _FORMS:
            command = [sys.executable, __file__, "--file", str(path), "--form", form.name]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
            failed += done.returncode != 0
            words = done.stdout.strip() or f"ended with {done.returncode}"
            print(f"{label}, {form.name.lower()}: {'' if done.returncode == 0 else 'FAILED: '}{words}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
