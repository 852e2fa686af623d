"""Hostile HTTP servers: a plugin gets an answer or an error in time and in little memory, and others notice nothing."""

from __future__ import annotations

import json
import random
import re
import ssl
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import trustme
from hostile.bounded import cases, run_python
from hostile.servers import KINDS, Case, Verdict, running
from support.wasm import wat

LIMIT = 0.3
"""Seconds of a request with its redirects."""
SLACK = 0.5
"""Seconds by which it may be late."""
NOISE = 1.5
"""Seconds that a busy machine may add."""
RESPONSE = 1 << 20
"""Bytes of a body."""
GROWTH = 64 * RESPONSE
"""Bytes by which all cases together may enlarge the host: the largest body as Python's objects, twice."""
TOGETHER = len(KINDS)
"""Cases that one process tries, one after the other: one of each kind."""
ERROR = re.compile(
    r"(request failed|failed to read response|the reply is longer than the limit of \d+ bytes)\b.*", re.DOTALL
)
RECORD = 256
"""Bytes of a request in a guest's memory."""

PROGRAM = """
import json, sys, time
from zenowasm import Host
from zenowasm.plugin.errors import SlotFailedError

folder, settings = sys.argv[1:3]
count = int(sys.argv[3])

def peak():
    return int([line for line in open("/proc/self/status") if line.startswith("VmHWM")][0].split()[1])

def ask(slot):
    began = time.monotonic()
    try:
        answer = host.call(slot)
        error = None
    except SlotFailedError as failed:
        answer, error = None, str(failed)
    return answer, error, time.monotonic() - began

def calm(number):
    for _ in range(10):  # a machine under load may be late
        answer, error, _ = ask(f"calm.s{number:03}")
        if error != "request failed: timed out":
            break
    return answer and answer["body"], error

with Host(folder, backend="reference", config=settings, lazy=False) as host:
    assert not host.problems, host.problems
    for number in (0, 1):
        assert calm(number)[1] is None
    before = peak()
    for number in range(count):
        answer, error, seconds = ask(f"asker.s{number:03}")
        time.sleep(0.1 if answer and answer["status"] in (200, 204, 304) else 0)  # what comes too late is here by now
        after = [calm(2 * number + at) for at in (2, 3)]
        print(json.dumps([answer and answer["status"], error, seconds, after]), flush=True)
    print(peak() - before)
"""

GUEST = """(module
  (import "env" "host_http_request" (func $http (param i32 i32) (result i32)))
  (memory (export "memory") 64)
  (global $heap (mut i32) (i32.const {heap}))
  (func (export "plugin_init") (result i32) (i32.const 16))
  (func (export "plugin_register_slots") (result i32) (i32.const 1024))
  (func (export "plugin_cleanup"))
  (func (export "alloc") (param $size i32) (result i32)
    (global.get $heap) (global.set $heap (i32.add (global.get $heap) (local.get $size)))
    (if (i32.gt_u (global.get $heap) (i32.const 4000000)) (then (global.set $heap (i32.const {heap})))))
  (func $digit (param i32) (result i32) (i32.sub (i32.load8_u (local.get 0)) (i32.const 48)))
  (func (export "plugin_execute") (param $name i32) (param $length i32) (param i32 i32) (result i32)
    (local $end i32) (local.set $end (i32.add (local.get $name) (local.get $length)))
    (global.set $heap (i32.const {heap}))
    (call $http
      (i32.add (i32.const {requests}) (i32.mul (i32.const {record})
        (i32.add (call $digit (i32.sub (local.get $end) (i32.const 1)))
          (i32.add (i32.mul (i32.const 10) (call $digit (i32.sub (local.get $end) (i32.const 2))))
            (i32.mul (i32.const 100) (call $digit (i32.sub (local.get $end) (i32.const 3))))))))
      (i32.const {record})))
  (data (i32.const 16) {metadata})
  (data (i32.const 1024) {slots})
  (data (i32.const {requests}) {texts}))"""


