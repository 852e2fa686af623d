"""The adapter under the client that Microsoft publishes, and its messages under the types of the protocol."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.dap import check_message
from support.debugged import RECORDS, SOURCES, c_at, shop_plugin
from support.toolchains import ROOT

from zenowasm import Host

_MODULES = ROOT / "build" / "toolchains" / "node_modules"
_DRIVER = Path(__file__).parent / "npm_client.js"
_REPLAY_DRIVER = Path(__file__).parent / "npm_replay.js"
_ZENOWASM = Path(sys.executable).parent / "zenowasm"
_MISSPELLED = {"type": "event", "seq": 1, "event": "stopped", "body": {"reason": "step", "threadID": 1}}


@pytest.fixture(autouse=True)
def _installed() -> None:
    if not (_MODULES / "@vscode" / "debugadapter-testsupport").is_dir() and not os.environ.get("CI"):
        pytest.skip("npm's packages are not installed: run .ci/toolchains.sh")


def node(*words: object) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "NODE_PATH": str(_MODULES)}
    return subprocess.run(
        ["node", *map(str, words)], env=environment, capture_output=True, text=True, timeout=120, check=False
    )


def type_of(message: dict[str, Any]) -> str:
    """The published type for a message."""
    if message["type"] == "event":
        return f"{message['event'][0].upper()}{message['event'][1:]}Event"
    return f"{message['command'][0].upper()}{message['command'][1:]}Response" if message["success"] else "ErrorResponse"


def type_errors(messages: list[dict[str, Any]], folder: Path) -> list[str]:
    """What the TypeScript compiler says of messages as values of their types, which it also checks for other names."""
    lines = [f"import {{DebugProtocol}} from '{_MODULES}/@vscode/debugprotocol';"]
    for number, message in enumerate(messages):
        type_ = f"DebugProtocol.{type_of(message)}"
        lines.append(f"export const message{number}: {type_} & {{type: string}} = {json.dumps(message)};")
    source = folder / "messages.ts"
    source.write_text("\n".join(lines))
    done = node(_MODULES / "typescript" / "bin" / "tsc", "--noEmit", "--strict", "--skipLibCheck", source)
    return done.stdout.splitlines()


@pytest.mark.parametrize("over", ["stdio", "tcp"])
def test_a_session_of_the_npm_client(over, tmp_path) -> None:
    line = next(number for number, it in enumerate(RECORDS.read_text().splitlines(), 1) if "int total" in it) + 1
    messages = tmp_path / "messages.json"
    port, server = "0", None
    if over == "tcp":
        server = subprocess.Popen([_ZENOWASM, "dap", "--port", "0"], stdout=subprocess.PIPE, text=True)
        port = server.stdout.readline().rpartition(":")[2].strip()
    done = node(_DRIVER, _ZENOWASM, c_at("-O0"), RECORDS, line, messages, port)
    assert done.returncode == 0 and not done.stderr, done.stderr
    if server is not None:
        assert server.wait(60) == 0
        server.stdout.close()
        return
    received = json.loads(messages.read_text())
    assert len(received) > 40
    for message in received:
        check_message(message)
    assert type_errors(received, tmp_path) == []


def test_a_plugin_that_was_recorded_on_wasmtime_is_debugged_backwards(tmp_path) -> None:
    recording, messages, source = tmp_path / "shop.zr", tmp_path / "messages.json", SOURCES / "shop_plugin.c"
    with Host(shop_plugin(tmp_path / "plugins"), backend="wasmtime", record=recording) as host:
        assert host.call("shop.total") == {"total": 3 + 5 + 7 + 11}
    line = next(number for number, it in enumerate(source.read_text().splitlines(), 1) if "return answer" in it)
    done = node(_REPLAY_DRIVER, _ZENOWASM, recording, source, line, messages)
    assert done.returncode == 0 and not done.stderr, done.stderr
    received = json.loads(messages.read_text())
    for message in received:
        check_message(message)
    assert type_errors(received, tmp_path) == []


def test_the_types_find_names_that_are_not_in_the_protocol(tmp_path) -> None:
    (error,) = [it for it in type_errors([_MISSPELLED], tmp_path) if "error" in it]
    assert "TS2353" in error and "threadID" in error
