"""``zenowasm dap`` over stdin and stdout, and over TCP, as a process of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest
from support.dap import DapClient
from support.debugged import c_at

_SECONDS = 60


def start(*arguments: str, **streams: object) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-m", "zenowasm.cli.main", "dap", *arguments], text=False, **streams)


@pytest.fixture
def process_and_client() -> Iterator[tuple[subprocess.Popen, DapClient]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        process = start(stdin=theirs, stdout=theirs, stderr=subprocess.PIPE)
        theirs.close()
        yield process, DapClient(ours)
        ours.close()
        process.wait(_SECONDS)


def test_a_session_over_stdin_and_stdout(process_and_client, write, examples) -> None:
    process, client = process_and_client
    launch = {"program": str(examples / "hello.zl"), "pluginDir": str(examples / "plugins")}
    client.start(launch, functions=["greet"])
    assert client.where() == "breakpoint greet:1"
    client("continue", threadId=1)
    client.event("terminated")
    assert client.output() == "[INFO]: Hello, World!\n"
    client("disconnect")
    client.rest()
    assert process.communicate(timeout=_SECONDS) == (None, b"")
    assert process.returncode == 0


_STRAY = """
import os
from zenowasm.cli import dap, main
dap.prepare = lambda launch: lambda on_store: os.write(1, b"stray") - 5
main.main(["dap"])
"""


def test_whatever_else_writes_to_stdout_does_not_reach_the_client() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        process = subprocess.Popen(
            [sys.executable, "-c", _STRAY], stdin=theirs, stdout=theirs, stderr=subprocess.PIPE, text=False
        )
        theirs.close()
        client = DapClient(ours)
        client.start({"program": "any"})
        assert client.event("exited") == {"exitCode": 0}
        client("disconnect")
        client.rest()
        assert process.communicate(timeout=_SECONDS) == (None, b"stray")


def test_a_client_that_is_gone_in_the_middle_of_a_stop(process_and_client) -> None:
    process, client = process_and_client
    client.start({"program": str(c_at("-O0")), "export": "run", "args": [3]}, functions=["area"])
    client.where()
    client.close()
    assert process.communicate(timeout=_SECONDS) == (None, b"")
    assert process.returncode == 0


@pytest.fixture
def served() -> Iterator[tuple[subprocess.Popen, int]]:
    process = start("--port", "0", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    address, _, port = process.stdout.readline().decode().partition("127.0.0.1:")
    assert address == "listening at "
    yield process, int(port)
    process.kill()
    process.communicate()


def test_a_session_over_tcp(served) -> None:
    process, port = served
    with socket.create_connection(("127.0.0.1", port)) as connection:
        client = DapClient(connection)
        client.start({"program": str(c_at("-O0")), "export": "run", "args": [3]}, functions=["area"])
        client.where()
        with pytest.raises(ConnectionRefusedError):  # it serves one client
            socket.create_connection(("127.0.0.1", port))
        client("disconnect")
        client.rest()
    assert process.communicate(timeout=_SECONDS)[0] == b""
    assert process.returncode == 0


def test_a_web_page_cannot_speak_to_it(served) -> None:
    process, port = served
    with socket.create_connection(("127.0.0.1", port)) as connection:
        body = b'{"seq":1,"type":"request","command":"threads"}'
        connection.sendall(b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
        assert connection.recv(100) == b""
    assert process.wait(_SECONDS) == 0


def test_a_port_that_is_taken(zenowasm) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        error = zenowasm("dap", "--port", str(port)).error
        assert error == f"cannot listen at 127.0.0.1:{port}: Address already in use"
    assert zenowasm("dap", "--port", "65536").code == 2


def test_the_end_of_the_input_ends_it(zenowasm) -> None:
    result = zenowasm("dap", given="")
    assert (result.code, result.out, result.err) == (0, "", "")


def test_closed_streams(zenowasm) -> None:
    code = subprocess.run(
        [sys.executable, "-m", "zenowasm.cli.main", "dap"], close_fds=True, stdin=subprocess.DEVNULL, check=False,
        preexec_fn=lambda: os.close(0), capture_output=True,
    )  # fmt: skip
    assert b"Traceback" not in code.stderr
