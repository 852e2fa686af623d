"""The cache of slots: what is remembered, for whom, and that nothing in its folder can hurt."""

from __future__ import annotations

import os
import threading

import pytest

from zenowasm.backends import registry
from zenowasm.plugin.guest.abi import InputDefinition, Metadata, SlotDefinition
from zenowasm.plugin.lifecycle import slot_cache
from zenowasm.plugin.lifecycle.generation import Declaration
from zenowasm.plugin.lifecycle.slot_cache import SlotCache, cache_folder

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
    return SlotCache(tmp_path / "a" / "slots", 1_000)


def entries(tmp_path):
    return sorted((tmp_path / "a" / "slots").glob("*.json"))


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


def test_an_entry_of_another_binary_is_not_believed(cache, engine, tmp_path):
    cache.put(SHA, engine, DECLARATION)
    (first,) = entries(tmp_path)
    cache.put("cd" * 32, engine, Declaration(DECLARATION.metadata, ()))
    (second,) = set(entries(tmp_path)) - {first}
    first.write_bytes(second.read_bytes())
    assert cache.get(SHA, engine) is None


def test_without_its_key_nothing_is_believed(cache, engine, tmp_path):
    cache.put(SHA, engine, DECLARATION)
    (tmp_path / "a" / "slots" / "key").unlink()
    assert cache.get(SHA, engine) is None
    cache.put(SHA, engine, DECLARATION)
    assert cache.get(SHA, engine) == DECLARED


def test_an_entry_that_is_no_file_counts_as_none(cache, engine, tmp_path):
    cache.put(SHA, engine, DECLARATION)
    (file,) = entries(tmp_path)
    file.unlink()
    os.mkfifo(file)
    assert cache.get(SHA, engine) is None
    file.unlink()
    file.mkdir()
    assert cache.get(SHA, engine) is None
    cache.put(SHA, engine, DECLARATION)
    assert entries(tmp_path) == [file]


def test_more_slots_than_the_limit_are_not_taken_from_it(cache, engine, tmp_path):
    cache.put(SHA, engine, DECLARATION)
    assert SlotCache(tmp_path / "a" / "slots", 1).get(SHA, engine) is None


def test_a_folder_that_others_can_write_to_is_not_used(cache, engine, tmp_path):
    cache.put(SHA, engine, DECLARATION)
    folder = tmp_path / "a" / "slots"
    folder.chmod(0o777)
    assert cache.get(SHA, engine) is None
    cache.put("cd" * 32, engine, DECLARATION)
    assert len(entries(tmp_path)) == 1
    folder.chmod(0o700)
    assert cache.get(SHA, engine) == DECLARED
    link = tmp_path / "link"
    link.symlink_to(folder)
    assert SlotCache(link, 1_000).get(SHA, engine) is None


def test_a_folder_that_cannot_be_made_is_no_error(engine, tmp_path):
    (tmp_path / "file").write_text("")
    cache = SlotCache(tmp_path / "file" / "slots", 1_000)
    cache.put(SHA, engine, DECLARATION)
    assert cache.get(SHA, engine) is None


def test_the_oldest_entries_go(cache, engine, tmp_path, monkeypatch):
    monkeypatch.setattr(slot_cache, "MAX_ENTRIES", 3)
    for number in range(5):
        before = set(entries(tmp_path)) if number else set()
        cache.put(f"{number:064}", engine, DECLARATION)
        (new,) = set(entries(tmp_path)) - before
        os.utime(new, (number, number))
    kept = [number for number in range(5) if cache.get(f"{number:064}", engine)]
    assert kept == [2, 3, 4]


def test_what_is_too_long_is_not_remembered(cache, engine, tmp_path):
    long = Declaration(Metadata(description="x" * slot_cache.MAX_BYTES), ())
    cache.put(SHA, engine, long)
    assert cache.get(SHA, engine) is None
    assert not (tmp_path / "a").exists()


def test_threads_that_write_the_same_entry_leave_a_whole_one(cache, engine, tmp_path):
    start = threading.Barrier(8)
    seen = []

    def work():
        start.wait(20)
        for _ in range(20):
            cache.put(SHA, engine, DECLARATION)
            seen.append(cache.get(SHA, engine))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert seen == [DECLARED] * 160
    assert len(entries(tmp_path)) == 1


def test_where_the_cache_is(tmp_path, monkeypatch):
    assert cache_folder({"ZENO_CACHE_DIR": str(tmp_path)}) == tmp_path / "slots"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder({}) == tmp_path / "xdg" / "zenowasm" / "slots"
    assert cache_folder({"ZENO_CACHE_DIR": ""}) == tmp_path / "xdg" / "zenowasm" / "slots"
