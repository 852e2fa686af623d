#!/usr/bin/env python3
"""Counts words for scripts: a plugin that is a process, in Python without any library.

Each line of stdin is a call of the host's, each line of stdout an answer or a question to the host; stderr is the log.
"""

import json
import re
import sys
from collections import Counter
from itertools import count

WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
TOP = {"type": "int", "default": 3, "description": "how many of the most frequent words to list"}
SLOTS = [
    {
        "name": "wordcount.count",
        "description": "Counts the words of a text",
        "inputs": {"text": {"type": "string", "required": True}, "top": TOP},
    },
    {
        "name": "wordcount.file",
        "description": "Counts the words of a file below texts/",
        "inputs": {"path": {"type": "string", "required": True}, "top": TOP},
    },
]
numbers = count(1)


class RefusedError(Exception):
    """The host does not do what it was asked for."""


def main():
    """Answer calls until the host closes stdin."""
    for line in sys.stdin:
        call = json.loads(line)
        answer = {"type": "guest_response", "id": call["id"]}
        try:
            send({**answer, "success": True, "data": data(call["slot_name"], call.get("parameters") or {})})
        except RefusedError as error:
            send({**answer, "success": False, "error": str(error)})


def data(slot, parameters):
    """Return what a call of a slot, or one of the two that load the plugin, is answered with."""
    match slot:
        case "plugin_init":
            return {"name": "wordcount", "version": "1.0.0"}
        case "plugin_register_slots":
            return {"slots": SLOTS}
        case "wordcount.count":
            return counted(parameters["text"], parameters["top"])
        case "wordcount.file":
            return counted(ask_host("file_read", path=parameters["path"]), parameters["top"])
    raise RefusedError(f"there is no slot {slot}")


def counted(text, top):
    """Return how many words there are, and the most frequent ones; of equals the one that comes first in the text."""
    words = Counter(word.casefold() for word in WORD.findall(text))
    most = [{"word": word, "count": times} for word, times in words.most_common(max(top, 0))]
    return {"words": words.total(), "different": len(words), "most": most}


def ask_host(function, **parameters):
    """Call a host function and return its data; raises ``RefusedError`` with the host's words."""
    send({"type": "host_call", "id": next(numbers), "function": function, "parameters": parameters})
    # The process takes one call at a time (sidecar.concurrency), so the next line is the answer.
    reply = json.loads(sys.stdin.readline())
    if not reply["success"]:
        raise RefusedError(reply["error"])
    return reply["data"]


def send(message):
    """Write one message as one line, in ASCII."""
    print(json.dumps(message), flush=True)


if __name__ == "__main__":
    main()
