"""Preopened folders: what the C programs cannot see, because the host made it, or because it is about limits."""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zenowasm.resources.files.folder import Folder
from zenowasm.wasi.context import Preopen, WasiContext, WasiLimits
from zenowasm.wasi.errno import Errno
from zenowasm.wasi.preview1 import Preview1
from zenowasm.wasi.types import CHANGES, FILE_RIGHTS, FOLDER_RIGHTS, FdFlags, OFlags, Rights

CREAT, DIRECTORY, TRUNC = OFlags.CREAT, OFlags.DIRECTORY, OFlags.TRUNC
ROOT = 3
PATH, OTHER, RESULT, VECTOR, DATA = 1000, 2000, 500, 600, 3000

HOST_FLAGS = {FdFlags.DSYNC: os.O_DSYNC, FdFlags.RSYNC: getattr(os, "O_RSYNC", os.O_SYNC), FdFlags.SYNC: os.O_SYNC}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    root.mkdir()
    (root / "file").write_bytes(b"content")
    (tmp_path / "outside").write_bytes(b"outside")
    return root


@pytest.fixture
def make(make_wasi, root):
    with Folder.open(root) as folder:
        made = []

        def make(*, writable: bool = True, **context):
            wasi = make_wasi(preopens=(Preopen(b"/", folder, writable),), **context)
            made.append(wasi)
            return wasi

        yield make
        for wasi in made:
            wasi.close()


def put(wasi, path: str, at: int = PATH) -> tuple[int, int]:
    wasi.caller.write(at, path.encode())
    return at, len(path.encode())


def open_(wasi, path: str, rights: Rights = FILE_RIGHTS, oflags: int = 0, *, lookup: int = 1, fdflags: int = 0):
    """Open a path and return the errno and the descriptor."""
    error = wasi.call("path_open", ROOT, lookup, *put(wasi, path), oflags, rights, 0, fdflags, RESULT)
    return error, wasi.u32(RESULT)


def opened_on_host(path: Path) -> list[int]:
    """Return this process's descriptors of a file."""
    file, found = path.stat(), []
    for number in range(1024):
        with suppress(OSError):
            if os.path.samestat(os.fstat(number), file):
                found.append(number)
    return found


def write(wasi, fd: int, data: bytes) -> int:
    wasi.caller.write(DATA, data)
    wasi.put(VECTOR, DATA, len(data))
    return wasi.call("fd_write", fd, VECTOR, 1, RESULT)


def read(wasi, fd: int, length: int = 100) -> bytes:
    wasi.put(VECTOR, DATA, length)
    assert wasi.call("fd_read", fd, VECTOR, 1, RESULT) == 0
    return wasi.caller.read(DATA, wasi.u32(RESULT))


@pytest.mark.parametrize("target", ["/etc/passwd", "{outside}", "../outside", "."])
def test_links_that_the_host_made_lead_nowhere_either(make, root, target):
    (root / "link").symlink_to(target.format(outside=root.parent / "outside"))
    wasi = make()
    error, fd = open_(wasi, "link", Rights.FD_READ)
    if target == ".":
        assert error == 0
        assert wasi.call("fd_read", fd, VECTOR, 0, RESULT) == Errno.BADF
    else:
        assert error == Errno.PERM


def test_pipes_and_devices_are_not_opened(make, root):
    os.mkfifo(root / "pipe")
    wasi = make()
    for rights in (Rights.FD_READ, Rights.FD_WRITE, Rights(0)):
        assert open_(wasi, "pipe", rights)[0] == Errno.NOTSUP
    assert wasi.call("path_filestat_get", ROOT, 0, *put(wasi, "pipe"), DATA) == 0
    assert wasi.caller.read(DATA + 16, 1) == b"\0"


