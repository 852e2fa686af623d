"""Lets the runner of github.com/WebAssembly/wasi-testsuite drive ``zenowasm exec`` (its ``adapters`` folder).

The runner loads this file as a module, asks for the name, the version and what is supported, and starts what
``compute_argv`` returns::

    python3 test-runner/wasi_test_runner.py -t tests/c/testsuite/wasm32-wasip1 -r .../adapter/zenowasm.py

``ZENOWASM`` may hold the command, with options of ``exec`` such as ``--backend`` after it.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

_COMMAND = shlex.split(os.environ.get("ZENOWASM", "")) or [sys.executable, "-m", "zenowasm.cli.main"]


def _executable() -> list[str]:
    """Return the command up to its first option of ``exec``."""
    first = next((index for index, word in enumerate(_COMMAND) if word.startswith("--")), len(_COMMAND))
    return _COMMAND[:first]


def get_name() -> str:
    """Return the runtime's name."""
    return "zenowasm"


def get_version() -> str:
    """Return the runtime's version."""
    done = subprocess.run([*_executable(), "--version"], capture_output=True, check=True, encoding="utf-8")
    return done.stdout.split()[-1]


def get_wasi_versions() -> list[str]:
    """Return the WASI versions that are supported."""
    return ["wasm32-wasip1"]


def get_wasi_worlds() -> list[str]:
    """Return the worlds that are supported, in words of later versions of WASI."""
    return ["wasi:cli/command"]


def compute_argv(
    test_path: str,
    args_env_folders: tuple[Sequence[str], dict[str, str], str | Sequence[tuple[Path, str]] | None],
    proposals: Sequence[str],
    *wasi: str,
) -> list[str]:
    """Return the command that runs a test.

    The folders are one that the program is to find as its root, or pairs of the host's path and the program's:
    versions of the runner differ in that, and in what follows ``proposals``.
    """
    args, env, folders = args_env_folders
    pairs = [(folders, "/")] if isinstance(folders, str) else folders or []
    executable = _executable()
    return [
        *executable,
        "exec",
        *_COMMAND[len(executable) :],
        *(f"--dir={host}::{guest}" for host, guest in pairs),
        *(f"--env={name}={value}" for name, value in env.items()),
        *(f"--arg={argument}" for argument in args),
        test_path,
    ]
