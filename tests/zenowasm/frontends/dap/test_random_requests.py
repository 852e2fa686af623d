"""Random requests, most of them malformed: each is answered as the schema says, and the session goes on."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from support.dap import Refused
from support.debugged import RECORDS, c_at

from zenowasm.frontends.dap.adapter import REQUESTS

ENDING = {"launch", "disconnect", "terminate", "restart", "continue"}
TEXTS = (
    "p", "p.x", "list", "*list", "nodes[1]", "$0", "$stack[0]", "$globals[0]", "0x0", "0x4000000000000346", "area",
    "-1",
    "", "(", "list->next->next", "break area", "delete 1", "\ud800", "x" * 2000, "repl", "instruction", "trap", "AAAA",
    "0 p", "9 w", "*0x253", "host:env.f", "slot:x",
)  # fmt: skip
NUMBERS = (0, 1, 2, 3, 5, 10, -1, 1 << 20, 1 << 31, 1 << 60)
NAMES = (
    "frameId", "variablesReference", "expression", "name", "value", "memoryReference", "count", "offset", "text",
    "column", "instructionOffset", "instructionCount", "source", "breakpoints", "filters", "granularity",
    "context", "start", "data", "dataId", "asAddress", "bytes", "levels", "startFrame", "sourceReference",
    "allowPartial", "line", "condition", "hitCondition", "logMessage", "instructionReference",
)  # fmt: skip


def fitting(rnd: random.Random, name: str) -> Any:
    """A value that often fits an argument."""
    if name == "source":
        return rnd.choice(({"path": str(RECORDS)}, {"sourceReference": rnd.randrange(4)}))
    if name == "breakpoints":
        keys = ("name", "line", "dataId", "instructionReference", "condition", "logMessage")
        return [{key: fitting(rnd, key) for key in keys} for _ in range(rnd.randrange(3))]
    if name == "filters":
        return rnd.sample(("trap", "throw"), rnd.randrange(3))
    texts = ("expression", "name", "value", "memoryReference", "text", "data", "dataId", "instructionReference")
    if name in texts or name in ("condition", "logMessage", "granularity", "context"):
        return rnd.choice(TEXTS)
    return rnd.choice((True, False)) if name in ("asAddress", "allowPartial") else rnd.randrange(-2, 60)


def anything(rnd: random.Random, depth: int = 0) -> Any:
    kind = rnd.randrange(8 if depth < 3 else 5)
    if kind < 2:
        return rnd.choice(NUMBERS)
    if kind < 4:
        return rnd.choice(TEXTS)
    if kind == 4:
        return rnd.choice((True, None, 1.5))
    if kind == 5:
        return [anything(rnd, depth + 1) for _ in range(rnd.randrange(3))]
    return {rnd.choice(NAMES): anything(rnd, depth + 1) for _ in range(rnd.randrange(4))}


@pytest.mark.parametrize("seed", range(2))
def test_random_requests(client, seed: int) -> None:
    rnd = random.Random(seed)
    client.start({"program": str(c_at("-O0")), "export": "run", "args": [3]}, functions=["area"])
    client.where()
    commands = sorted(set(REQUESTS) - ENDING)
    kinds: tuple[Callable[[], Any], ...] = (
        lambda: {"threadId": 1, **{name: fitting(rnd, name) for name in NAMES if rnd.random() < 0.9}},
        lambda: {"threadId": 1, **{name: anything(rnd) for name in NAMES}},
        lambda: anything(rnd),
    )
    answered = 0
    for _ in range(200):
        sequence = client.send_unchecked(rnd.choice(commands), rnd.choice(kinds)())
        try:
            client.response(sequence)
            answered += 1
        except Refused:
            pass
    assert answered > 20
    assert client("threads")["threads"]
