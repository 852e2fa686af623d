"""A client of the debug adapter: dap-python writes its requests and reads the answers, and the schema judges both.

The schema is Microsoft's, as debugpy ships it.
"""

from __future__ import annotations

import json
import socket
import threading
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from dap import Client
from dap.handler import Handler
from jsonschema import Draft4Validator

from zenowasm.cli.dap import prepare
from zenowasm.frontends.dap.adapter import Adapter
from zenowasm.frontends.dap.wire import Wire

_SECONDS = 60.0
_SCHEMA = "_vendored/pydevd/_pydevd_bundle/_debug_adapter/debugProtocol.json"


class Refused(Exception):
    """The response was an error."""


@cache
def _definitions() -> dict[str, Any]:
    spec = find_spec("debugpy")
    assert spec is not None and spec.origin is not None
    return json.loads((Path(spec.origin).parent / _SCHEMA).read_text())["definitions"]


@cache
def _validator(definition: str) -> Draft4Validator:
    return Draft4Validator({"$ref": f"#/definitions/{definition}", "definitions": _definitions()})


def check_message(message: dict[str, Any]) -> None:
    """Check a message against the schema's definition for its command or event."""
    if message["type"] == "event":
        definition = f"{_first_upper(message['event'])}Event"
    elif message["type"] == "request":
        definition = f"{_first_upper(message['command'])}Request"
    else:
        definition = f"{_first_upper(message['command'])}Response" if message["success"] else "ErrorResponse"
    if definition in _definitions():  # a test may ask for what is not in the protocol
        _validator(definition).validate(message)
    _validator({"event": "Event", "request": "Request", "response": "Response"}[message["type"]]).validate(message)


def _first_upper(name: str) -> str:
    return name[:1].upper() + name[1:]


class _Handler(Handler):
    """Reads messages as dap-python does, but for where it differs from the schema: it wants contents in every response,
    texts as the numbers of breakpoints, and another name for the id of an exception.
    """

    def handle_event(self, event: Any) -> Any:
        if event.event == "stopped":
            event.body.pop("hitBreakpointIds", None)
        return super().handle_event(event)

    def handle_response(self, response: Any) -> Any:
        if response.success and not response.body:
            return self.client._pending_requests.pop(response.request_seq)
        if response.success and response.command == "exceptionInfo":
            response.body["exceptionID"] = response.body["exceptionId"]
        return super().handle_response(response)


