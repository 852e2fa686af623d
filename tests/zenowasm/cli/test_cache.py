"""``zenowasm cache``, and how to turn the cache off."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """The folder of the cache, which the platform's variable names: the command line is given no other."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    return tmp_path / "xdg" / "zenowasm"


def run(zenowasm, *more, **variables):
    return zenowasm(
        "run", ROOT / "examples" / "hello.zl", "--plugin-dir", ROOT / "examples" / "plugins", "--backend", "wasmtime",
        *more, variables=variables,
    )  # fmt: skip


def counts(zenowasm):
    shown = zenowasm("cache", "info", "--json").json
    return shown["modules"]["entries"], shown["slots"]["entries"]


def test_info_and_clear(zenowasm, folder):
    assert counts(zenowasm) == (0, 0)
    assert run(zenowasm).code == 0
    modules, slots = counts(zenowasm)
    assert modules > 0
    assert slots > 0
    stored = [file.stat().st_size for file in folder.glob("*/*.entry")]
    shown = zenowasm("cache", "info")
    assert shown.out.splitlines()[0] == f"folder: {folder}"
    assert f"modules: {modules} entries, " in shown.out
    assert "at most 1073741824 bytes" in shown.out
    cleared = zenowasm("cache", "clear")
    assert cleared.out == f"removed {modules + slots} entries, {sum(stored)} bytes from {folder}\n"
    assert counts(zenowasm) == (0, 0)
    assert run(zenowasm).code == 0


def test_a_variable_or_the_settings_turn_it_off(zenowasm, folder, tmp_path):
    off = {"ZENO_CACHE_ENABLED": "false"}
    assert run(zenowasm, **off).code == 0
    assert zenowasm("cache", "info", variables=off).out.startswith(f"folder: {folder} (turned off)\n")
    settings = tmp_path / "off.yaml"
    settings.write_text("wasm: {cache: {enabled: false, max_bytes: 1MiB}}\n")
    assert run(zenowasm, "--config", settings).code == 0
    assert not folder.exists()
    assert zenowasm("cache", "info", "--config", settings, "--json").json["max_bytes"] == 1 << 20


def test_exec_uses_it(zenowasm, tmp_path):
    module = ROOT / "examples" / "plugins" / "hello" / "hello.wasm"
    for _ in range(2):
        zenowasm("exec", module, "alloc", "8", "--backend", "wasmtime")
        assert counts(zenowasm) == (1, 0)


def test_only_the_process_may_name_another_folder_and_not_what_lies_in_a_project(zenowasm, folder, tmp_path):
    (tmp_path / ".env").write_text(f"ZENO_CACHE_DIR={tmp_path / 'project'}\n")
    assert run(zenowasm).code == 0
    assert not (tmp_path / "project").exists()
    assert zenowasm("cache", "info", "--json").json["folder"] == str(folder)
    given = zenowasm("cache", "info", "--json", variables={"ZENO_CACHE_DIR": str(tmp_path / "given")})
    assert given.json["folder"] == str(tmp_path / "given")