def test_a_folder_that_is_only_to_be_read_stays_as_it_is(make, root):
    def everything():
        return [(path.name, path.stat().st_mtime_ns, path.read_bytes()) for path in root.iterdir()]

    before = everything()
    wasi = make(writable=False)
    error, fd = open_(wasi, "file", FILE_RIGHTS & ~CHANGES)
    assert (error, read(wasi, fd)) == (0, b"content")
    assert write(wasi, fd, b"x") == Errno.NOTCAPABLE
    for rights in CHANGES & FILE_RIGHTS:
        assert open_(wasi, "file", rights)[0] == Errno.NOTCAPABLE
    assert open_(wasi, "new", Rights(0), CREAT)[0] == Errno.NOTCAPABLE
    assert open_(wasi, "file", Rights(0), TRUNC)[0] == Errno.NOTCAPABLE
    path, other = put(wasi, "file"), put(wasi, "other", OTHER)
    for name, arguments in {
        "path_create_directory": (ROOT, *other),
        "path_remove_directory": (ROOT, *path),
        "path_unlink_file": (ROOT, *path),
        "path_rename": (ROOT, *path, ROOT, *other),
        "path_link": (ROOT, 0, *path, ROOT, *other),
        "path_symlink": (*path, ROOT, *other),
        "path_filestat_set_times": (ROOT, 0, *path, 1, 1, 5),
        "fd_filestat_set_times": (ROOT, 1, 1, 5),
        "fd_filestat_set_size": (fd, 0),
        "fd_filestat_set_times_of_file": (fd, 1, 1, 5),
        "fd_allocate": (fd, 0, 100),
    }.items():
        assert wasi.call(name.removesuffix("_of_file"), *arguments) == Errno.NOTCAPABLE, name
    # Neither does a folder that is opened from it hand on more.
    error, again = open_(wasi, ".", FOLDER_RIGHTS & ~CHANGES, DIRECTORY)
    assert error == 0
    assert wasi.call("path_unlink_file", again, *put(wasi, "file")) == Errno.NOTCAPABLE
    assert everything() == before


@pytest.mark.parametrize("flag", [FdFlags.DSYNC, FdFlags.RSYNC, FdFlags.SYNC])
def test_writes_that_wait_for_the_disk_are_asked_for_when_a_file_is_opened(make, root, flag):
    wasi = make()
    wanted = FdFlags.APPEND | flag
    error, fd = open_(wasi, "file", fdflags=wanted)
    assert (error, wasi.call("fd_fdstat_get", fd, RESULT)) == (0, 0)
    assert int.from_bytes(wasi.caller.read(RESULT + 2, 2), "little") == wanted
    (number,) = opened_on_host(root / "file")
    assert fcntl.fcntl(number, fcntl.F_GETFL) & HOST_FLAGS[flag] == HOST_FLAGS[flag]
    assert wasi.call("fd_fdstat_set_flags", fd, FdFlags.APPEND) == Errno.NOTSUP


def test_a_file_grows_up_to_a_limit(make, root):
    wasi = make(limits=WasiLimits(file_bytes=10))
    _, fd = open_(wasi, "file")
    assert write(wasi, fd, b"1234567890") == 0
    assert write(wasi, fd, b"x") == Errno.FBIG
    wasi.put(VECTOR, DATA, 2)
    assert wasi.call("fd_pwrite", fd, VECTOR, 1, 8, RESULT) == 0
    assert wasi.call("fd_pwrite", fd, VECTOR, 1, 9, RESULT) == Errno.FBIG
    assert wasi.call("fd_filestat_set_size", fd, 11) == Errno.FBIG
    assert wasi.call("fd_allocate", fd, 5, 6) == Errno.FBIG
    _, appending = open_(wasi, "file", fdflags=1)
    assert write(wasi, appending, b"x") == Errno.FBIG
    assert (root / "file").stat().st_size == 10


def test_a_folder_is_listed_up_to_a_limit(make, root):
    wasi = make(limits=WasiLimits(folder_entries=3))
    for name in ("a", "b"):
        (root / name).touch()
    assert wasi.call("fd_readdir", ROOT, DATA, 1000, 0, RESULT) == 0
    (root / "c").touch()
    assert wasi.call("fd_readdir", ROOT, DATA, 1000, 0, RESULT) == Errno.OVERFLOW


