"""What every form of a path means, as Linux says: each call is made on it and through WASI, in equal folders."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from zenowasm.resources.files.folder import Folder
from zenowasm.wasi.context import Preopen
from zenowasm.wasi.errno import Errno, errno_of
from zenowasm.wasi.streams import HostInput
from zenowasm.wasi.types import Rights

NAMES = ("file", "dir", "full", "link", "dlink", "dangling", "none", "dir/inner", "dir/none")
TAILS = ("", "/", "/.", "/./", "/./.", "//", "/..")
ROOT, PATH, OTHER, RESULT = 3, 1000, 2000, 500


def make(folder: Path) -> Path:
    folder.mkdir()
    (folder / "file").write_bytes(b"content")
    (folder / "dir").mkdir()
    (folder / "dir" / "inner").write_bytes(b"x")
    (folder / "full" / "below").mkdir(parents=True)
    (folder / "link").symlink_to("file")
    (folder / "dlink").symlink_to("dir")
    (folder / "dangling").symlink_to("nowhere")
    return folder


@pytest.fixture
def native(tmp_path: Path) -> Iterator[int]:
    descriptor = os.open(make(tmp_path / "native"), os.O_RDONLY)
    yield descriptor
    os.close(descriptor)


@pytest.fixture
def wasi(make_wasi: Callable[..., Any], tmp_path: Path) -> Iterator[Any]:
    with Folder.open(make(tmp_path / "guest")) as folder:
        made = make_wasi(preopens=(Preopen(b"/", folder, True),))
        yield made
        made.close()


def put(wasi: Any, path: str, at: int = PATH) -> tuple[int, int]:
    wasi.caller.write(at, path.encode())
    return at, len(path.encode())


def stat_guest(lookup: int) -> Callable[[Any, str], Errno]:
    return lambda wasi, path: wasi.call("path_filestat_get", ROOT, lookup, *put(wasi, path), RESULT)


def open_guest(lookup: int) -> Callable[[Any, str], Errno]:
    rights = Rights.FD_READ
    return lambda wasi, path: wasi.call("path_open", ROOT, lookup, *put(wasi, path), 0, rights, 0, 0, RESULT)


def close(descriptor: int) -> None:
    os.close(descriptor)


OPERATIONS: dict[str, tuple[Callable[[int, str], Any], Callable[[Any, str], Errno]]] = {
    "stat": (lambda at, path: os.stat(path, dir_fd=at), stat_guest(1)),
    "lstat": (lambda at, path: os.stat(path, dir_fd=at, follow_symlinks=False), stat_guest(0)),
    "open": (lambda at, path: close(os.open(path, os.O_RDONLY, dir_fd=at)), open_guest(1)),
    "open without following": (
        lambda at, path: close(os.open(path, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=at)), open_guest(0)),
    "readlink": (
        lambda at, path: os.readlink(path, dir_fd=at),
        lambda wasi, path: wasi.call("path_readlink", ROOT, *put(wasi, path), OTHER, 100, RESULT)),
    "unlink": (
        lambda at, path: os.unlink(path, dir_fd=at),
        lambda wasi, path: wasi.call("path_unlink_file", ROOT, *put(wasi, path))),
    "rmdir": (
        lambda at, path: os.rmdir(path, dir_fd=at),
        lambda wasi, path: wasi.call("path_remove_directory", ROOT, *put(wasi, path))),
    "mkdir": (
        lambda at, path: os.mkdir(path, dir_fd=at),
        lambda wasi, path: wasi.call("path_create_directory", ROOT, *put(wasi, path))),
    "rename": (
        lambda at, path: os.rename(path, "renamed", src_dir_fd=at, dst_dir_fd=at),
        lambda wasi, path: wasi.call("path_rename", ROOT, *put(wasi, path), ROOT, *put(wasi, "renamed", OTHER))),
    "link": (
        lambda at, path: os.link(path, "linked", src_dir_fd=at, dst_dir_fd=at, follow_symlinks=False),
        lambda wasi, path: wasi.call("path_link", ROOT, 0, *put(wasi, path), ROOT, *put(wasi, "linked", OTHER))),
}  # fmt: skip


def tree(folder: Path) -> list[tuple[str, int]]:
    return sorted((str(it.relative_to(folder)), stat.S_IFMT(it.lstat().st_mode)) for it in folder.rglob("*"))


@pytest.mark.parametrize("tail", TAILS)
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_path_means_what_it_means_to_linux(
    native: int, wasi: Any, tmp_path: Path, operation: str, name: str, tail: str
) -> None:
    on_host, in_guest = OPERATIONS[operation]
    try:
        on_host(native, name + tail)
        expected = Errno.SUCCESS
    except OSError as error:
        expected = errno_of(error)
    found = Errno(in_guest(wasi, name + tail))
    # POSIX and wasmtime's WASI call a last `..` invalid, or leave it open; Linux also looks whether it is empty.
    if tail == "/.." and operation == "rmdir":
        assert found in (expected, Errno.INVAL)
    else:
        assert found is expected
    assert tree(tmp_path / "guest") == tree(tmp_path / "native")


@pytest.mark.parametrize("path", [b"\xff", b"dir/\xe9", b"caf\xc3", b"\xed\xa0\x80"])
def test_a_path_that_is_not_utf_8(wasi: Any, path: bytes) -> None:
    wasi.caller.write(PATH, path)
    assert wasi.call("path_create_directory", ROOT, PATH, len(path)) == Errno.ILSEQ
    assert wasi.call("path_filestat_get", ROOT, 1, PATH, len(path), RESULT) == Errno.ILSEQ
    assert wasi.call("path_symlink", PATH, len(path), ROOT, *put(wasi, "new", OTHER)) == Errno.ILSEQ


def test_a_device_is_no_terminal(make_wasi: Callable[..., Any]) -> None:
    """The C library's ``isatty``: a character device without the rights to seek and to tell."""
    with open("/dev/null", "rb") as null:
        made = make_wasi(stdin=HostInput(null.fileno()))
        assert made.call("fd_fdstat_get", 0, RESULT) == 0
        kind, rights = made.caller.data[RESULT], Rights(made.u64(RESULT + 8))
        made.close()
    assert kind == 2
    assert Rights.FD_SEEK | Rights.FD_TELL in rights
