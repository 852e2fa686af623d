"""The cache of slots: what is remembered, for whom, and that nothing in its folder can hurt."""

from __future__ import annotations

import attrs
import pytest

from zenowasm.backends import registry
from zenowasm.plugin.guest.abi import InputDefinition, Metadata, SlotDefinition
from zenowasm.plugin.lifecycle import slot_cache
from zenowasm.plugin.lifecycle.loaded_plugin import Declaration
from zenowasm.plugin.lifecycle.slot_cache import SlotCache

SHA = "ab" * 32
DECLARATION = Declaration(
    Metadata("guest", "1.0", "me", "ä", config={"k": "v"}),
    (
        SlotDefinition(
            "g.run", "runs", "g.run", {"x": InputDefinition("int", True), "y": InputDefinition(default=[1])}
        ),
        SlotDefinition("g.stop", outputs={"z": {"deep": [1.5, None]}}),
    ),
)
DECLARED = Declaration(
    DECLARATION.metadata,
    (
        SlotDefinition(
            "g.run",
            "runs",
            "g.run",
            {"x": InputDefinition("int", True), "y": InputDefinition(default=[1], has_default=True)},
        ),
        DECLARATION.slots[1],
    ),
)


@pytest.fixture
def engine():
    return registry.engine("reference")


@pytest.fixture
def cache(tmp_path):
    return SlotCache.of({"ZENO_CACHE_DIR": str(tmp_path / "a")}, 1_000)


def entries(tmp_path):
    return sorted((tmp_path / "a" / "slots").glob("*.entry"))


def test_what_was_put_is_there(cache, engine, tmp_path):
    assert cache.get(SHA, engine) is None
    cache.put(SHA, engine, DECLARATION)
    assert cache.get(SHA, engine) == DECLARED
    (file,) = entries(tmp_path)
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    cache.forget(SHA, engine)
    cache.forget(SHA, engine)
    assert cache.get(SHA, engine) is None


def test_another_binary_engine_or_version_is_not_known(cache, engine, monkeypatch):
    cache.put(SHA, engine, DECLARATION)
    assert cache.get("cd" * 32, engine) is None
    assert cache.get(SHA, registry.engine("wasmtime")) is None
    monkeypatch.setattr(slot_cache, "__version__", "99")
    assert cache.get(SHA, engine) is None


@pytest.mark.parametrize(
    "content",
    [
        b"", b"\0", b"[]", b"{", b"{}", b"null", b'"x"', b"\xff\xfe", b"[" * 100_000, b"\n", b"\n{}",
        b'{"metadata":{"name":"guest","version":"1"},"slots":[]}',
        b"00" * 32 + b'\n{"metadata":{"name":"guest","version":"1"},"slots":[]}',
        b" " * (slot_cache.MAX_BYTES + 100),
    ],
)  # fmt: skip
def test_a_damaged_or_foreign_entry_counts_as_none_and_is_replaced(cache, engine, tmp_path, content):
    cache.put(SHA, engine, DECLARATION)
    (file,) = entries(tmp_path)
    file.write_bytes(content)
    assert cache.get(SHA, engine) is None
    cache.put(SHA, engine, DECLARATION)
    assert cache.get(SHA, engine) == DECLARED


def test_an_entry_with_other_slots_is_not_believed(cache, engine, tmp_path):
    cache.put(SHA, engine, DECLARATION)
    (file,) = entries(tmp_path)
    written = file.read_bytes()
    assert cache.get(SHA, engine) == DECLARED
    for forged in (written.replace(b"g.stop", b"g.halt"), written[: written.index(b'"slots"')] + b'"slots":[]}'):
        assert forged != written
        file.write_bytes(forged)
        assert cache.get(SHA, engine) is None


def test_more_slots_than_the_limit_are_not_taken_from_it(cache, engine, tmp_path):
    cache.put(SHA, engine, DECLARATION)
    assert attrs.evolve(cache, slots=1).get(SHA, engine) is None


def test_what_is_too_long_is_not_remembered(cache, engine, tmp_path):
    long = Declaration(Metadata(description="x" * slot_cache.MAX_BYTES), ())
    cache.put(SHA, engine, long)
    assert cache.get(SHA, engine) is None
    assert not (tmp_path / "a").exists()


def test_what_another_process_wrote_is_checked_like_an_answer_of_the_plugin(cache, engine):
    cache.put(SHA, engine, DECLARATION)
    identity = slot_cache._identity(SHA, engine)
    cache.entries.put(identity, b'{"metadata":{"name":"guest","version":"1"},"slots":[{"name":5}]}')
    assert cache.get(SHA, engine) is None
    assert cache.entries.get(identity) is None


def test_it_can_be_turned_off(tmp_path):
    variables = {"ZENO_CACHE_DIR": str(tmp_path)}
    assert SlotCache.of(variables, 1, enabled=False) is None
    assert SlotCache.of(variables | {"ZENO_CACHE_ENABLED": "false"}, 1) is None
    assert SlotCache.of(variables | {"ZENO_CACHE_ENABLED": "1"}, 1, enabled=False) is not None
