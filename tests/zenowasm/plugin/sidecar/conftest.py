"""Plugins that are processes: scripts in Python, started as any other program."""

from __future__ import annotations

import json
import os
import select
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from attrs import define, field

from zenowasm.plugin import Host, HostEnvironment, LogRecord
from zenowasm.plugin.configuration.settings import Settings
from zenowasm.zenolang.scope import Scope

PROGRAM = """#!{python}
import itertools, json, os, queue, signal, subprocess, sys, threading, time

ids = itertools.count()
lock = threading.Lock()

def send(**message):
    with lock:
        sys.stdout.write(json.dumps(message) + "\\n")
        sys.stdout.flush()

def receive():
    line = sys.stdin.readline()
    if not line:
        sys.exit(0)
    return json.loads(line)

def answer(request, data=None, error=None):
    send(type="guest_response", id=request["id"], success=error is None, data=data, error=error)

def host(function, **parameters):
    send(type="host_call", id=f"h{{next(ids)}}", function=function, parameters=parameters)
    return receive()

INIT = {{"name": "tool", "version": "1.0.0"}}
SLOTS = {slots}

def start(request):
    name = request["slot_name"]
    if name == "plugin_init":
        answer(request, INIT)
    elif name == "plugin_register_slots":
        answer(request, {{"slots": SLOTS}})
    else:
        return False
    return True

def main():
    while True:
        request = receive()
        if not start(request):
            globals()[request["slot_name"].partition(".")[2]](request)

{code}

if __name__ == "__main__":
    main()
"""


@define
class Sidecars:
    """Writes plugins into a folder and opens hosts that allow processes."""

    folder: Path
    log: list[LogRecord] = field(factory=list)
    logged: threading.Condition = field(factory=threading.Condition)
    hosts: list[Host] = field(factory=list)
    numbers: set[int] = field(factory=set)

    def write(
        self, code: str, *slots: str, name: str = "tool", more: str = "", sidecar: str = "keep_alive: true"
    ) -> Path:
        """Write a plugin whose slots are the functions of ``code`` that are named."""
        declared = json.dumps([{"name": f"{name}.{slot}"} for slot in slots])
        return self.write_program(
            PROGRAM.format(python=sys.executable, slots=declared, code=code), name=name, more=more, sidecar=sidecar
        )

    def write_program(
        self, text: str, *, name: str = "tool", more: str = "", sidecar: str = "keep_alive: true"
    ) -> Path:
        folder = self.folder / name
        folder.mkdir(exist_ok=True, parents=True)
        manifest = f"name: {name}\nversion: 1.0.0\ntype: sidecar\nbinary: program\nsidecar: {{{sidecar}}}\n{more}"
        (folder / "manifest.yaml").write_text(manifest)
        (folder / "program.new").write_text(text)
        (folder / "program.new").chmod(0o755)
        (folder / "program.new").replace(folder / "program")  # a program that runs cannot be written
        return folder

    def host(self, *, allow: bool | None = True, **options: Any) -> Host:
        given = {"lazy": False, "environment": HostEnvironment({}), "config": Settings(), "log": self.note, **options}
        host = Host(self.folder, allow_sidecars=allow, **given)
        self.hosts.append(host)
        return host

    def open(self, code: str, *slots: str, more: str = "", sidecar: str = "keep_alive: true", **options: Any) -> Host:
        """Write a plugin and open a host that has loaded it."""
        self.write(code, *slots, more=more, sidecar=sidecar)
        host = self.host(**options)
        assert not host.problems, host.problems
        return host

    def note(self, record: LogRecord) -> None:
        with self.logged:
            self.log.append(record)
            self.logged.notify_all()

    def wait_for_log(self, text: str) -> LogRecord:
        def found() -> LogRecord | None:
            return next((record for record in self.log if text in record.message), None)

        with self.logged:
            assert self.logged.wait_for(found, 20), self.log
            record = found()
        assert record is not None
        return record

    def keeper(self, host: Host, name: str = "tool") -> Any:
        """What keeps the plugin's process, of a plugin that no call is using."""
        return host.plugins[name]._pool._idle[0].worker.keeper

    def process(self, host: Host, name: str = "tool") -> int | None:
        number = self.keeper(host, name).process
        if number is not None:
            self.numbers.add(number)
        return number


def is_gone(number: int) -> bool:
    """Whether neither a process nor what is left of one has this number, nor a group."""
    for probe in (os.kill, os.killpg):
        try:
            probe(number, 0)
        except ProcessLookupError:
            continue
        return False
    return True


def wait_for_end(number: int) -> None:
    """Wait for the end of a process that is not this one's own child."""
    try:
        descriptor = os.pidfd_open(number)
    except ProcessLookupError:
        return
    with os.fdopen(descriptor):
        assert select.select([descriptor], [], [], 20)[0]


def children() -> set[int]:
    """The processes, ended ones that nobody has waited for included, that this process has started."""
    found = set()
    for task in Path("/proc/self/task").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):  # a thread that has just ended, and has none
            found.update(map(int, (task / "children").read_text().split()))
    return found


@pytest.fixture
def sidecars(tmp_path: Path) -> Iterator[Sidecars]:
    """Its end is a test of every test: no process is left behind."""
    before = children()
    made = Sidecars(tmp_path / "plugins")
    yield made
    for host in made.hosts:
        host.close()
    assert children() <= before
    assert all(is_gone(number) for number in made.numbers)


@pytest.fixture
def gone() -> Callable[[int], bool]:
    return is_gone


@pytest.fixture
def ends() -> Callable[[int], None]:
    return wait_for_end


@pytest.fixture
def make_scope() -> Callable[..., Scope]:
    return Scope
