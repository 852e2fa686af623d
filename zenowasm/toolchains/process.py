"""Runs compilers: captures their output, limits their time, and raises ``CompileError`` if they fail."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from zenowasm.toolchains.errors import CompileError

SECONDS: Final = 600.0
"""The time limit for one compiler. A toolchain's first build also builds its libraries."""
_OUTPUT_CHARACTERS: Final = 20_000
_ASKING_SECONDS: Final = 30.0


def ask(command: Sequence[str]) -> str | None:
    """Return the first line that a command prints, ``None`` if the command is missing or fails."""
    try:
        done = subprocess.run(
            command, capture_output=True, check=False, timeout=_ASKING_SECONDS, text=True, errors="replace"
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.partition("\n")[0].strip() if done.returncode == 0 else None


def compile_(command: Sequence[str], folder: Path, variables: Mapping[str, str] | None = None) -> None:
    """Run a compiler in a folder, with ``variables`` added to the process's environment.

    Raises ``CompileError`` with its output if it fails, cannot be started, or takes more than ``SECONDS``.
    """
    name = Path(command[0]).name
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, **(variables or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            timeout=SECONDS,
            text=True,
            errors="replace",
        )
    except subprocess.TimeoutExpired as error:
        raise CompileError(f"{name} took longer than {SECONDS:g} s") from error
    except OSError as error:
        raise CompileError(f"{name} cannot be started: {error.strerror}") from error
    if done.returncode != 0:
        raise CompileError(f"{name} failed with exit code {done.returncode}", done.stdout[-_OUTPUT_CHARACTERS:].strip())
