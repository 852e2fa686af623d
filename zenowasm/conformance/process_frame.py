#!/usr/bin/env python3
"""The frame of guests that are processes: a complete program, parts of which a scenario replaces.

A scenario's text is inserted before the last two lines, so that its functions and values override these.
"""

import json
import sys
from itertools import count
from typing import Any

METADATA: Any = {"name": "guest", "version": "1.0.0"}
SLOTS: Any = [{"name": "guest.run"}]
numbers = count(1)


def send(**message: Any) -> None:
    """Write a message."""
    print(json.dumps(message), flush=True)


def say(text: str) -> None:
    """Write a line to the log."""
    print(text, file=sys.stderr, flush=True)


def answer(request: Any, data: Any = None, error: str | None = None) -> None:
    """Answer a call."""
    told = {} if error is None else {"error": error}
    send(type="guest_response", id=request["id"], success=error is None, data=data, **told)


def host(function: str, **parameters: Any) -> Any:
    """Call a host function and return the whole reply without its id."""
    send(type="host_call", id=next(numbers), function=function, parameters=parameters)
    reply = json.loads(sys.stdin.readline())
    del reply["id"]
    return reply


def init(request: Any) -> None:
    """Answer with the plugin's metadata."""
    answer(request, METADATA)


def register(request: Any) -> None:
    """Answer with the plugin's slots."""
    answer(request, {"slots": SLOTS})


def run(request: Any) -> None:
    """Answer a slot call."""
    answer(request, {"answer": 42})


def end() -> None:
    """Run when the host closes stdin."""


def main() -> None:
    """Answer calls until the host closes stdin."""
    for line in sys.stdin:
        request = json.loads(line)
        {"plugin_init": init, "plugin_register_slots": register}.get(request["slot_name"], run)(request)
    end()


if __name__ == "__main__":
    main()
