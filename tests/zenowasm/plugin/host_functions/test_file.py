"""``host_file_read`` and ``host_file_write`` through real guests on every engine, on real files."""

from __future__ import annotations

import json
import os

import pytest

from zenowasm.plugin.access.policy import HostPolicy
from zenowasm.plugin.configuration.limits import PluginLimits
from zenowasm.resources.files.folder import Folder

NOT_ALLOWED = "absolute paths and parent directory access not allowed"


@pytest.fixture
def root(tmp_path):
    """The folder of the host, beside which lies what nobody may reach."""
    (tmp_path / "outside").write_bytes(b"outside")
    root = tmp_path / "root"
    (root / "data" / "deep").mkdir(parents=True)
    (root / "secret").mkdir()
    (root / "database").mkdir()
    (root / "secret" / "file").write_bytes(b"secret")
    (root / "database" / "file").write_bytes(b"database")
    (root / "data" / "file").write_bytes("täxt\n".encode())
    return root


@pytest.fixture
def files(root):
    with Folder.open(root) as folder:
        yield folder


@pytest.fixture
def read(bench, ask, files):
    """Reads a file from a guest that may use these files."""

    def read(path, *permissions, **services):
        guest = ask("host_file_read", path)
        return bench.load(guest, permissions={"filesystem": permissions}, files=files, **services).call("guest.run")

    return read


@pytest.fixture
def write(bench, guest, files):
    """Writes a file from a guest that may use these files, and returns what it is answered."""

    def write(request, *permissions):
        text = request if isinstance(request, str) else json.dumps(request)
        size = len(text.encode())
        made = guest(
            imports='(import "env" "host_file_write" (func $host (param i32 i32) (result i32)))',
            text=text,
            response='{"success":true,"data":{"ok":0}}',
            execute=f"(i32.store8 (i32.const 65565) (i32.add (i32.const 48) (call $host (i32.const 4096)"
            f" (i32.const {size})))) (i32.const 65536)",
        )
        return bench.load(made, permissions={"filesystem": permissions}, files=files).call("guest.run").data["ok"]

    return write


def denied(path):
    return f"plugin guest does not have permission to read file: {path}"


@pytest.mark.parametrize("path", ["data/file", "./data//file", "data/deep/../file", "secret/../data/file"])
@pytest.mark.parametrize("rule", ["data", "data/*", "data/file", "data:ro", "*"])
def test_a_permitted_file_is_read(read, path, rule):
    response = read(path, rule)
    assert (response.success, response.data) == (True, {"content": "täxt\n"})


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"a\xff\xe4\0b", "a\ufffd\ufffd\0b"),
        (b"caf\xe9", "caf\ufffd"),
        (b"\xe2\x82x", "\ufffd\ufffdx"),  # a character that is cut off: Go replaces each of its bytes
        ("é\udcff".encode("utf-8", "surrogatepass"), "é\ufffd\ufffd\ufffd"),
    ],
)
def test_a_byte_that_is_not_utf_8_is_a_replacement_character(read, root, content, text):
    """As in Go's encoding/json, which the original uses."""
    (root / "data" / "binary").write_bytes(content)
    assert read("data/binary", "data").data == {"content": text}


@pytest.mark.parametrize(
    ("path", "rules", "error"),
    [
        ("data/file", [], denied("data/file")),
        ("data/file", ["dat", "data/fil", "data/file/x"], denied("data/file")),
        ("database/file", ["data", "data/*"], denied("database/file")),
        ("data/../secret/file", ["data"], denied("data/../secret/file")),
        ("../outside", ["data"], denied("../outside")),
        ("../outside", ["*"], NOT_ALLOWED),
        ("data/../../outside", ["*"], NOT_ALLOWED),
        ("/etc/passwd", ["data"], denied("/etc/passwd")),
        ("/etc/passwd", ["*"], NOT_ALLOWED),
        ("", ["*"], NOT_ALLOWED),
        ("data/missing", ["data"], "failed to read file: No such file or directory"),
        ("data/deep", ["data"], "failed to read file: Is a directory"),
        ("data/file/x", ["data"], "failed to read file: Not a directory"),
    ],
)
def test_what_is_not_read_and_why(read, path, rules, error):
    response = read(path, *rules)
    assert (response.success, response.error) == (False, error)


