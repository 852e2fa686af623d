"""The memory of an instance goes back when it retires, without Python's garbage collector."""

from __future__ import annotations

import gc
import weakref

import pytest

from zenowasm.plugin.errors import GuestTrapError
from zenowasm.plugin.guest import instance as instances


@pytest.fixture
def made(monkeypatch):
    """Weak references to every instance that is made, and to its store, while nothing is collected."""
    found = []
    plain = instances.PluginInstance.__init__

    def note(self, code):
        plain(self, code)
        found.append((weakref.ref(self), weakref.ref(self._store), weakref.ref(self._guest.memory)))

    monkeypatch.setattr(instances.PluginInstance, "__init__", note)
    gc.collect()
    gc.disable()
    yield found
    gc.enable()


def alive(made):
    return [sum(reference() is not None for reference in references) for references in zip(*made, strict=True)]


def test_after_reloads(bench, guest, made):
    manager = bench.load(guest(pages="256"))
    for number in range(10):
        bench.write(guest(pages="256", response=f'{{"success":true,"data":{{"answer":{number}}}}}'))
        manager.reload("guest")
        assert manager.call("guest.run", {}).data == {"answer": number}
    assert len(made) == 11
    assert alive(made) == [1, 1, 1]


def test_after_traps(bench, guest, made):
    manager = bench.load(guest(execute="unreachable"))
    for _ in range(10):
        with pytest.raises(GuestTrapError):
            manager.call("guest.run", {})
    assert len(made) == 10
    assert alive(made) == [0, 0, 0]