def _literal(data: str) -> str:
    return '"' + "".join(f"\\{byte:02x}" for byte in data.encode()) + '\\00"'


def _write_plugin(folder: Path, name: str, requests: Sequence[dict[str, str]], network: Sequence[str]) -> None:
    """Write a plugin that sends the request whose number is the end of the slot's name."""
    place = folder / name
    place.mkdir(parents=True)
    slots = json.dumps([{"name": f"{name}.s{number:03}"} for number in range(len(requests))])
    texts = "".join(json.dumps(request).ljust(RECORD) for request in requests)
    guest = GUEST.format(
        metadata=_literal(json.dumps({"name": name, "version": "1.0.0"})),
        slots=_literal(slots),
        texts=_literal(texts),
        record=RECORD,
        requests=1 << 16,
        heap=1 << 18,
    )
    (place / "guest.wasm").write_bytes(wat(guest))
    manifest = {"name": name, "version": "1.0.0", "binary": "guest.wasm", "permissions": {"network": list(network)}}
    (place / "manifest.yaml").write_text(json.dumps(manifest))


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


def attack(authority: trustme.CA, tried: Sequence[Case], folder: Path) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    settings = {
        "limits": {"max_execution_time": "20s", "max_output": "16MiB"},
        "http": {"max_seconds": f"{int(LIMIT * 1000)}ms", "max_response": "1MiB", "ca_file": str(folder / "ca.pem")},
    }
    (folder / "settings.yaml").write_text(json.dumps({"wasm": settings}))
    calm = Case("calm", tuple)
    with running([*tried, calm], tls) as ((*servers, last), other):
        network = [server.url("/*") for server in (*servers, last)]
        asked = [{"method": server.case.method, "url": server.url("/")} for server in servers]
        # After each case its own server is asked for something else, where it can answer, and one that was calm.
        good = [last.url("/good/0"), last.url("/good/1")]
        for number, server in enumerate(servers):
            sane = last if server.case.speech.mixed else server
            good += [sane.url(f"/good/{number}-a"), last.url(f"/good/{number}-b")]
        # "*" grants public hosts only, so that a redirect to a private address is the client's to refuse.
        _write_plugin(folder / "plugins", "asker", asked, ["*", *network])
        _write_plugin(folder / "plugins", "calm", [{"url": url} for url in good], network)
        ending = run_python(
            PROGRAM, str(folder / "plugins"), str(folder / "settings.yaml"), str(len(tried)),
            seconds=20 + len(tried) * (LIMIT + NOISE) * 2,
        )  # fmt: skip
    assert (ending.code, ending.killed) == (0, False), ending.stderr
    assert not ending.stderr
    *told, growth = (json.loads(line) for line in ending.stdout.splitlines())
    assert other.connections == 0
    assert len(told) == len(tried)
    wrong = [
        (server.case.name, fault, outcome)
        for number, (server, outcome) in enumerate(zip(servers, told, strict=True))
        for fault in _faults(server.case.verdict, *outcome, number)
    ]
    assert not wrong, wrong
    assert growth << 10 < GROWTH, (growth, [case.name for case in tried])


def _faults(
    verdict: Verdict, status: int | None, error: str | None, seconds: float, after: list[list[Any]], number: int
) -> Iterator[str]:
    if seconds > LIMIT + SLACK + NOISE:
        yield "late"
    if verdict is not Verdict.EITHER and (error is None) != (verdict is Verdict.ANSWER):
        yield "taken" if error is None else "refused"
    if error is not None and not ERROR.fullmatch(error):
        yield "not a documented error"
    for (answer, failed), letter in zip(after, "ab", strict=True):
        if failed is not None or answer != {"path": f"/good/{number}-{letter}"}:
            yield "the next request got another answer"


@pytest.mark.parametrize("seed", cases(2, 400))
def test_servers(authority, tmp_path, seed):
    chance = random.Random(seed)
    attack(authority, [kind(chance) for kind in KINDS], tmp_path)
