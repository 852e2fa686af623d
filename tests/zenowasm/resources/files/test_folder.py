"""No path leads out of a folder, whatever it is made of and whoever moves things meanwhile."""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zenowasm.resources.files.folder import MAX_DEPTH, MAX_LINKS, MAX_PATH, EscapeError, Folder

SECRET = b"outside of the folder"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder beside which lies a file that must never be reached."""
    (tmp_path / "secret").write_bytes(SECRET)
    root = tmp_path / "root"
    (root / "a" / "b").mkdir(parents=True)
    (root / "file").write_bytes(b"file")
    (root / "a" / "inner").write_bytes(b"inner")
    (root / "a" / "b" / "deep").write_bytes(b"deep")
    return root


@pytest.fixture
def folder(root: Path):
    with Folder.open(root) as opened:
        yield opened


def read(folder: Folder, path: str | bytes, *, follow: bool = True) -> bytes:
    with folder.locate(path.encode() if isinstance(path, str) else path, follow=follow) as place:
        return place.read(1000)


def failing(folder: Folder, path: str | bytes, *, follow: bool = True) -> int | None:
    with pytest.raises(OSError) as caught:
        read(folder, path, follow=follow)
    return caught.value.errno


def descriptors() -> int:
    return len(os.listdir("/dev/fd"))


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("file", b"file"),
        ("./file", b"file"),
        ("a/inner", b"inner"),
        ("a//b/./deep", b"deep"),
        ("a/b/../inner", b"inner"),
        ("a/../a/b/../../file", b"file"),
    ],
)
def test_paths_inside(folder, path, content):
    assert read(folder, path) == content


@pytest.mark.parametrize(
    "path",
    [
        "..",
        "../secret",
        "../root/file",
        "a/../../secret",
        "a/b/../../../secret",
        "/",
        "/etc/passwd",
        "./../secret",
        "//a",
    ],
)
def test_paths_that_leave_are_refused(folder, path):
    with pytest.raises(EscapeError):
        read(folder, path)


def test_an_absolute_path_of_its_own_is_refused_too(folder, root):
    with pytest.raises(EscapeError):
        read(folder, str(root / "file"))


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("", errno.ENOENT),
        ("missing", errno.ENOENT),
        ("missing/file", errno.ENOENT),
        ("file/x", errno.ENOTDIR),
        ("file/..", errno.ENOTDIR),
        ("file/", errno.ENOTDIR),
        ("a", errno.EISDIR),
        (".", errno.EISDIR),
        ("a/", errno.EISDIR),
        ("fi\0le", errno.EINVAL),
        ("x" * 300, errno.ENAMETOOLONG),
        ("./" * (MAX_PATH // 2) + "file", errno.ENAMETOOLONG),
    ],
)
def test_paths_that_lead_nowhere(folder, path, code):
    before = descriptors()
    assert failing(folder, path) == code
    assert descriptors() == before


@pytest.mark.parametrize(
    ("target", "path", "content"),
    [
        ("file", "link", b"file"),
        ("a", "link/inner", b"inner"),
        ("./a/../a/b/", "link/../inner", b"inner"),
        ("a/b", "link/deep", b"deep"),
        ("link2", "link", b"inner"),
    ],
)
def test_links_inside_are_followed_to_where_they_really_lead(folder, root, target, path, content):
    (root / "link").symlink_to(target)
    (root / "link2").symlink_to("a/inner")
    assert read(folder, path) == content


def test_segments_are_those_of_the_real_place(folder, root):
    (root / "link").symlink_to("a/b")
    (root / "a" / "up").symlink_to("../file")
    for path, segments in [
        (b"link/deep", (b"a", b"b", b"deep")),
        (b"link/../inner", (b"a", b"inner")),
        (b"a/up", (b"file",)),
        (b"link/new", (b"a", b"b", b"new")),
        (b"a/..", ()),
        (b"link", (b"a", b"b")),
    ]:
        with folder.locate(path, follow=True) as place:
            assert place.segments == segments
    with folder.locate(b"a/up", follow=False) as place:
        assert place.segments == (b"a", b"up")


@pytest.mark.parametrize("target", ["..", "../secret", "/etc/passwd", "a/../../secret", "/", "a/out"])
@pytest.mark.parametrize("path", ["link", "link/secret", "a/b/../../link"])
def test_links_that_leave_are_refused(folder, root, target, path):
    (root / "a" / "out").symlink_to("../../secret")
    (root / "link").symlink_to(target)
    with pytest.raises(EscapeError):
        read(folder, path)


def test_a_link_is_not_followed_where_that_is_not_asked_for(folder, root):
    (root / "link").symlink_to("file")
    assert failing(folder, "link", follow=False) == errno.ELOOP
    assert read(folder, "link") == b"file"


def test_loops_and_long_chains_of_links(folder, root):
    (root / "self").symlink_to("self")
    (root / "one").symlink_to("two/x")
    (root / "two").symlink_to("one/x")
    for path in ("self", "self/x", "one", "one/x"):
        assert failing(folder, path) == errno.ELOOP
    for number in range(MAX_LINKS):
        (root / f"l{number}").symlink_to(f"l{number + 1}")
    (root / f"l{MAX_LINKS}").write_bytes(b"end")
    assert read(folder, "l0") == b"end"
    (root / "before").symlink_to("l0")
    assert failing(folder, "before") == errno.ELOOP


def test_the_depth_is_bounded_and_so_are_descriptors(folder, root):
    path = root
    for _ in range(MAX_DEPTH + 1):
        path = path / "d"
        path.mkdir()
    (path / "x").write_bytes(b"too deep")
    (path.parent / "x").write_bytes(b"deep enough")
    assert read(folder, "d/" * MAX_DEPTH + "x") == b"deep enough"
    assert failing(folder, "d/" * (MAX_DEPTH + 1) + "x") == errno.ENAMETOOLONG


def test_folders_on_the_way_stay_those_that_they_were(folder, root, tmp_path):
    """Between the walk and what is done then, others can rename and link as they like."""
    (tmp_path / "inner").write_bytes(SECRET)
    with folder.locate(b"a/inner", follow=True) as place:
        (root / "a").rename(root / "moved")
        (root / "a").symlink_to("..")
        assert place.read(100) == b"inner"
        place.write(b"written")
    assert (root / "moved" / "inner").read_bytes() == b"written"
    assert (tmp_path / "inner").read_bytes() == SECRET


def test_a_file_that_becomes_a_link_after_the_walk_is_not_opened(folder, root):
    with folder.locate(b"file", follow=True) as place:
        (root / "file").unlink()
        (root / "file").symlink_to("../secret")
        with pytest.raises(OSError, match=os.strerror(errno.ELOOP)):
            place.read(100)
        with pytest.raises(OSError, match=os.strerror(errno.ELOOP)):
            place.write(b"x")
        assert os.path.islink(root / "file")
    assert (root.parent / "secret").read_bytes() == SECRET


def test_nobody_gets_out_while_another_swaps_folders_and_links(folder, root, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "inner").write_bytes(SECRET)
    (root / "link").symlink_to("../outside")
    done = threading.Event()

    def swap() -> None:
        while not done.is_set():
            os.rename(root / "a", root / "kept")
            os.rename(root / "link", root / "a")
            os.rename(root / "a", root / "link")
            os.rename(root / "kept", root / "a")

    assert read(folder, "a/inner") == b"inner"
    thread = threading.Thread(target=swap)
    thread.start()
    seen = set()
    try:
        for _ in range(2000):
            try:
                seen.add(read(folder, "a/inner"))
            except OSError:
                seen.add(b"refused")
    finally:
        done.set()
        thread.join()
    # Which of the two a read meets is chance; on a busy machine all of them may meet the same.
    assert seen <= {b"inner", b"refused"}


@given(
    st.lists(st.sampled_from(["a", "b", "..", ".", "", "up", "over", "root", "inner", "file"]), max_size=12),
    st.booleans(),
)
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_path_of_names_and_links_reaches_what_is_outside(folder, root, names, slash):
    for link, target in (("up", ".."), ("over", "a/b/../../../root/file"), ("a/up", ".."), ("a/b/up", "../../..")):
        if not os.path.lexists(root / link):
            (root / link).symlink_to(target)
    path = "/".join(names) + ("/" if slash else "")
    try:
        with folder.locate(path.encode(), follow=True) as place:
            found = os.stat(place.name, dir_fd=place.parent, follow_symlinks=False)
            real = root.joinpath(*(os.fsdecode(name) for name in place.segments))
            assert (found.st_dev, found.st_ino) == (os.lstat(real).st_dev, os.lstat(real).st_ino)
    except OSError:
        pass


def test_a_closed_folder_is_closed_once(root):
    folder = Folder.open(root)
    copy = folder.duplicate()
    folder.close()
    folder.close()
    assert read(copy, "file") == b"file"
    copy.close()


def test_only_a_folder_is_opened(root):
    with pytest.raises(NotADirectoryError):
        Folder.open(root / "file")
    with pytest.raises(FileNotFoundError):
        Folder.open(root / "missing")


def test_a_file_that_becomes_a_link_while_it_is_being_opened_is_not_followed(folder, root, monkeypatch):
    real_stat = os.stat

    def stat_then_swap(*arguments, **options):
        found = real_stat(*arguments, **options)
        (root / "file").unlink()
        (root / "file").symlink_to("../secret")
        return found

    with folder.locate(b"file", follow=True) as place, monkeypatch.context() as patch:
        patch.setattr(os, "stat", stat_then_swap)
        with pytest.raises(OSError, match=os.strerror(errno.ELOOP)):
            place.read(100)
