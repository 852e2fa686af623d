"""V8, in Node.js: a warm child process that responds to requests of one line each.

The child measures the time of its loop itself, so the figures exclude the pipe.
"""

from __future__ import annotations

import json
import re
import subprocess
from base64 import b64encode
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from shutil import which
from tempfile import NamedTemporaryFile
from typing import Any, Final

from zenowasm.bench.engines.protocol import Running
from zenowasm.bench.engines.quickjs import script
from zenowasm.bench.errors import RefusedError

_CHILD: Final = Path(__file__).with_name("v8.js")
_TURNS: Final = 999_999_999
"""A placeholder that the child replaces in the QuickJS script."""


class V8Error(Exception):
    """Raised when the child ends before it responds."""


class Child:
    """A Node.js process, which starts when the context is entered and ends when it is left."""

    def __enter__(self) -> Child:
        self._process = subprocess.Popen(
            ["node", "--no-warnings", str(_CHILD)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()  # closing its input ends the process

    def ask(self, **request: object) -> Any:
        """Send a request and return the response; raises ``RefusedError`` with the child's message."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise V8Error("Node.js ended before it answered")
        reply = json.loads(line)
        if "error" in reply:
            raise RefusedError(reply["error"])
        return reply["result"]


class _Remote:
    def __init__(self, child: Child) -> None:
        self._child = child

    def call(self, argument: int) -> int:
        return int(self._child.ask(do="call", argument=argument))

    def time(self, argument: int, count: int) -> float:
        return float(self._child.ask(do="time", argument=argument, count=count))


class V8:
    """The peer that runs most of the world's WebAssembly; its host is JavaScript, not Python."""

    label = "v8"
    install = "Node.js 18 or newer on the PATH (https://nodejs.org, or a system package)"
    in_process = False
    in_python = False

    def version(self) -> str | None:
        """Return the version of V8, or ``None`` without a recent enough Node.js."""
        return _version()

    def compile(self, binary: bytes) -> bytes:
        """Return the module unchanged: the child compiles it."""
        return binary

    def instantiate(self, module: bytes, stack: ExitStack) -> Running:
        """Compile and instantiate a module in a new child process."""
        child = stack.enter_context(Child())
        child.ask(do="load", module=b64encode(module).decode())
        return _Remote(child)

    def load_quickjs(self, binary: bytes, stack: ExitStack) -> Running:
        """Instantiate QuickJS with the WASI of Node.js."""
        child = stack.enter_context(Child())
        output = stack.enter_context(NamedTemporaryFile())  # noqa: SIM115 - the stack closes it
        child.ask(do="quickjs", module=b64encode(binary).decode(), output=output.name, script=script(_TURNS))
        return _Remote(child)


@cache
def _version() -> str | None:
    node = which("node")
    if node is None:
        return None
    command = [node, "-p", "process.versions.node + ' ' + process.versions.v8"]
    found = re.match(r"(\d+)\S* (\S+)", subprocess.run(command, capture_output=True, text=True, check=False).stdout)
    return found[2] if found and int(found[1]) >= 18 else None
