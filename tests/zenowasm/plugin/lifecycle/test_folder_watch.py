"""Plugins follow what happens in their folders."""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from zenowasm.plugin import Host, HostEnvironment, LogRecord
from zenowasm.plugin.configuration.settings import Settings
from zenowasm.plugin.lifecycle.folder_watch import WatchError


class Heard:
    """A log that can be waited for."""

    def __init__(self) -> None:
        self.records: list[LogRecord] = []
        self.changed = threading.Condition()

    def __call__(self, record: LogRecord) -> None:
        with self.changed:
            self.records.append(record)
            self.changed.notify_all()

    def wait_for(self, text: str) -> None:
        with self.changed:
            heard = self.changed.wait_for(lambda: any(text in record.message for record in self.records), 20)
        assert heard, (text, self.records)


@pytest.fixture
def log() -> Heard:
    return Heard()


@pytest.fixture
def watch(bench: Any, backend: str, log: Heard) -> Iterator[Callable[[], Host]]:
    hosts = []

    def start() -> Host:
        host = Host(
            bench.folder,
            backend=backend,
            lazy=False,
            reload_on_change=True,
            log=log,
            environment=HostEnvironment({}),
            config=Settings(),
        )
        hosts.append(host)
        return host

    yield start
    for host in hosts:
        host.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "zenowasm-watch"]


def answering(guest: Any, number: int) -> Any:
    return guest(response=f'{{"success":true,"data":{{"n":{number}}}}}')


def replace(path: Path, data: bytes) -> None:
    """Write a file in one step, as compilers and editors do."""
    fresh = path.with_suffix(".new")
    fresh.write_bytes(data)
    fresh.replace(path)


def test_a_changed_plugin_is_reloaded(bench, guest, watch, log):
    binary = bench.write(answering(guest, 1)) / "guest.wasm"
    host = watch()
    assert host.call("guest.run") == {"n": 1}
    replace(binary, answering(guest, 2).binary())
    log.wait_for("Followed a change of its folder: guest: reloaded: 1.0.0")
    assert host.call("guest.run") == {"n": 2}


def test_plugins_come_and_go(bench, guest, watch, log):
    folder = bench.write(answering(guest, 1))
    host = watch()
    bench.write(guest(slots='[{"name":"other.run"}]'), name="other")
    log.wait_for("Followed a change of its folder: other: added")
    assert set(host.plugins) == {"guest", "other"}
    folder.rename(bench.folder.parent / "gone")
    shutil.rmtree(bench.folder.parent / "gone")
    log.wait_for("Followed a change of its folder: guest: removed")
    assert set(host.plugins) == {"other"}


def test_half_a_file_changes_nothing_until_it_is_whole(bench, guest, watch, log):
    binary = bench.write(answering(guest, 1)) / "guest.wasm"
    host = watch()
    data = answering(guest, 2).binary()
    with binary.open("wb") as file:
        file.write(data[:100])
        file.flush()
        log.wait_for("Failed to reload plugin: failed to load WASM module")
        assert host.call("guest.run") == {"n": 1}
        file.write(data[100:])
    log.wait_for("Followed a change of its folder: guest: reloaded")
    assert host.call("guest.run") == {"n": 2}


def test_what_changed_before_the_watch_began_is_seen(bench, guest, watch, monkeypatch):
    binary = bench.write(answering(guest, 1)) / "guest.wasm"
    from zenowasm.plugin import host as module

    register = module.register_slots

    def late(*arguments: Any) -> None:
        replace(binary, answering(guest, 2).binary())
        register(*arguments)

    monkeypatch.setattr(module, "register_slots", late)
    assert watch().call("guest.run") == {"n": 2}


def watches() -> int:
    """Return how many folders the process watches."""
    count = 0
    for descriptor in Path("/proc/self/fdinfo").iterdir():
        with contextlib.suppress(OSError):
            count += descriptor.read_text().count("inotify wd:")
    return count


def test_a_link_in_a_plugins_folder_is_not_followed(bench, guest, watch, log):
    binary = bench.write(answering(guest, 1)) / "guest.wasm"
    (binary.parent / "everything").symlink_to("/")
    (binary.parent / "system").symlink_to("/usr")
    before = watches()
    host = watch()
    assert watches() - before <= 4
    replace(binary, answering(guest, 2).binary())
    log.wait_for("Followed a change of its folder: guest: reloaded")
    assert host.call("guest.run") == {"n": 2}


def test_a_binary_below_its_plugins_folder_and_a_folder_that_is_a_link_are_followed(bench, guest, watch, log, tmp_path):
    folder = bench.write(answering(guest, 1))
    elsewhere = folder.rename(tmp_path / "elsewhere")
    folder.symlink_to(elsewhere)
    (elsewhere / "build").mkdir()
    (elsewhere / "guest.wasm").rename(elsewhere / "build" / "guest.wasm")
    manifest = elsewhere / "manifest.yaml"
    manifest.write_text(manifest.read_text().replace("guest.wasm", "build/guest.wasm"))
    host = watch()
    for number in (2, 3):
        replace(elsewhere / "build" / "guest.wasm", answering(guest, number).binary())
        log.wait_for("Followed a change of its folder: guest: reloaded")
        log.records.clear()
        assert host.call("guest.run") == {"n": number}


def test_a_folder_that_is_not_there_cannot_be_watched(tmp_path, log):
    with pytest.raises(WatchError, match=r"cannot watch .*nowhere"):
        Host(tmp_path / "nowhere", reload_on_change=True, log=log, environment=HostEnvironment({}), config=Settings())


def test_without_the_extra(tmp_path, log, monkeypatch):
    monkeypatch.setattr("zenowasm.plugin.lifecycle.folder_watch.find_spec", lambda name: None)
    with pytest.raises(WatchError, match=r"pip install 'zenowasm\[watch\]'"):
        Host(tmp_path, reload_on_change=True, log=log, environment=HostEnvironment({}), config=Settings())


def test_the_former_name_is_deprecated(tmp_path, log, monkeypatch):
    monkeypatch.setattr("zenowasm.plugin.lifecycle.folder_watch.find_spec", lambda name: None)
    with pytest.warns(DeprecationWarning, match="reload_on_change") as warned, pytest.raises(WatchError):
        Host(tmp_path, watch=True, log=log, environment=HostEnvironment({}), config=Settings())
    assert warned[0].filename == __file__


def test_closing_ends_the_watch(bench, guest, watch, log):
    binary = bench.write(answering(guest, 1)) / "guest.wasm"
    watch().close()
    replace(binary, answering(guest, 2).binary())
    os.sync()
    assert not [record for record in log.records if "reload" in record.message]
