"""The Tab key in Bash, Zsh and fish, with the lines of docs/README.md."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
LINES = dict(re.findall(r"^\| (Bash|Zsh|fish) \| `(.*)` \|$", (ROOT / "docs/README.md").read_text(), re.MULTILINE))


def shell(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.fail(f"{name} is not installed; .ci/services.sh installs it from Debian")
    return found


@pytest.fixture
def variables(tmp_path) -> dict[str, str]:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return {**os.environ, "PATH": path, "HOME": str(tmp_path), "TERM": "dumb", "PS1": "ready> "}


class Typist:
    """Somebody at a terminal with a shell."""

    def __init__(self, command: list[str], variables: dict[str, str]) -> None:
        self._keys, theirs = pty.openpty()
        self._process = subprocess.Popen(
            command, stdin=theirs, stdout=theirs, stderr=theirs, env=variables, start_new_session=True
        )
        os.close(theirs)

    def type(self, keys: str, *, until: str) -> str:
        """Type, and return what is shown, until it contains a text."""
        os.write(self._keys, keys.encode())
        shown = ""
        end = time.monotonic() + 60
        while until not in shown:
            ready, _, _ = select.select([self._keys], [], [], end - time.monotonic())
            assert ready, f"{until!r} is not in {shown!r}"
            shown += os.read(self._keys, 4096).decode()
        return shown

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._keys)


@pytest.mark.parametrize(
    ("name", "command", "before"),
    [("Bash", ["bash", "--norc", "-i"], ""), ("Zsh", ["zsh", "-f", "-i"], "autoload -U compinit; compinit -u -D; ")],
)
def test_tab_completes_a_command(variables, name, command, before) -> None:
    typist = Typist([shell(command[0]), *command[1:]], variables)
    try:
        typist.type(f"{before}{LINES[name]}; echo set''-up\n", until="set-up")
        typist.type("zenowasm plugin va\t", until="validate")
        assert "Usage: zenowasm plugin validate" in typist.type("--help\n", until="Options:")
    finally:
        typist.close()


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("zenowasm plugin va", ["validate"]),
        ("zenowasm run --backend w", ["wasmtime"]),
        ("zenowasm pl", ["plugin"]),
        ("zenowasm run hel", ["hello.zl"]),
    ],
)
def test_fish_completes(variables, typed, found, write) -> None:
    folder = write("hello.zl", "").parent
    fish = [shell("fish"), "--no-config", "-c", f"{LINES['fish'].replace(chr(92), '')}; complete -C $argv[1]", typed]
    ended = subprocess.run(fish, env=variables, cwd=folder, capture_output=True, text=True, check=True, timeout=60)
    assert [line.split("\t")[0] for line in ended.stdout.splitlines()] == found
