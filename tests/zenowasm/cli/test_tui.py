"""``zenowasm debug --tui``: a terminal that Textual can draw on, and what it needs."""

from __future__ import annotations

import os
import pty
import select
import time

import pytest
from support.wasm import wat

_SECONDS = 60.0


@pytest.fixture
def module(write):
    return write("m.wasm", wat('(module (func $run (export "run") (result i32) (i32.const 7)))'))


def test_it_runs_in_a_terminal(zenowasm, module) -> None:
    ours, theirs = pty.openpty()
    streams = {"stdin": theirs, "stdout": theirs, "stderr": theirs}
    process = zenowasm.start("debug", "--tui", module, "run", variables={"TERM": "xterm-256color"}, **streams)
    os.close(theirs)
    seen, end = b"", time.monotonic() + _SECONDS
    while b"i32.const 7" not in seen:
        assert time.monotonic() < end and process.poll() is None, seen
        if select.select([ours], [], [], 1)[0]:
            seen += os.read(ours, 1 << 16)
    os.write(ours, b"\x11")  # Ctrl-Q
    while select.select([ours], [], [], 1)[0]:
        try:
            if not os.read(ours, 1 << 16):
                break
        except OSError:  # Linux says so at the end
            break
    assert process.wait(_SECONDS) == 0
    os.close(ours)


def test_it_needs_a_terminal(zenowasm, module) -> None:
    assert zenowasm("debug", "--tui", module, "run").error == "--tui needs a terminal as stdin and stdout"


_WITHOUT = """
import sys
sys.modules["textual"] = None
from zenowasm.cli.main import main
main(["debug", "--tui", sys.argv[1], "run"])
"""


def test_it_says_what_is_missing(zenowasm, module) -> None:
    found = zenowasm.python(_WITHOUT, module)
    assert (found.code, found.error) == (1, "--tui needs Textual: pip install 'zenowasm[tui]'")
