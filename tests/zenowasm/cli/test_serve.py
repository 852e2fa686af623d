"""``zenowasm serve`` and ``zenowasm plugin reload``, as processes that talk to each other."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from attrs import define

from zenowasm.backends import registry

WAITER = """#!{python}
import json, os, sys
for line in sys.stdin:
    request = json.loads(line)
    name, data = request["slot_name"], {{}}
    if name == "plugin_register_slots":
        data = [{{"name": "waiter.wait"}}]
    elif name == "waiter.wait":
        open("begun", "w").close()
        data = {{"read": open("answer").read(), "pid": os.getpid()}}
    print(json.dumps({{"type": "guest_response", "id": request["id"], "success": True, "data": data}}), flush=True)
"""
CONFIG = "wasm: {security: {allow_sidecar: true}}\n"


@define
class Serving:
    """A process that serves."""

    process: subprocess.Popen[bytes]
    state: Path
    url: str
    lines: list[str]

    @property
    def token(self) -> str:
        return str(json.loads(self.state.read_text())["token"])

    def __call__(self, method: str, target: str, body: Any = None, token: str = "") -> tuple[int, Any]:
        parts = urlsplit(self.url)
        assert parts.hostname is not None
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=60)
        headers = {"Authorization": f"Bearer {token or self.token}"}
        connection.request(method, target, None if body is None else json.dumps(body), headers)
        response = connection.getresponse()
        answer = json.loads(response.read())
        connection.close()
        return response.status, answer

    def stop(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, str, str]:
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=60)
        return self.process.returncode, out.decode(), err.decode()


@pytest.fixture
def serve(zenowasm: Any, tmp_path: Path) -> Iterator[Callable[..., Serving]]:
    started = []

    def start(*arguments: object, state: str = "state.json", variables: dict[str, str] | None = None) -> Serving:
        file = tmp_path / state
        process = zenowasm.start("serve", "--state", file, *arguments, variables=variables)
        started.append(process)
        lines = [process.stdout.readline().decode().rstrip() for _ in range(2)]
        assert lines[0].startswith("Serving "), (lines, process.communicate())
        return Serving(process, file, lines[0].rpartition(" ")[2], lines)

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
            process.communicate()


@pytest.fixture
def folder(tmp_path: Path, examples: Path) -> Path:
    shutil.copytree(examples / "plugins" / "hello", tmp_path / "plugins" / "hello")
    return tmp_path / "plugins"


def set_version(folder: Path, version: str) -> None:
    manifest = folder / "hello" / "manifest.yaml"
    fresh = manifest.with_suffix(".new")
    fresh.write_text(manifest.read_text().replace("1.0.0", version))
    fresh.replace(manifest)


@pytest.mark.parametrize("backend", registry.names())
def test_serve_reload_and_stop(serve, zenowasm, folder, backend) -> None:
    serving = serve("--plugin-dir", folder, "--backend", backend)
    assert serving.lines == [f"Serving 1 plugins at {serving.url}", f"The token is in {serving.state}"]
    assert serving.state.stat().st_mode & 0o777 == 0o600
    assert serving("POST", "/api/slots/hello.greet", {"name": "World"})[1]["data"] == {"message": "Hello, World!"}
    assert serving("GET", "/api/admin/stats")[1]["backend"] == backend
    set_version(folder, "2.0.0")
    result = zenowasm("plugin", "reload", "hello", "--state", serving.state)
    assert (result.code, result.err) == (0, "")
    first, change, last = result.out.splitlines()
    assert (first, last) == ("Reloading plugin 'hello'...", "✅ Reload successful!")
    assert change.startswith("  hello: reloaded: 1.0.0 (")
    assert " -> 2.0.0 (" in change
    result = zenowasm("plugin", "reload", "--state", serving.state)
    assert result.out.startswith("Reloading all plugins...\n  hello: unchanged: 2.0.0 (")
    code, out, err = serving.stop()
    assert (code, "Traceback" in err) == (0, False)
    assert out.splitlines()[0] == "Stopping"
    assert out.splitlines()[1].endswith(": 0 calls waited for")
    assert out.splitlines()[-1] == "Every call has ended, and every plugin has cleaned up"
    assert not serving.state.exists()


def test_a_reload_that_fails(serve, zenowasm, folder) -> None:
    serving = serve("--plugin-dir", folder)
    (folder / "hello" / "manifest.yaml").write_text("name: [")
    result = zenowasm("plugin", "reload", "--state", serving.state)
    assert (result.code, result.error[:52]) == (1, "Reload failed: hello: failed to parse manifest: " + str(folder)[:4])
    assert "hello: failed: failed to parse manifest" in result.out
    result = zenowasm("plugin", "reload", "none", "--state", serving.state, "--json")
    assert (result.code, result.json) == (1, {"error": "plugin none not loaded"})
    assert result.error == "Reload failed: plugin none not loaded"


def test_a_token_of_the_users_own(serve, zenowasm, folder) -> None:
    token = {"ZENO_ADMIN_TOKEN": "0123456789abcdef0"}
    serving = serve("--plugin-dir", folder, variables=token)
    assert serving.lines[1] == "The token is that of ZENO_ADMIN_TOKEN"
    assert "0123456789abcdef0" not in serving.state.read_text()
    assert serving("GET", "/api/admin/plugins", token="0123456789abcdef0")[0] == 200
    given = {**token, "ZENO_ADMIN_URL": serving.url}
    assert zenowasm("plugin", "reload", "--state", "nowhere", variables=given).code == 0
    wrong = {**given, "ZENO_ADMIN_TOKEN": "0123456789abcdef1"}
    assert zenowasm("plugin", "reload", variables=wrong).error.startswith("Reload failed: expected the header Author")
    result = zenowasm("plugin", "reload", "--state", serving.state)
    assert result.error == f"no token for {serving.url}: set ZENO_ADMIN_TOKEN to the one of the running host"


def test_the_token_of_one_host_is_not_sent_to_another(serve, zenowasm, folder) -> None:
    first = serve("--plugin-dir", folder)
    second = serve("--plugin-dir", folder, state="other.json")
    result = zenowasm("plugin", "reload", "--state", first.state, "--admin", second.url)
    assert result.error.startswith(f"no token for {second.url}")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_call_under_way_is_answered_before_the_end(serve, folder, tmp_path, number) -> None:
    waiter = folder / "waiter"
    waiter.mkdir()
    (waiter / "manifest.yaml").write_text("name: waiter\ntype: sidecar\nbinary: program\nsidecar: {keep_alive: true}\n")
    (waiter / "program").write_text(WAITER.format(python=sys.executable))
    (waiter / "program").chmod(0o755)
    for name in ("answer", "begun"):
        os.mkfifo(waiter / name)
    (tmp_path / "plugins.yaml").write_text(CONFIG)
    serving = serve("--plugin-dir", folder, "--config", tmp_path / "plugins.yaml")
    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(serving, "POST", "/api/slots/waiter.wait", {})
        (waiter / "begun").read_bytes()
        serving.process.send_signal(number)
        assert serving.process.stdout is not None
        assert serving.process.stdout.readline() == b"Stopping\n"
        assert serving("POST", "/api/slots/hello.greet", {"name": "late"}) == (
            503,
            {"error": "the plugin host is closed"},
        )
        (waiter / "answer").write_text("now")
        status, answer = running.result()
    assert (status, answer["data"]["read"]) == (200, "now")
    out, err = serving.process.communicate(timeout=60)
    assert (serving.process.returncode, b"Traceback" in err) == (0, False)
    assert b"waiter no version" in out
    assert b": 1 calls waited for" in out
    with pytest.raises(ProcessLookupError):
        os.kill(answer["data"]["pid"], 0)


def test_watch(serve, folder) -> None:
    serving = serve("--plugin-dir", folder, "--watch")
    set_version(folder, "2.0.0")
    assert serving.process.stderr is not None
    line = serving.process.stderr.readline().decode()
    assert line.startswith("[hello] info: Followed a change of its folder: hello: reloaded: 1.0.0")
    assert serving("GET", "/api/admin/plugins")[1]["plugins"][0]["version"] == "2.0.0"
    assert serving.stop()[0] == 0


@pytest.mark.parametrize(
    ("arguments", "code", "error"),
    [
        (["--plugin-dir", "nowhere"], 1, "no plugin folder at nowhere"),
        ([], 1, "there are no plugins to serve: use --plugin-dir or ZENO_PLUGINS_ENABLED"),
        (["--plugin-dir", ".", "--admin", "0.0.0.0:0"], 1, "0.0.0.0 can be reached from other machines"),
        (["--plugin-dir", ".", "--admin", "localhost"], 2, "expected ADDRESS:PORT such as 127.0.0.1:9000"),
        (["--plugin-dir", ".", "--admin", "127.0.0.1:70000"], 2, "expected ADDRESS:PORT such as 127.0.0.1:9000"),
        (["--plugin-dir", ".", "--drain", "-1"], 2, "expected a number of seconds greater than 0"),
        (["--plugin-dir", ".", "--backend", "none"], 1, "none"),
    ],
)
def test_what_cannot_be_served(zenowasm, tmp_path, arguments, code, error) -> None:
    result = zenowasm("serve", "--state", tmp_path / "state", *arguments)
    assert (result.code, error in result.error) == (code, True), result.error
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("http://127.0.0.1:1", "Failed to contact server: http://127.0.0.1:1: "),
        ("https://127.0.0.1:1", "expected a URL such as http://127.0.0.1:9000"),
        ("127.0.0.1", "expected a URL such as http://127.0.0.1:9000"),
        ("http://127.0.0.1:port", "expected a URL such as http://127.0.0.1:9000"),
    ],
)
def test_a_host_that_is_not_there(zenowasm, url, error) -> None:
    result = zenowasm("plugin", "reload", "--admin", url, variables={"ZENO_ADMIN_TOKEN": "0123456789abcdef"})
    assert (result.code, result.error[: len(error)]) == (1, error)


def test_no_host_was_started(zenowasm, tmp_path) -> None:
    result = zenowasm("plugin", "reload", "--state", tmp_path / "none")
    assert (result.code, result.error[:38]) == (1, "no running host found: cannot read " + str(tmp_path)[:3])


def test_an_address_that_others_reach_names_the_option(zenowasm, folder) -> None:
    result = zenowasm("serve", "--plugin-dir", folder, "--admin", "0.0.0.0:0", "--state", "state.json")
    assert result.code == 1
    assert "--allow-remote" in result.error


def test_serving_nothing_is_a_warning(serve, tmp_path) -> None:
    (tmp_path / "empty").mkdir()
    serving = serve("--plugin-dir", tmp_path / "empty")
    assert serving.lines[0].startswith("Serving 0 plugins at ")
    code, _, err = serving.stop()
    expected = "expected one subdirectory with a manifest.yaml per plugin"
    assert (code, err) == (0, f"warning: no plugin of {tmp_path}/empty is loaded: {expected}\n")
