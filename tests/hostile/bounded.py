"""Runs a hostile case in a process of its own, with bounds that hold whatever the case does to that process."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from time import monotonic, sleep

from attrs import frozen

CAMPAIGN = bool(os.environ.get("ZENOWASM_CAMPAIGN"))
"""Whether ``make hostile`` runs the tests, with all cases instead of a sample of them."""
_POLL = 0.005
_ADDRESS_SPACE = 64 << 30
"""Bytes; wasmtime reserves 6 GiB of addresses for a memory, which costs nothing until they are used."""


def cases(sample: int, campaign: int) -> range:
    """Return the numbers of the cases to run: the first few in CI, all of them under ``make hostile``."""
    return range(campaign if CAMPAIGN else sample)


@frozen
class Ending:
    """How a process ended.

    ``code`` is its exit code, negative for a signal; ``killed`` says that it was still there after its ``seconds``.
    ``seconds`` is wall-clock time, ``peak`` the largest resident memory in bytes.
    """

    code: int
    killed: bool
    seconds: float
    peak: int
    stdout: str
    stderr: str


def run_python(
    program: str, *arguments: str, seconds: float = 30, environment: Mapping[str, str] | None = None
) -> Ending:
    """Run a Python program, given as text, with ``sys.argv[1:]`` set to ``arguments``."""
    return run([sys.executable, "-c", program, *arguments], seconds=seconds, environment=environment)


def run(command: Sequence[str], *, seconds: float = 30, environment: Mapping[str, str] | None = None) -> Ending:
    """Run a command in a process group of its own, which is killed as a whole after ``seconds``."""
    with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
        began = monotonic()
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
            env=None if environment is None else {**os.environ, **environment},
        )
        resource.prlimit(process.pid, resource.RLIMIT_CORE, (0, 0))
        resource.prlimit(process.pid, resource.RLIMIT_AS, (_ADDRESS_SPACE, _ADDRESS_SPACE))
        killed = False
        while True:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            if not killed and monotonic() - began > seconds:
                killed = True
                os.killpg(process.pid, signal.SIGKILL)
            sleep(_POLL)
        process.returncode = os.waitstatus_to_exitcode(status)  # it has been waited for: Popen must not do it again
        took = monotonic() - began
        texts = []
        for stream in (stdout, stderr):
            stream.seek(0)
            texts.append(stream.read().decode(errors="replace"))
        return Ending(process.returncode, killed, took, usage.ru_maxrss * 1024, *texts)
