#!/usr/bin/env python3
"""The frame of guests that are processes: a program of its own, of which a scenario replaces what it names.

What a scenario says comes before the last two lines, so that its functions and values stand in the place of these.
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
    """Call a host function and return the whole of what comes back, without the number."""
    send(type="host_call", id=next(numbers), function=function, parameters=parameters)
    reply = json.loads(sys.stdin.readline())
    del reply["id"]
    return reply


def init(request: Any) -> None:
    """Say what the plugin is."""
    answer(request, METADATA)


def register(request: Any) -> None:
    """Say which slots it has."""
    answer(request, {"slots": SLOTS})


def run(request: Any) -> None:
    """Answer a slot."""
    answer(request, {"answer": 42})


def end() -> None:
    """Do what is to be done when the host closes stdin."""


def main() -> None:
    """Answer calls until there are no more."""
    for line in sys.stdin:
        request = json.loads(line)
        {"plugin_init": init, "plugin_register_slots": register}.get(request["slot_name"], run)(request)
    end()


if __name__ == "__main__":
    main()