@pytest.mark.parametrize(
    ("target", "rules", "error"),
    [
        ("../secret/file", ["data"], denied("data/link")),
        ("../secret/file", ["*"], None),
        ("../secret/file", ["data", "secret"], None),
        ("../../outside", ["data", "*"], NOT_ALLOWED),
        ("/etc/passwd", ["*"], NOT_ALLOWED),
        ("link", ["*"], f"failed to read file: {os.strerror(40)}"),
    ],
)
def test_links_lead_only_to_what_is_permitted(read, root, target, rules, error):
    (root / "data" / "link").symlink_to(target)
    response = read("data/link", *rules)
    assert response.error == error
    assert response.data == (None if error else {"content": "secret"})


def test_a_folder_that_is_a_link_leads_only_to_what_is_permitted(read, write, root):
    (root / "data" / "link").symlink_to("../secret")
    assert read("data/link/file", "data").error == denied("data/link/file")
    assert write({"path": "data/link/file", "content": "changed"}, "data") == 0
    assert write({"path": "data/link/new", "content": "made"}, "data") == 0
    assert {path.name: path.read_bytes() for path in (root / "secret").iterdir()} == {"file": b"secret"}


def test_a_pipe_blocks_nobody(read, root):
    os.mkfifo(root / "data" / "pipe")
    error = read("data/pipe", "data").error
    assert error == "failed to read file: neither a regular file nor a folder"


def test_a_file_may_not_be_larger_than_a_reply(read, root):
    (root / "data" / "large").write_bytes(b"x" * 101)
    limits = PluginLimits(request_bytes=100)
    assert read("data/large", "data", limits=limits).error == "failed to read file: larger than the limit of 100 bytes"


def test_a_file_is_written_and_replaced(write, root):
    assert write({"path": "data/new", "content": "täxt"}, "data") == 1
    assert (root / "data" / "new").read_bytes() == "täxt".encode()
    (root / "data" / "new").chmod(0o600)
    assert write({"path": "data/deep/../new", "content": ""}, "data/*:rw") == 1
    assert (root / "data" / "new").read_bytes() == b""
    assert (root / "data" / "new").stat().st_mode & 0o777 == 0o600
    assert sorted(os.listdir(root / "data")) == ["deep", "file", "new"]


@pytest.mark.parametrize(
    ("request_", "rules"),
    [
        ({"path": "data/file", "content": "x"}, []),
        ({"path": "data/file", "content": "x"}, ["data:ro", "secret"]),
        ({"path": "database/file", "content": "x"}, ["data"]),
        ({"path": "../outside", "content": "x"}, ["*"]),
        ({"path": "/outside", "content": "x"}, ["*"]),
        ({"path": "missing/new", "content": "x"}, ["*"]),
        ({"path": "data", "content": "x"}, ["*"]),
        ({"path": "data/file", "content": 7}, ["*"]),
        ({"path": ["data/file"], "content": "x"}, ["*"]),
        ({"content": "x"}, ["*"]),
        ("{", ["*"]),
    ],
)
def test_what_is_not_written_answers_0_and_changes_nothing(write, root, request_, rules):
    def everything():
        files = [root.parent / "outside", *root.rglob("*")]
        return {path: path.read_bytes() for path in files if path.is_file()}

    before = everything()
    assert write(request_, *rules) == 0
    assert everything() == before


def test_the_host_may_forbid_files_to_all(read):
    policy = HostPolicy(allow_filesystem=False)
    why = " (the host's settings deny it: wasm.security.allow_filesystem)"
    assert read("data/file", "*", policy=policy).error == denied("data/file") + why
    assert read("data/file", policy=policy).error == denied("data/file")