def test_a_listing_is_the_one_that_was_begun(make, root):
    wasi = make()
    assert wasi.call("fd_readdir", ROOT, DATA, 1000, 0, RESULT) == 0
    first = wasi.caller.read(DATA, wasi.u32(RESULT))
    (root / "file").unlink()
    (root / "new").touch()
    assert wasi.call("fd_readdir", ROOT, DATA, 1000, 2, RESULT) == 0
    # d_next 3, then inode, length 4, type 4 (regular file), and the name
    assert first.endswith(wasi.caller.read(DATA, wasi.u32(RESULT)))
    assert wasi.caller.read(DATA + 16, 12) == bytes([4, 0, 0, 0, 4, 0, 0, 0]) + b"file"
    assert wasi.call("fd_readdir", ROOT, DATA, 1000, 2**64 - 1, RESULT) == 0
    assert wasi.u32(RESULT) == 0


def test_everything_is_closed_at_the_end_and_the_host_keeps_its_folder(make_wasi, root):
    before = set(os.listdir("/dev/fd"))
    with Folder.open(root) as folder:
        wasi = make_wasi(preopens=(Preopen(b"/", folder),))
        opened = set(os.listdir("/dev/fd"))
        for path in ("file", ".", "file"):
            assert open_(wasi, path, Rights.FD_READ)[0] == 0
        assert wasi.call("fd_close", ROOT) == 0
        assert open_(wasi, "file", Rights.FD_READ)[0] == Errno.BADF
        assert len(set(os.listdir("/dev/fd"))) == len(opened) + 2
        wasi.close()
        wasi.close()
        assert len(os.listdir("/dev/fd")) == len(opened) - 1
        with folder.locate(b"file", follow=True) as place:
            assert place.read(10) == b"content"
    assert len(os.listdir("/dev/fd")) == len(before)


def test_a_path_is_bounded_and_may_not_lie_outside_of_memory(make):
    wasi = make()
    assert wasi.call("path_unlink_file", ROOT, 65_530, 7) == Errno.FAULT
    assert wasi.call("path_unlink_file", ROOT, 0, 4097) == Errno.NAMETOOLONG
    assert wasi.call("path_unlink_file", ROOT, *put(wasi, "fi\0le")) == Errno.INVAL
    assert wasi.call("path_symlink", *put(wasi, "a\0b"), ROOT, *put(wasi, "link", OTHER)) == Errno.INVAL


def test_bad_pointers_for_results_are_found_before_anything_is_done(make, root):
    wasi = make()
    path = put(wasi, "new")
    assert wasi.call("path_open", ROOT, 1, *path, CREAT, 0, 0, 0, 65_533) == Errno.FAULT
    assert not (root / "new").exists()
    _, fd = open_(wasi, "file")
    wasi.put(VECTOR, DATA, 2)
    assert wasi.call("fd_write", fd, VECTOR, 1, 65_533) == Errno.FAULT
    assert wasi.call("fd_pwrite", fd, VECTOR, 1, 0, 65_533) == Errno.FAULT
    assert wasi.call("fd_seek", fd, 3, 0, 65_529) == Errno.FAULT
    assert read(wasi, fd) == b"content"


@given(st.data())
@settings(max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_arguments_make_an_exception_or_leave_the_folder(make, root, data):
    wasi = make()
    names = st.sampled_from(["file", "a", "..", "../outside", "/", "a/b", ".", "x\0y", "", "link"])
    for _ in range(data.draw(st.integers(1, 6))):
        name = data.draw(st.sampled_from(sorted(set(wasi.functions) - {"proc_exit", "proc_raise", "poll_oneoff"})))
        path, length = put(wasi, data.draw(names))
        put(wasi, data.draw(names), OTHER)
        near = st.sampled_from([0, 1, 2, 3, 4, 5, path, length, OTHER, 65_535, 2**32 - 1]) | st.integers(0, 2**32 - 1)
        arguments = [data.draw(near) for _ in wasi.functions[name].type.parameters]
        assert wasi.call(name, *arguments) in set(Errno)
    assert (root.parent / "outside").read_bytes() == b"outside"
    assert {path.name for path in root.parent.iterdir()} == {"root", "outside"}
    wasi.close()


def test_making_a_guest_that_cannot_have_its_folder_leaves_nothing_open(root):
    folder = Folder.open(root)
    folder.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        Preview1(WasiContext(preopens=(Preopen(b"/", folder),)))
