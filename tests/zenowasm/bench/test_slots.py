import threading
from contextlib import ExitStack

import pytest

from zenowasm.bench.errors import DisagreementError
from zenowasm.bench.hosts.table import HOSTS
from zenowasm.bench.slots import compare, growth, load, open_hosts

INSTALLED = [it for it in HOSTS if it.version() is not None]


def test_all_hosts_greet_alike():
    with ExitStack() as stack:
        opened = open_hosts(INSTALLED, stack)
        assert {"reference", "wasmtime", "extism", "extism-bare"} == set(opened)
        for maker in opened.values():
            assert maker()("Ada") == "Hello, Ada!"
            assert maker()("n" * 8_192) == f"Hello, {'n' * 8_192}!"


def test_a_host_that_answers_otherwise_ends_the_run():
    class Wrong:
        label = "wrong"

        def open(self, stack):
            return lambda: lambda name: "Hi"

    with pytest.raises(DisagreementError, match="greet: the engines disagree: wrong answered Hi"):
        open_hosts([Wrong()], ExitStack())


def test_every_thread_calls_its_own():
    callers = [set(), set()]

    def greeter(mine):
        return lambda name: mine.add(threading.get_ident()) or "Hello, World!"

    found = load([greeter(it) for it in callers], 0.02)
    assert [len(it) for it in callers] == [1, 1]
    assert callers[0] != callers[1]
    assert list(found.seconds) == sorted(found.seconds)
    assert found.rate > 0


def test_comparison_and_latencies():
    makers = {"ours": lambda: lambda name: "", "extism": lambda: lambda name: ""}
    compared, latencies = compare(makers, 2, rounds=3, seconds=0.005, cores=1)
    assert (compared.name, compared.unit, compared.bases) == ("slot-2", "calls/s", ("extism",))
    assert [it.label for it in compared.measurements] == ["ours", "extism"]
    assert all(len(it.seconds) == 3 for it in compared.measurements)
    for it in latencies:
        assert it.threads == 2
        assert len(it.quantiles) == 101
        assert it.quantiles[0] <= min(it.p50) <= max(it.p99) <= it.quantiles[100]


def test_growth_is_in_letters():
    (curve,) = growth({"ours": lambda: lambda name: "x" * len(name)}, 1, calls=3)
    assert (curve.counted, curve.sizes) == ("letters", (16.0, 128.0, 1024.0, 8192.0))
