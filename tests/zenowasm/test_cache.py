"""The cache's folder: what was put is there, and nothing that anybody else can do to it is believed or hurts."""

from __future__ import annotations

import errno
import logging
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import platformdirs
import pytest

from zenowasm import cache as cache_module
from zenowasm.cache import Bounds, Cache, Contents, cache_enabled, cache_folder

DATA = b"what took long to make" * 100
BOUNDS = Bounds(1 << 20, 1 << 16, 100)
ENTRY_BYTES = len(DATA) + 64


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "a" / "b", BOUNDS)


@pytest.fixture
def entry(cache: Cache) -> Path:
    """The file of the only entry, whose identity is "it"."""
    cache.put("it", DATA)
    (file,) = cache.folder.glob("*.entry")
    return file


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [it.getMessage() for it in caplog.records if it.name == "zenowasm.cache" and it.levelno == logging.WARNING]


def test_what_was_put_is_there_for_this_user_alone(cache: Cache, entry: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert cache.get("it") == DATA
    assert cache.get("other") is None
    assert Cache(cache.folder, BOUNDS).get("it") == DATA
    assert entry.stat().st_mode & 0o777 == 0o600
    assert [it.stat().st_mode & 0o777 for it in (cache.folder, cache.folder.parent)] == [0o700, 0o700]
    assert cache.contents() == Contents(1, ENTRY_BYTES)
    cache.forget("it")
    cache.forget("it")
    assert cache.get("it") is None
    assert not warnings(caplog)


def test_before_anything_is_put_nothing_is_made(cache: Cache, caplog: pytest.LogCaptureFixture) -> None:
    assert (cache.get("it"), cache.contents(), cache.clear()) == (None, Contents(), Contents())
    cache.forget("it")
    assert not cache.folder.parent.exists()
    assert not warnings(caplog)


def change(written: bytes, at: int) -> bytes:
    return written[:at] + bytes([written[at] ^ 1]) + written[at + 1 :]


DAMAGES: dict[str, Any] = {
    "empty": lambda written: b"",
    "cut in the digest": lambda written: written[:40],
    "without content": lambda written: written[:64],
    "cut by a byte": lambda written: written[:-1],
    "longer by a byte": lambda written: written + b"\0",
    "another digest": lambda written: change(written, 0),
    "another first byte": lambda written: change(written, 64),
    "another last byte": lambda written: change(written, len(written) - 1),
    "digest without key": lambda written: cache_module._digest(b"", "it", DATA) + DATA,
    "digest under another key": lambda written: cache_module._digest(b"0" * 64, "it", DATA) + DATA,
    "too large": lambda written: written + b" " * (BOUNDS.entry_bytes + 1),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_entry_costs_one_warning_and_is_replaced(
    cache: Cache, entry: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    entry.write_bytes(DAMAGES[damage](entry.read_bytes()))
    assert (cache.get("it"), cache.get("it")) == (None, None)
    assert len(warnings(caplog)) == 1
    cache.put("it", DATA)
    assert cache.get("it") == DATA


def test_an_entry_under_the_name_of_another_is_not_believed(cache: Cache, entry: Path) -> None:
    cache.put("other", b"other")
    (other,) = set(cache.folder.glob("*.entry")) - {entry}
    entry.write_bytes(other.read_bytes())
    assert cache.get("it") is None


def test_identity_and_content_are_told_apart(cache: Cache) -> None:
    assert cache_module._digest(b"k", "ab", b"c") != cache_module._digest(b"k", "a", b"bc")


def as_link(entry: Path) -> None:
    entry.rename(entry.with_name("elsewhere"))
    entry.symlink_to(entry.with_name("elsewhere"))


def as_pipe(entry: Path) -> None:
    entry.unlink()
    os.mkfifo(entry)


def as_folder(entry: Path) -> None:
    entry.unlink()
    entry.mkdir()


@pytest.mark.parametrize(
    "make",
    [as_link, as_pipe, as_folder, lambda entry: entry.chmod(0o620), lambda entry: entry.chmod(0o602)],
    ids=["link", "pipe", "folder", "group may write", "others may write"],
)
def test_what_is_no_private_file_is_not_read(
    cache: Cache, entry: Path, make: Any, caplog: pytest.LogCaptureFixture
) -> None:
    make(entry)
    assert (cache.get("it"), cache.get("it")) == (None, None)
    assert len(warnings(caplog)) == 1


def a_link_to(folder: Path) -> Path:
    link = folder.parent / "link"
    link.symlink_to(folder)
    return link


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o1777])
def test_a_folder_that_others_can_write_to_is_not_used(
    cache: Cache, entry: Path, mode: int, caplog: pytest.LogCaptureFixture
) -> None:
    cache.folder.chmod(mode)
    assert cache.get("it") is None
    cache.put("other", DATA)
    assert len(list(cache.folder.glob("*.entry"))) == 1
    assert len(warnings(caplog)) == 1
    cache.folder.chmod(0o700)
    assert cache.get("it") == DATA


def test_a_link_to_a_folder_is_not_used(cache: Cache, entry: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert Cache(a_link_to(cache.folder), BOUNDS).get("it") is None
    assert len(warnings(caplog)) == 1


def test_a_folder_whose_parent_others_can_write_to_is_not_used(cache: Cache, entry: Path) -> None:
    linked = Cache(a_link_to(cache.folder.parent) / "b", BOUNDS)
    assert linked.get("it") == DATA
    for mode, found in ((0o777, None), (0o1777, DATA), (0o770, None), (0o755, DATA)):
        cache.folder.parent.chmod(mode)
        assert (cache.get("it"), linked.get("it")) == (found, found), oct(mode)


@pytest.mark.parametrize("of", ["entry", "key", "folder", "parent", "link"])
def test_what_belongs_to_another_user_is_not_used(
    cache: Cache, entry: Path, of: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    places = {
        "entry": entry,
        "key": cache.folder / "key",
        "folder": cache.folder,
        "parent": cache.folder.parent,
        "link": a_link_to(cache.folder.parent),
    }
    theirs = places[of].lstat().st_ino

    def foreign(found: os.stat_result) -> os.stat_result:
        values = list(found)
        values[4] = os.getuid() + 1 if found.st_ino == theirs else found.st_uid
        return os.stat_result(values)

    fstat, lstat = os.fstat, os.lstat
    monkeypatch.setattr(os, "fstat", lambda descriptor: foreign(fstat(descriptor)))
    monkeypatch.setattr(os, "lstat", lambda path, **options: foreign(lstat(path, **options)))
    assert Cache(places["link"] / "b", BOUNDS).get("it") is None
    assert len(warnings(caplog)) == 1
    assert "belongs to another user" in warnings(caplog)[0]


def test_links_in_a_circle(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "x").symlink_to(tmp_path / "y")
    (tmp_path / "y").symlink_to(tmp_path / "x")
    cache = Cache(tmp_path / "x" / "z", BOUNDS)
    cache.put("it", DATA)
    assert cache.get("it") is None
    assert warnings(caplog)


def test_without_its_key_nothing_is_believed(cache: Cache, entry: Path) -> None:
    (cache.folder / "key").unlink()
    assert cache.get("it") is None
    cache.put("it", DATA)
    assert cache.get("it") == DATA


@pytest.mark.parametrize("content", [b"", b"0" * 63, b"0" * 65])
def test_a_damaged_key_is_not_used_until_the_cache_is_cleared(
    cache: Cache, entry: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    (cache.folder / "key").write_bytes(content)
    assert cache.get("it") is None
    cache.put("it", DATA)
    assert cache.get("it") is None
    assert len(warnings(caplog)) == 1
    cache.clear()
    cache.put("it", DATA)
    assert cache.get("it") == DATA


@pytest.mark.parametrize("call", ["writelines", "replace", "link"])
def test_a_full_disk_costs_one_warning_and_leaves_nothing_half(
    cache: Cache, call: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*arguments: Any, **options: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    if call == "writelines":
        fdopen = os.fdopen

        def opened(descriptor: int, mode: str) -> Any:
            if mode == "wb":
                full = os.open("/dev/full", os.O_WRONLY)
                os.dup2(full, descriptor)
                os.close(full)
            return fdopen(descriptor, mode)

        monkeypatch.setattr(os, "fdopen", opened)
    else:
        monkeypatch.setattr(os, call, fail)
    cache.put("it", DATA)
    cache.put("it", DATA)
    assert cache.get("it") is None
    assert [it for it in os.listdir(cache.folder) if it != "key"] == []
    assert len(warnings(caplog)) == 1
    assert "No space left on device" in warnings(caplog)[0]


def test_a_folder_that_cannot_be_made_is_no_error(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("")
    cache = Cache(tmp_path / "file" / "slots", BOUNDS)
    cache.put("it", DATA)
    assert cache.get("it") is None
    assert warnings(caplog)


def test_parents_that_it_makes_are_private_whatever_the_umask_says(cache: Cache) -> None:
    before = os.umask(0)
    try:
        cache.put("it", DATA)
    finally:
        os.umask(before)
    assert cache.get("it") == DATA


def test_the_least_recently_used_go_when_there_are_too_many_bytes(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "c", Bounds(3 * ENTRY_BYTES, ENTRY_BYTES, 100))
    for number in range(3):
        cache.put(str(number), DATA)
        for file in cache.folder.glob("*.entry"):
            os.utime(file, (file.stat().st_mtime - 100,) * 2)
    assert cache.get("0") == DATA  # and was used now
    cache.put("3", DATA)
    assert [number for number in range(4) if cache.get(str(number))] == [0, 2, 3]
    assert cache.contents() == Contents(3, 3 * ENTRY_BYTES)


def test_there_are_no_more_entries_than_the_bound(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "c", Bounds(1 << 20, 1 << 16, 3))
    for number in range(5):
        cache.put(str(number), DATA)
    assert cache.contents().entries == 3


def test_an_entry_above_the_bounds_is_not_written(cache: Cache, caplog: pytest.LogCaptureFixture) -> None:
    cache.put("it", b" " * (BOUNDS.entry_bytes + 1))
    assert not cache.folder.exists()
    assert len(warnings(caplog)) == 1


def test_what_a_dead_process_left_goes_and_foreign_files_stay(cache: Cache, entry: Path) -> None:
    old, new, foreign = (cache.folder / name for name in (f"unfinished-{0:016x}", f"unfinished-{1:016x}", "notes.txt"))
    for file in (old, new, foreign):
        file.write_bytes(b"x")
    for file in (old, foreign):
        os.utime(file, (0, 0))
    cache.put("other", DATA)
    assert (old.exists(), new.exists(), foreign.exists()) == (False, True, True)
    assert cache.clear() == Contents(2, 2 * ENTRY_BYTES)
    assert {it.name for it in cache.folder.iterdir()} == {new.name, foreign.name}
    assert cache.get("it") is None


def test_threads_that_write_the_same_entry_leave_a_whole_one(cache: Cache, caplog: pytest.LogCaptureFixture) -> None:
    start = threading.Barrier(8)
    seen = []

    def work() -> None:
        start.wait(20)
        for _ in range(20):
            cache.put("it", DATA)
            seen.append(cache.get("it"))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert seen == [DATA] * 160
    assert cache.contents().entries == 1
    assert not warnings(caplog)


RACE = """
import sys
from pathlib import Path
from zenowasm.cache import Bounds, Cache
cache = Cache(Path(sys.argv[1]), Bounds(5_000, 2_000, 100))
print("ready", flush=True)
sys.stdin.readline()
for number in range(200):
    name = str(number % 7)
    cache.put(name, name.encode() * 1_000)
    found = cache.get(str(number % 5))
    assert found in (None, str(number % 5).encode() * 1_000), found
"""


def test_processes_that_race_for_a_small_cache_never_see_half_an_entry(tmp_path: Path) -> None:
    folder = tmp_path / "c"
    command = [sys.executable, "-c", RACE, str(folder)]
    racers = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    for racer in racers:
        assert racer.stdout is not None and racer.stdout.readline() == "ready\n"
    ended = []
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("\n")
        racer.stdin.flush()
    for racer in racers:
        _, err = racer.communicate(timeout=60)
        ended.append((racer.returncode, err))
    assert ended == [(0, "")] * 3
    left = Cache(folder, Bounds(5_000, 2_000, 100)).contents()
    assert 0 < left.bytes <= 5_000


def test_where_the_cache_is_and_whether(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cache_folder({"ZENO_CACHE_DIR": str(tmp_path)}) == tmp_path
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder({}) == tmp_path / "xdg" / "zenowasm"
    assert cache_folder({"ZENO_CACHE_DIR": ""}) == tmp_path / "xdg" / "zenowasm"


@pytest.mark.parametrize("base", [None, "", "relative", "~/caches", "/absolute", "/absolute/"])
def test_the_folder_is_the_one_of_platformdirs(base: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/of-a-user")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    if base is not None:
        monkeypatch.setenv("XDG_CACHE_HOME", base)
    assert cache_folder({}) == platformdirs.user_cache_path("zenowasm", appauthor=False)
    said = {value: cache_enabled({"ZENO_CACHE_ENABLED": value}) for value in ("true", "1", "false", "0", "no", "")}
    assert said == {"true": True, "1": True, "false": False, "0": False, "no": False, "": True}
    assert not cache_enabled({}, False)
