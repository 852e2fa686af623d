"""The token, and the file by which a running host is found."""

from __future__ import annotations

import pytest

from zenowasm.frontends.admin.errors import AdminError
from zenowasm.frontends.admin.state import AdminState, default_state_file, read_state, removed_state, write_state
from zenowasm.frontends.admin.token import admin_token

STATE = AdminState("http://127.0.0.1:9", "secret-token-of-this-run", 7)


def test_a_given_token_is_used():
    assert admin_token({"ZENO_ADMIN_TOKEN": "0123456789abcdef"}) == ("0123456789abcdef", False)


def test_without_one_each_run_has_another():
    (first, generated), (second, _) = admin_token({}), admin_token({"ZENO_ADMIN_TOKEN": ""})
    assert generated
    assert first != second
    assert len(first) >= 40


@pytest.mark.parametrize("token", ["short", "0123456789 abcdef", "0123456789abcdé€", "0123456789abcde\n"])
def test_a_token_that_can_be_guessed_or_cannot_be_sent(token):
    with pytest.raises(AdminError, match="ZENO_ADMIN_TOKEN: expected at least 16 printable ASCII characters") as caught:
        admin_token({"ZENO_ADMIN_TOKEN": token})
    assert token not in str(caught.value)


def test_the_file_is_its_owners_alone(tmp_path):
    file = tmp_path / "new" / "state.json"
    write_state(file, STATE)
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    assert read_state(file) == STATE
    assert STATE.token not in repr(STATE)


def test_a_file_that_others_can_read_is_not_trusted(tmp_path):
    write_state(tmp_path / "state", STATE)
    (tmp_path / "state").chmod(0o640)
    with pytest.raises(AdminError, match="readable by others"):
        read_state(tmp_path / "state")


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"url": "x"}', '{"url": 1, "token": "", "process": 1}',
     '{"url": "http://[::1", "token": "", "process": 1}',
     '{"url": "http://127.0.0.1:99999", "token": "", "process": 1}',
     '{"url": "file:///etc", "token": "", "process": 1}'],
)  # fmt: skip
def test_another_file(tmp_path, text):
    (tmp_path / "state").write_text(text)
    (tmp_path / "state").chmod(0o600)
    with pytest.raises(AdminError, match="is not a state file of `zenowasm serve`"):
        read_state(tmp_path / "state")


def test_no_file(tmp_path):
    with pytest.raises(AdminError, match="no running host found: cannot read"):
        read_state(tmp_path / "state")
    (tmp_path / "file").touch()
    with pytest.raises(AdminError, match="cannot write"):
        write_state(tmp_path / "file" / "state", STATE)


def test_only_its_writer_removes_it(tmp_path):
    file = tmp_path / "state"
    write_state(file, STATE)
    removed_state(file, AdminState(STATE.url, STATE.token, 8))
    assert file.exists()
    removed_state(file, STATE)
    assert not file.exists()
    removed_state(file, STATE)


def test_where_it_is(tmp_path):
    assert default_state_file({"ZENO_ADMIN_STATE": str(tmp_path / "x")}) == tmp_path / "x"
    assert default_state_file({}).name == "admin.json"
