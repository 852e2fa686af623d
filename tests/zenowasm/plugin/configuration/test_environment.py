"""``.env`` and the two variables of the plugin system."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from zenowasm.plugin.configuration.environment import DotenvError, HostEnvironment, load_environment


def test_dotenv_never_overrides_what_is_set(tmp_path, monkeypatch):
    (tmp_path / ".env").write_text("# comment\nexport A=file\nB='x y'\nC=${A}\nEMPTY=\nBARE\n")
    loaded = load_environment(tmp_path, {"A": "process"})
    assert loaded.variables == {"A": "process", "B": "x y", "C": "${A}", "EMPTY": ""}
    monkeypatch.setenv("ZENO_TEST_ONLY", "1")
    assert load_environment(tmp_path).variables["ZENO_TEST_ONLY"] == "1"
    assert load_environment(tmp_path).variables["B"] == "x y"
    assert "B" not in os.environ or os.environ["B"] != "x y"


@pytest.mark.parametrize(
    ("value", "enabled"), [("true", True), ("1", True), ("TRUE", False), ("yes", False), ("", False), (None, False)]
)
def test_plugins_are_enabled_by_true_and_1(value, enabled):
    variables = {} if value is None else {"ZENO_PLUGINS_ENABLED": value}
    assert HostEnvironment(variables).plugins_enabled is enabled


def test_the_folder_has_a_default():
    assert HostEnvironment({}).plugin_dir == Path("plugins")
    assert HostEnvironment({"ZENO_PLUGIN_DIR": ""}).plugin_dir == Path("plugins")
    assert HostEnvironment({"ZENO_PLUGIN_DIR": "/x"}).plugin_dir == Path("/x")


def test_values_are_not_shown():
    assert "secret" not in repr(HostEnvironment({"KEY": "secret"}))


def test_a_missing_file_is_fine_and_a_bad_one_is_an_error(tmp_path):
    assert load_environment(tmp_path, {"A": "1"}).variables == {"A": "1"}
    (tmp_path / ".env").write_bytes(b"A=\xff")
    with pytest.raises(DotenvError, match="not UTF-8 at byte 2"):
        load_environment(tmp_path, {})
    (tmp_path / ".env").write_bytes(b"#" * (1 << 20) + b"#")
    with pytest.raises(DotenvError, match="larger than the limit"):
        load_environment(tmp_path, {})
    (tmp_path / ".env").unlink()
    (tmp_path / ".env").mkdir()
    with pytest.raises(DotenvError, match="failed to read"):
        load_environment(tmp_path, {})
