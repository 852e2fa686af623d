"""A client of the gdb remote protocol, and a server for it in the same process."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress

from zenowasm.frontends.gdb.server import Server
from zenowasm.frontends.gdb.target import Run, Target
from zenowasm.frontends.gdb.wire import Wire

_SECONDS = 60.0
GUEST = """
(module
  (memory (export "memory") 1)
  (data (i32.const 16) "Hello")
  (global $count (mut i64) (i64.const -2))
  (func $add (export "add")
    (param $a i32) (param $b f32) (param $c f64) (param $d v128) (param $e externref) (result i32) (local $sum i32)
    (i32.add (i32.const 1) (local.tee $sum (i32.add (local.get $a) (i32.const 2)))))
  (func $outer (export "outer") (param $x i32) (result i32)
    (i32.store (i32.const 32) (local.get $x))
    (call $add (local.get $x) (f32.const 1.5) (f64.const -2.5) (v128.const i64x2 1 2) (ref.null extern)))
  (func $divide (export "divide") (param $a i32) (result i32) (i32.div_u (i32.const 1) (local.get $a)))
  (func $load (export "load") (param $a i32) (result i32) (i32.load (local.get $a)))
  (func $fail (export "fail") unreachable)
  (func $spin (export "spin") (loop $again (br $again))))
"""
CODE = 0x4000_0001_0000_0000
"""The address of the first byte of the first module."""


def framed(contents: str) -> bytes:
    """Return a packet as bytes."""
    data = contents.encode("latin-1")
    return b"$%b#%02x" % (data, sum(data) % 256)


class GdbClient:
    """A client on a socket; it acknowledges packets until it says that it does no more."""

    def __init__(self, connection: socket.socket) -> None:
        connection.settimeout(_SECONDS)
        self._socket = connection
        self._reader = connection.makefile("rb")
        self.acknowledges = True

    def send(self, data: bytes) -> None:
        """Send bytes."""
        self._socket.sendall(data)

    def byte(self) -> bytes:
        """Return the next byte."""
        return self._reader.read(1)

    def packet(self) -> str:
        """Return the next packet, and check its checksum."""
        while (byte := self.byte()) == b"+":
            pass
        assert byte == b"$", byte
        data = b""
        while not data.endswith(b"#"):
            data += self.byte()
        assert int(self._reader.read(2), 16) == sum(data[:-1]) % 256
        if self.acknowledges:
            self.send(b"+")
        return data[:-1].decode("latin-1")

    def __call__(self, contents: str) -> str:
        """Send a packet and return the answer."""
        self.send(framed(contents))
        return self.packet()

    def error(self, contents: str) -> str:
        """Send a packet and return the text of the error that it causes."""
        answer = self(contents)
        assert answer.startswith("E01;"), answer
        return bytes.fromhex(answer[4:]).decode()

    def start(self) -> str:
        """Begin as LLDB does, and return the description of the stop."""
        assert self("QStartNoAckMode") == "OK"
        self.acknowledges = False
        assert self("QEnableErrorStrings") == "OK"
        return self("?")

    def pc(self) -> int:
        """Return the address of the next instruction."""
        return int.from_bytes(bytes.fromhex(self("p0")), "little")

    def is_closed(self) -> bool:
        """Wait for what comes next, and return whether it is the end of the connection."""
        return self.byte() == b""

    def close(self) -> None:
        """Close the connection."""
        self._reader.close()
        self._socket.close()


class Served:
    """A target, and clients that come one after the other."""

    def __init__(self, run: Run) -> None:
        self.target = Target(run)
        self.target.guest.start()
        assert self.target.ready.wait(_SECONDS)
        self._threads: list[threading.Thread] = []
        self._clients: list[GdbClient] = []

    def client(self) -> GdbClient:
        """Connect a client."""
        ours, theirs = socket.socketpair()
        thread = threading.Thread(target=self._serve, args=(theirs,))
        thread.start()
        self._threads.append(thread)
        self._clients.append(GdbClient(ours))
        return self._clients[-1]

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as reader:
            Server(Wire(reader, connection.sendall), self.target).serve()

    def gone(self) -> None:
        """Wait until the server has noticed that all clients are gone."""
        for thread in self._threads:
            thread.join(_SECONDS)
            assert not thread.is_alive()

    def close(self) -> None:
        """Close the connections, and end the guest."""
        for client in self._clients:
            with suppress(OSError):
                client.close()
        self.gone()
        self.target.quit()
