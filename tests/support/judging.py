"""The values of variables at every line of a program, as LLDB sees them and as the debugger does."""

from __future__ import annotations

import io
import json
import os
import re
import socket
import subprocess
import threading
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from attrs import define, field, frozen

from zenowasm.cli.debugged import runnable
from zenowasm.debugger import FrameView, Reason, Resume, Session, Stop
from zenowasm.debugger.stepping import Action
from zenowasm.debuginfo.errors import DebugInfoError, UnavailableError
from zenowasm.debuginfo.info import origin
from zenowasm.debuginfo.types import Array, Base, Encoding, Structure, plain
from zenowasm.debuginfo.values import SourceValue
from zenowasm.frontends.gdb.server import Server
from zenowasm.frontends.gdb.target import Target
from zenowasm.frontends.gdb.wire import Wire

_SCRIPT = Path(__file__).with_name("lldb_script.py")
_SECONDS = 600
_DEPTH = 5
_ELEMENTS = 6
UNAVAILABLE = "unavailable"
UNKNOWN = "unknown"
"""The value of what LLDB could not read."""


@frozen
class Variable:
    """A variable of a call, or of the whole program: name, line of declaration, and the numbers inside by path."""

    name: str | None
    line: int
    leaves: dict[str, str]
    is_of_call: bool = True


@frozen
class Seen:
    """A stop: the offset of the instruction, and the visible variables, those of inner blocks first."""

    pc: int
    variables: list[Variable]
    is_recursive: bool = False


def lldb_sees(
    file: Path, arguments: tuple[str, ...], source: str, most: int, folder: Path
) -> tuple[list[int], list[Seen]]:
    """Return the offsets at which lines of a source begin, and what LLDB sees at up to ``most`` stops at each."""
    output = folder / "seen.json"
    target = Target(_silent(file, arguments))
    target.guest.start()
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=_serve, args=(server, target))
        thread.start()
        request = {"source": source, "most": most, "output": str(output)}
        commands = (
            f"process connect --plugin wasm connect://127.0.0.1:{server.getsockname()[1]}",
            f"command script import {_SCRIPT}",
        )
        done = subprocess.run(
            ["lldb-22", "--no-lldbinit", "--batch", *(word for it in commands for word in ("--one-line", it))],
            env={**os.environ, "ZENOWASM_JUDGE": json.dumps(request)},
            capture_output=True,
            timeout=_SECONDS,
            encoding="utf-8",
            check=False,
        )
        thread.join(_SECONDS)
    assert output.exists() and output.stat().st_size, done.stdout + done.stderr
    answer = json.loads(output.read_text())
    return answer["addresses"], [Seen(it["pc"], [Variable(*its) for its in it["values"]]) for it in answer["stops"]]


def _silent(file: Path, arguments: tuple[str, ...]) -> Any:
    found = runnable(file, "run", arguments, ((), (), ()), None, None, None)

    def run(session: Session) -> int:
        with redirect_stdout(io.StringIO()):
            return found.run(session.attach)

    return run


def _serve(server: socket.socket, target: Target) -> None:
    connection, _ = server.accept()
    with connection, connection.makefile("rb") as reader:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        Server(Wire(reader, connection.sendall), target).serve()
    target.quit()


def we_see(file: Path, arguments: tuple[str, ...], addresses: list[int], most: int) -> list[Seen]:
    """Return what the debugger sees at the same places."""
    front = _Front(addresses, most)
    session = Session(front, stop_at_start=True)
    _silent(file, arguments)(session)
    return front.seen


@define
class _Front:
    addresses: list[int]
    most: int
    seen: list[Seen] = field(factory=list)

    def stopped(self, session: Session, stop: Stop) -> Resume:
        if stop.reason is not Reason.BREAKPOINT:
            for at in self.addresses:
                assert session.add_breakpoint(f"*{at}").resolved
            return Resume(Action.CONTINUE)
        view = session.frame()
        calls = [it.frame.function.index for it in session.backtrace() if isinstance(it, FrameView)]
        self.seen.append(Seen(view.line.offset, _variables(view), calls.count(calls[0]) > 1))
        for it in stop.breakpoints:
            if it.hits == self.most:
                session.delete_breakpoint(it.number)
        return Resume(Action.CONTINUE)


def _variables(view: FrameView) -> list[Variable]:
    found = []
    for it in view.program.source.variables(view.line.offset):
        leaves: dict[str, str] = {}
        try:
            _flatten(view.program.source.value(it, view.machine, view.line.offset), "", leaves, 0)
        except (UnavailableError, DebugInfoError):
            leaves[""] = UNAVAILABLE
        declared = origin(it._die, "DW_AT_decl_line").attributes.get("DW_AT_decl_line")
        found.append(Variable(it.name, 0 if declared is None else declared.value, leaves))
    return found


def _flatten(value: SourceValue, path: str, leaves: dict[str, str], depth: int) -> None:
    type_ = plain(value.type)
    if isinstance(type_, Structure):
        for member in type_.members if depth < _DEPTH else ():
            _flatten(value._part(member), f"{path}.{member.name}", leaves, depth + 1)
    elif isinstance(type_, Array):
        for index in range(min(type_.count or 0, _ELEMENTS) if depth < _DEPTH else 0):
            _flatten(value.element(index), f"{path}[{index}]", leaves, depth + 1)
    elif value.missing:
        leaves[path] = UNAVAILABLE
    elif (isinstance(type_, Base) and type_.encoding is Encoding.FLOAT) or type_.size > 8:
        leaves[path] = value.data.hex()
    elif type_.size:
        number = int.from_bytes(value.data, "little") if value.bits is None else int(value.number() or 0)
        leaves[path] = str(number % (1 << 8 * type_.size))


_VARIANTS = re.compile(r"\.\$variants\$.*")


def without_variants(leaves: dict[str, str]) -> dict[str, str]:
    """Return the numbers that are in no variant of a Rust enumeration, which LLDB shows all at once."""
    return {path: it for path, it in leaves.items() if not _VARIANTS.search(path)}
