"""Runs scripts in separate processes, so that an engine that crashes its process fails only one script."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import cast

from attrs import frozen

from zenowasm.backends import registry
from zenowasm.spec.runner import Outcome, ScriptResult, Status, run_script
from zenowasm.spec.script import ScriptError
from zenowasm.spec.wast_reader import assemble, read_script

WHOLE_SCRIPT = "script"
"""The keyword of an outcome that concerns a whole script instead of a command; its line is 0."""


def run_file(path: Path, backend: str) -> ScriptResult:
    """Run one script on a new engine; a script that cannot be read yields a single outcome, ``UNREADABLE``.

    Raises ``BackendError`` if the engine is not available.
    """
    engine = registry.engine(backend)
    try:
        return run_script(read_script(path), engine, assemble=assemble)
    except ScriptError as error:
        return _failed(path, str(error), Status.UNREADABLE)


def run_files(paths: Sequence[Path], backend: str, jobs: int) -> Iterator[ScriptResult]:
    """Run scripts in up to ``jobs`` processes and yield the results as they arrive."""
    waiting = list(reversed(paths))
    workers = [_start(backend) for _ in range(min(jobs, len(waiting)))]
    busy: dict[Connection, tuple[_Worker, Path]] = {}
    try:
        for worker in workers:
            _give(worker, waiting, busy)
        while busy:
            for ready in cast("list[Connection]", wait(list(busy))):
                worker, path = busy.pop(ready)
                try:
                    result = cast(ScriptResult, ready.recv())
                except (EOFError, ConnectionError):
                    worker.process.join()
                    workers.remove(worker)
                    result = _failed(path, f"the engine ended its process with exit code {worker.process.exitcode}")
                    worker = _start(backend)
                    workers.append(worker)
                yield result
                _give(worker, waiting, busy)
    finally:
        for worker in workers:
            worker.pipe.close()
        for worker in workers:
            worker.process.join(timeout=5)
            worker.process.kill()


@frozen(eq=False)
class _Worker:
    process: BaseProcess
    pipe: Connection


def _start(backend: str) -> _Worker:
    # A new interpreter, not a fork of this one: engines may have threads, which a fork would lose.
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(theirs, backend), daemon=True)
    process.start()
    theirs.close()
    return _Worker(process, ours)


def _give(worker: _Worker, waiting: list[Path], busy: dict[Connection, tuple[_Worker, Path]]) -> None:
    if not waiting:
        return
    path = waiting.pop()
    # If a worker has just died, reading its result reports it.
    with suppress(BrokenPipeError):
        worker.pipe.send(path)
    busy[worker.pipe] = worker, path


def _work(pipe: Connection, backend: str) -> None:
    with suppress(EOFError, KeyboardInterrupt):
        while True:
            pipe.send(run_file(pipe.recv(), backend))


def _failed(path: Path, reason: str, status: Status = Status.FAIL) -> ScriptResult:
    return ScriptResult(path, (Outcome(0, WHOLE_SCRIPT, status, reason),), 0.0)
