"""Calls slots from many threads while their plugin is reloaded, traps, is denied access and exceeds time limits.

``make soak`` makes 100,000 calls; a test makes a few thousand. It checks that no call is lost or answered twice, that
each error has the type for its cause, and that memory does not grow after a warm-up.
"""

from __future__ import annotations

import argparse
import gc
import os
import re
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Final

from attrs import define, field, frozen

from zenowasm import Host
from zenowasm.backends import registry
from zenowasm.interp.binary import encode
from zenowasm.interp.text import parse_module
from zenowasm.plugin.errors import GuestTrapError, PluginError, SlotFailedError, TimeLimitError
from zenowasm.plugin.lifecycle.reports import ShutdownReport
from zenowasm.plugin.services import LogRecord

MANIFEST: Final = "name: soak\nversion: 1.0.{generation}\nbinary: soak.wasm\npermissions: {{env: [ALLOWED]}}\n"
WARM_UP: Final = 0.2
"""The share of the calls after which memory is measured for the first time."""
SPIN_SECONDS: Final = 0.05
_LOGGED: Final = re.compile(r'\{"slot_name":"soak\.echo","parameters":\{"id":(\d+)\}\}')
DENIED: Final = "denied"

# The sixth letter of its name identifies the slot. `echo` logs the request and returns it, so each call can be traced
# in both directions; `alloc` starts again when a quarter of the heap is left, which no single call needs.
GUEST: Final = r"""(module
  (import "env" "host_log" (func $log (param i32 i32 i32 i32)))
  (import "env" "host_env_get" (func $env_get (param i32 i32) (result i32)))
  (memory (export "memory") 4 4)
  (global $heap (mut i32) (i32.const 65536))
  (data (i32.const 8) "{\"success\":true,\"data\":")
  (data (i32.const 64) "info")
  (data (i32.const 72) "SECRET")
  (data (i32.const 128) "{\"success\":false,\"error\":\"denied\"}\00")
  (data (i32.const 1024) "{\"name\":\"soak\",\"version\":\"VERSION\"}\00")
  (data (i32.const 2048)
    "[{\"name\":\"soak.echo\"},{\"name\":\"soak.trap\"},{\"name\":\"soak.denied\"},{\"name\":\"soak.spin\"}]\00")
  (func (export "plugin_init") (result i32) (i32.const 1024))
  (func (export "plugin_register_slots") (result i32) (i32.const 2048))
  (func (export "plugin_cleanup"))
  (func (export "alloc") (param $size i32) (result i32)
    (if (i32.gt_u (i32.add (global.get $heap) (local.get $size)) (i32.const 196608))
      (then (global.set $heap (i32.const 65536))))
    (global.get $heap)
    (global.set $heap (i32.and (i32.add (global.get $heap) (i32.add (local.get $size) (i32.const 7))) (i32.const -8))))
  (func $echo (param $request i32) (param $length i32) (result i32)
    (call $log (i32.const 64) (i32.const 4) (local.get $request) (local.get $length))
    (memory.copy (i32.const 200000) (i32.const 8) (i32.const 23))
    (memory.copy (i32.const 200023) (local.get $request) (local.get $length))
    (i32.store16 (i32.add (i32.const 200023) (local.get $length)) (i32.const 125))
    (i32.const 200000))
  (func $spin (loop $again (br $again)))
  (func (export "plugin_execute") (param $name i32) (param i32) (param $request i32) (param $length i32) (result i32)
    (local $letter i32)
    (local.set $letter (i32.load8_u offset=5 (local.get $name)))
    (if (i32.eq (local.get $letter) (i32.const 116)) (then unreachable))
    (if (i32.eq (local.get $letter) (i32.const 115)) (then (call $spin)))
    (if (i32.eq (local.get $letter) (i32.const 100))
      (then
        (if (i32.eqz (i32.load8_u (call $env_get (i32.const 72) (i32.const 6)))) (then (return (i32.const 128))))
        unreachable))
    (call $echo (local.get $request) (local.get $length))))"""


@frozen
class Soak:
    """The results. Memory is resident memory in bytes: after the warm-up and at the end, 0 if unknown."""

    calls: int
    outcomes: Counter[str]
    faults: tuple[str, ...]
    reloads: int
    seconds: float
    memory_before: int
    memory_after: int
    shutdown: ShutdownReport


@define(eq=False)
class _Work:
    """The state that the threads share."""

    calls: int
    next: int = 0
    outcomes: Counter[str] = field(factory=Counter)
    faults: list[str] = field(factory=list)
    lock: threading.Lock = field(factory=threading.Lock)
    warm: threading.Event = field(factory=threading.Event)
    # How often each call was logged; allocated completely at the beginning, so that it does not count as growth.
    logged: bytearray = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.logged = bytearray(self.calls)

    def take(self) -> int | None:
        """Return the number of the next call, ``None`` if there is none."""
        with self.lock:
            if self.next == self.calls:
                return None
            self.next += 1
            if self.next == int(self.calls * WARM_UP):
                self.warm.set()
            return self.next - 1

    def run(self, host: Host) -> None:
        """Make calls until there are none left."""
        while (number := self.take()) is not None:
            kind = _kind(number)
            outcome = _call(host, kind, number)
            with self.lock:
                self.outcomes[outcome] += 1
                if outcome != _EXPECTED[kind]:
                    self.faults.append(f"call {number} of soak.{kind}: expected {_EXPECTED[kind]}, got {outcome}")

    def note(self, record: LogRecord) -> None:
        """Count a message from a guest: each call of ``echo`` must log exactly once."""
        match = _LOGGED.fullmatch(record.message)
        number = self.calls if match is None else int(match[1])
        with self.lock:
            if number < self.calls:
                self.logged[number] += 1
            else:
                self.faults.append(f"logged: {record.message}")


