"""The path of a warm slot call is short, and stays so: work is counted, and not seconds."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from types import FrameType

import pytest

from zenowasm import Host
from zenowasm.plugin import HostEnvironment

PACKAGE = "/zenowasm/"
MOST = {"wasmtime": 95, "reference": 85}
"""Python calls of one ``hello.greet`` outside the interpreter, log sink included; at first, there were 615."""


def counted(action: Callable[[], object]) -> Counter[str]:
    """Return how often each function of this package was called."""
    calls: Counter[str] = Counter()

    def see(frame: FrameType, event: str, argument: object) -> None:
        if event == "call":
            file = frame.f_code.co_filename
            where = "interp" if "/interp/" in file else "host"
            calls[f"{where}: {frame.f_code.co_qualname}"] += 1

    sys.setprofile(see)
    try:
        action()
    finally:
        sys.setprofile(None)
    return calls


@pytest.fixture
def warm(backend, root):
    with Host(
        root / "examples" / "plugins", backend=backend, environment=HostEnvironment({}), log=lambda it: None
    ) as it:
        for _ in range(3):
            it.call("hello.greet", name="World")
        yield it


def test_a_warm_call_makes_few_python_calls(warm, backend):
    calls = counted(lambda: warm.call("hello.greet", name="World"))
    outside = sum(count for name, count in calls.items() if name.startswith("host: "))
    assert outside <= MOST[backend], calls.most_common()


def test_the_budget_is_begun_once_and_nothing_is_described_that_nobody_asked_for(warm):
    calls = counted(lambda: warm.call("hello.greet", name="World"))
    names = Counter(name.partition(": ")[2].rpartition(".")[2] for name, count in calls.items() for _ in range(count))
    assert names["begin"] <= 3  # the plugin's version, the watch, the store
    assert calls["host: CallBudget.__init__"] == 1
    assert calls["host: DescribedCall.__init__"] == 0
    assert names["__enter__"] == 0


def test_a_call_enters_the_guest_three_times_and_for_each_reply(warm):
    """``alloc`` for the name and the request, ``plugin_execute``, and ``alloc`` for the reply of ``scope_get``."""
    calls = counted(lambda: warm.call("hello.greet", name="World"))
    entries = calls["host: guest_entry.<locals>.call"] or calls["host: ReferenceStore._invoke"]
    assert entries == 4


def test_addresses_and_lengths_are_checked_without_a_call_for_each(warm):
    calls = counted(lambda: warm.call("hello.greet", name="World"))
    assert calls["interp: check_value"] == 0