class DapClient:
    """A client on a socket."""

    def __init__(self, connection: socket.socket) -> None:
        connection.settimeout(_SECONDS)
        self._socket = connection
        self._bytes = b""
        self._client = Client("zenowasm")
        self._client.handler = _Handler(self._client)
        self._client.send()  # it begins with a request of its own
        self._client._pending_requests.clear()
        self._client._seq = 1
        self.messages: list[dict[str, Any]] = []
        self._unread: list[dict[str, Any]] = []

    def send(self, command: str, /, **arguments: Any) -> int:
        """Send a request."""
        sequence = self._client.send_request(command, arguments)
        data = bytes(self._client.send())
        check_message(json.loads(data.partition(b"\r\n\r\n")[2]))
        self._socket.sendall(data)
        return sequence

    def send_bytes(self, data: bytes) -> None:
        """Send what is no request."""
        self._socket.sendall(data)

    def send_unchecked(self, command: str, arguments: Any) -> int:
        """Send a request that may not fit the schema."""
        sequence = self._client.send_request(command)
        self._client.send()
        body = json.dumps({"seq": sequence, "type": "request", "command": command, "arguments": arguments}).encode()
        self.send_bytes(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        return sequence

    def __call__(self, command: str, /, **arguments: Any) -> Any:
        """Send a request and return the body of the response; raises ``Refused``."""
        return self.response(self.send(command, **arguments))

    def response(self, sequence: int) -> Any:
        """Wait for the response to a request and return its body; raises ``Refused``."""
        response = self._take(lambda it: it["type"] == "response" and it["request_seq"] == sequence)
        if not response["success"]:
            assert response["body"]["error"]["variables"]["reason"]
            raise Refused(response["body"]["error"]["variables"]["reason"])
        return response["body"]

    def event(self, name: str) -> Any:
        """Wait for an event and return its body; those before it are skipped."""
        return self._take(lambda it: it.get("event") == name)["body"]

    def output(self, category: str = "stdout") -> str:
        """Return all output of a category so far."""
        outputs = [it["body"] for it in self.messages if it.get("event") == "output"]
        return "".join(it["output"] for it in outputs if it["category"] == category)

    def _take(self, wanted: Any) -> dict[str, Any]:
        while True:
            for at, message in enumerate(self._unread):
                if wanted(message):
                    del self._unread[at]
                    return message
            message = self._receive()
            assert message is not None, "the adapter has closed the connection"
            self._unread.append(message)

    def _receive(self) -> dict[str, Any] | None:
        while True:
            header, end, rest = self._bytes.partition(b"\r\n\r\n")
            length = int(header.partition(b":")[2] or 0)
            if end and len(rest) >= length:
                frame, self._bytes = header + end + rest[:length], rest[length:]
                list(self._client.receive(frame))
                message = json.loads(rest[:length])
                check_message(message)
                self.messages.append(message)
                return message
            data = self._socket.recv(1 << 16)
            if not data:
                return None
            self._bytes += data

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def rest(self) -> list[dict[str, Any]]:
        """Return all messages until the adapter closes the connection."""
        while self._receive() is not None:
            pass
        return self.messages

    # -- what every session does --

    def start(self, launch: dict[str, Any], **breakpoints: Any) -> Any:
        """Initialise, launch and set breakpoints: ``functions`` by name, ``lines`` as pairs of a path and numbers."""
        capabilities = self("initialize", adapterID="zenowasm", linesStartAt1=True, columnsStartAt1=True)
        self("launch", **launch)
        self.event("initialized")
        if "functions" in breakpoints:
            self("setFunctionBreakpoints", breakpoints=[{"name": it} for it in breakpoints["functions"]])
        if "lines" in breakpoints:
            path, lines = breakpoints["lines"]
            self("setBreakpoints", source={"path": str(path)}, breakpoints=[{"line": it} for it in lines])
        self("configurationDone")
        return capabilities

    def frames(self, **arguments: Any) -> list[Any]:
        """The frames of the stop."""
        return self("stackTrace", threadId=1, **arguments)["stackFrames"]

    def scope(self, name: str, frame: int = 0) -> int:
        """The reference of a scope by name, in the frame at a position."""
        scopes = self("scopes", frameId=self.frames()[frame]["id"])["scopes"]
        return next(it["variablesReference"] for it in scopes if it["name"] == name)

    def variables(self, reference: int, **arguments: Any) -> dict[str, Any]:
        """The variables of a reference by name."""
        found = self("variables", variablesReference=reference, **arguments)["variables"]
        return {it["name"]: it for it in found}

    def goes(self, command: str, **arguments: Any) -> str:
        """Go on, and return where the guest stops: the function and the line."""
        self(command, threadId=1, **arguments)
        return self.where()

    def where(self) -> str:
        """Wait for a stop, and return its reason, the function and the line."""
        reason = self.event("stopped")["reason"]
        top = self.frames(levels=1)[0]
        return f"{reason} {top['name']}:{top['line']}"


class Connected:
    """A client with its adapter, which runs in a thread."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        self.client = DapClient(ours)
        self._ours, self._theirs = ours, theirs
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        with self._theirs, self._theirs.makefile("rb") as reader:
            Adapter(Wire(reader, self._theirs.sendall), prepare).serve()

    def close(self) -> None:
        """Close the client's end, and wait for the adapter's."""
        self._ours.close()
        self._thread.join(_SECONDS)
        assert not self._thread.is_alive()