def _call(host: Host, kind: str, number: int) -> str:
    try:
        data = host.call(f"soak.{kind}", id=number, timeout=SPIN_SECONDS if kind == "spin" else None)
    except SlotFailedError as error:
        return DENIED if str(error).endswith(DENIED) else f"{type(error).__name__}: {error}"
    except PluginError as error:
        if isinstance(error, TimeLimitError):  # the time may also run out before an instance is free
            return TimeLimitError.__name__
        return type(error).__name__ if type(error) is GuestTrapError else f"{type(error).__name__}: {error}"
    return "answered" if data == {"slot_name": "soak.echo", "parameters": {"id": number}} else f"answered {data}"


_EXPECTED: Final = {
    "echo": "answered",
    "trap": GuestTrapError.__name__,
    "denied": DENIED,
    "spin": TimeLimitError.__name__,
}


def _kind(number: int) -> str:
    """Return the kind of a call: of a thousand, two run out of time, eight trap, and fifty are denied access."""
    place = number % 1000
    if place in (250, 750):
        return "spin"
    if place % 125 == 3:
        return "trap"
    return "denied" if place % 20 == 7 else "echo"


def soak(backend: str, calls: int, threads: int, reload_seconds: float) -> Soak:
    """Make ``calls`` calls from ``threads`` threads and reload the plugin every ``reload_seconds``."""
    with tempfile.TemporaryDirectory(prefix="zenowasm-soak-") as folder:
        _write(Path(folder), 0)
        work = _Work(calls)
        host = Host(folder, backend=backend, lazy=False, log=work.note)
        workers = [threading.Thread(target=work.run, args=(host,)) for _ in range(threads)]
        ended = threading.Event()
        reloads: list[str] = []
        reloader = threading.Thread(target=_reload, args=(host, Path(folder), ended, reload_seconds, reloads))
        started = time.monotonic()
        for thread in (*workers, reloader):
            thread.start()
        work.warm.wait()
        before = _resident()
        for thread in workers:
            thread.join()
        seconds = time.monotonic() - started
        ended.set()
        reloader.join()
        after = _resident()
        shutdown = host.close()
        faults = [*work.faults, *_log_faults(work), *(it for it in reloads if it)]
        return Soak(calls, work.outcomes, tuple(faults), len(reloads), seconds, before, after, shutdown)


def _reload(host: Host, folder: Path, ended: threading.Event, seconds: float, reloads: list[str]) -> None:
    while not ended.wait(seconds):
        _write(folder, len(reloads) + 1)
        report = host.reload("soak")
        reloads.append("" if report.ok else str(report))


def _write(folder: Path, generation: int) -> None:
    plugin = folder / "soak"
    plugin.mkdir(exist_ok=True)
    (plugin / "manifest.yaml").write_text(MANIFEST.format(generation=generation), "utf-8")
    (plugin / "soak.wasm").write_bytes(encode(parse_module(GUEST.replace("VERSION", f"1.0.{generation}"))))


def _log_faults(work: _Work) -> list[str]:
    """Return the faults in the guests' log: each call of ``echo`` must be in it once, and no other call."""
    wanted = bytes(_kind(number) == "echo" for number in range(work.calls))
    return [
        f"call {number} was logged {count} times"
        for number, (count, once) in enumerate(zip(work.logged, wanted, strict=True))
        if count != once
    ]


def _resident() -> int:
    gc.collect()
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def main(arguments: list[str] | None = None, show: Callable[[str], None] = print) -> int:
    """Run and report; return 1 if a call was lost, answered twice, or ended in an unexpected way."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backend", action="append", choices=registry.names(), help="default: all")
    parser.add_argument("--calls", type=int, default=100_000)
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--reload-seconds", type=float, default=0.5)
    options = parser.parse_args(arguments)
    good = True
    for backend in options.backend or registry.names():
        it = soak(backend, options.calls, options.threads, options.reload_seconds)
        show(
            f"{backend}: {it.calls:,} calls over {options.threads} threads in {it.seconds:.0f} s, {it.reloads} reloads"
        )
        show("  " + ", ".join(f"{count:,} {outcome}" for outcome, count in it.outcomes.most_common()))
        grown = it.memory_after - it.memory_before
        show(f"  resident memory after the warm-up {it.memory_before:,} bytes, at the end {grown:+,}")
        for fault in it.faults[:20]:
            show(f"  FAULT: {fault}")
        good = good and not it.faults and it.shutdown.clean
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
