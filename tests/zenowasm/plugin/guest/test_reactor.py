"""A reactor from a C compiler with its libc, through WASI, on every engine."""

from __future__ import annotations

import pytest

from zenowasm.plugin.configuration.limits import PluginLimits
from zenowasm.plugin.errors import GuestExitError, GuestTrapError

MANIFEST = "name: wasi_reactor\nversion: 1.0.0\nbinary: wasi_reactor.wasm\n"


@pytest.fixture
def load(bench, root):
    def loader(**limits):
        folder = bench.folder / "wasi_reactor"
        folder.mkdir()
        (folder / "manifest.yaml").write_text(MANIFEST)
        source = root / "tests/plugins/wasi_reactor/wasi_reactor.wasm"
        (folder / "wasi_reactor.wasm").write_bytes(source.read_bytes())
        manager = bench.host(
            limits=PluginLimits(**limits),
            environment={"HOME": "/secret"},
            realtime=lambda: 1_234_567_890_000_000_000,
            random=lambda length: b"\x2a" * length,
        )
        manager.load(folder)
        return manager

    return loader


def test_libc_works(load, bench):
    manager = load()
    assert bench.lines == [("info", "constructed")]
    assert manager.call("reactor.run").data == {
        "constructed": True, "seconds": 1_234_567_890, "random": 42, "file": False, "home": False,
    }  # fmt: skip
    # libc itself holds back what has no newline until its next write.
    assert bench.lines[1:] == [("info", "hello from libc, 42"), ("warn", "to stderr")]
    manager.close()
    assert bench.lines[3:] == [("info", "no newlinecleaned up")]


def test_exit_and_abort_are_errors_and_the_next_call_has_a_fresh_instance(load, bench):
    manager = load()
    with pytest.raises(GuestExitError, match="the guest exited with code 7") as caught:
        manager.call("reactor.exit")
    assert caught.value.code == 7
    with pytest.raises(GuestTrapError, match="unreachable"):
        manager.call("reactor.abort")
    assert ("warn", "about to abort") in bench.lines
    assert manager.call("reactor.run").success
    assert bench.lines.count(("info", "constructed")) == 3
    manager.close()
    assert bench.lines[-1] == ("info", "no newlinecleaned up")
