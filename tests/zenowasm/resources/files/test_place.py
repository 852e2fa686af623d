"""What is done with a name in a folder: reading, atomic writing, and the rest of what WASI needs."""

from __future__ import annotations

import errno
import os
import socket
import stat
from pathlib import Path

import pytest

from zenowasm.resources.files.folder import Folder


@pytest.fixture
def folder(tmp_path: Path):
    with Folder.open(tmp_path) as opened:
        yield opened


def at(folder: Folder, path: str, *, follow: bool = False):
    return folder.locate(path.encode(), follow=follow)


def failing(folder: Folder, path: str, operation: str, *arguments) -> int | None:
    with at(folder, path) as place, pytest.raises(OSError) as caught:
        getattr(place, operation)(*arguments)
    return caught.value.errno


def test_a_file_is_read_up_to_a_limit(folder, tmp_path):
    (tmp_path / "file").write_bytes(b"12345")
    with at(folder, "file") as place:
        assert place.read(5) == b"12345"
    assert failing(folder, "file", "read", 4) == errno.EFBIG


def test_pipes_sockets_and_devices_are_not_opened_and_block_nobody(folder, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(tmp_path / "socket"))
        for name in ("pipe", "socket"):
            assert failing(folder, name, "read", 10) == errno.ENOTSUP
            assert failing(folder, name, "write", b"x") == errno.ENOTSUP
            assert failing(folder, name, "open", os.O_RDWR) == errno.ENOTSUP
    with Folder.open("/dev") as devices:
        assert failing(devices, "zero", "read", 10) == errno.ENOTSUP
        assert failing(devices, "null", "write", b"x") == errno.ENOTSUP


def test_a_file_is_written_as_a_whole(folder, tmp_path):
    for data in (b"first", b"second, longer", b""):
        with at(folder, "file") as place:
            place.write(data)
        assert (tmp_path / "file").read_bytes() == data
    assert os.listdir(tmp_path) == ["file"]


def test_who_has_the_old_file_open_keeps_all_of_it(folder, tmp_path):
    (tmp_path / "file").write_bytes(b"old")
    with (tmp_path / "file").open("rb") as before, at(folder, "file") as place:
        place.write(b"new")
        assert before.read() == b"old"


def test_permissions_of_a_file_are_kept_and_those_of_a_new_one_are_usual(folder, tmp_path):
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "file").chmod(0o640)
    (tmp_path / "usual").write_bytes(b"x")
    for name in ("file", "new"):
        with at(folder, name) as place:
            place.write(b"y")
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o640
    assert (tmp_path / "new").stat().st_mode == (tmp_path / "usual").stat().st_mode


@pytest.mark.parametrize("failure", ["fsync", "replace"])
def test_a_write_that_fails_leaves_everything_as_it_was(folder, tmp_path, monkeypatch, failure):
    (tmp_path / "file").write_bytes(b"kept")

    def fail(*_arguments: object, **_options: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, failure, fail)
        assert failing(folder, "file", "write", b"lost") == errno.ENOSPC
    assert (tmp_path / "file").read_bytes() == b"kept"
    assert os.listdir(tmp_path) == ["file"]


def test_folders_are_no_files(folder, tmp_path):
    (tmp_path / "folder").mkdir()
    assert failing(folder, "folder", "write", b"x") == errno.EISDIR
    assert failing(folder, ".", "write", b"x") == errno.EISDIR
    assert failing(folder, "new/", "write", b"x") == errno.EISDIR
    assert os.listdir(tmp_path) == ["folder"]


def test_a_slash_at_the_end_means_a_folder(folder, tmp_path):
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("folder")
    for operation, arguments in (
        ("stat", ()),
        ("read", (10,)),
        ("unlink", ()),
        ("read_link", ()),
        ("set_times", (0, 0)),
        ("make_symbolic_link", (b"x",)),
        ("remove_folder", ()),
    ):
        assert failing(folder, "file/", operation, *arguments) == errno.ENOTDIR, operation
    for operation in ("unlink", "remove_folder"):
        with folder.locate(b"link/", follow=False, slash_follows=False) as place, pytest.raises(NotADirectoryError):
            getattr(place, operation)()
    assert failing(folder, "new/", "make_symbolic_link", b"x") == errno.ENOENT
    assert failing(folder, "folder/", "make_symbolic_link", b"x") == errno.EEXIST
    assert failing(folder, "new/", "open", os.O_CREAT) == errno.EISDIR
    with at(folder, "made/") as place:
        place.make_folder()
    with at(folder, "made/") as old, at(folder, "renamed/") as new:
        old.rename_to(new)
    with at(folder, "renamed/") as place:
        place.remove_folder()
    assert sorted(os.listdir(tmp_path)) == ["file", "folder", "link"]


def test_a_link_is_handled_as_a_link(folder, tmp_path):
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "link").symlink_to("file")
    os.utime(tmp_path / "file", ns=(5, 5))
    with at(folder, "link") as place:
        assert stat.S_ISLNK(place.stat().st_mode)
        assert place.read_link() == b"file"
        place.set_times(1_000, 2_000)
        with at(folder, "hard") as new:
            new.make_link_to(place)
    assert (tmp_path / "link").lstat().st_mtime_ns == 2_000
    assert (tmp_path / "file").stat().st_mtime_ns == 5
    assert (tmp_path / "hard").is_symlink()
    with at(folder, "link") as old, at(folder, "moved") as new:
        old.rename_to(new)
    with at(folder, "moved") as place:
        place.unlink()
    assert (tmp_path / "file").read_bytes() == b"x"
