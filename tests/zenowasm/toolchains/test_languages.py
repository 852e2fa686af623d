"""Each language's template is a plugin that works, and every engine runs it alike."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.toolchains import PluginBench, need

from zenowasm.backends import registry
from zenowasm.interp.binary import decode, decode_names
from zenowasm.plugin.validate import validate_plugin
from zenowasm.toolchains import rust
from zenowasm.toolchains.build import build_plugin
from zenowasm.toolchains.errors import CompileError, MissingToolchainError, SourceError
from zenowasm.toolchains.languages import LANGUAGES
from zenowasm.toolchains.templates import new_plugin, template

NAME = 'Wörld "\\ \n\x01 \U0001f600'
COMPILERS = [("c", "zig"), ("c", "ppci"), ("cpp", "zig"), ("go", "go"), ("rust", "rustc"), ("as", "asc")]


@pytest.mark.parametrize(("key", "compiler"), COMPILERS)
def test_a_template_is_built_and_runs_alike_on_every_engine(tmp_path, key, compiler) -> None:
    need(key)
    folder = new_plugin(LANGUAGES[key], "parrot", tmp_path)
    made = build_plugin(folder, toolchain=compiler)
    assert made.file == folder / "parrot.wasm"
    assert made.size == made.file.stat().st_size
    assert made.toolchain.split()[0] == compiler
    assert validate_plugin(folder, registry.engine("wasmtime")).ok
    assert sorted(path.suffix for path in folder.iterdir() if path.name.startswith("parrot")) == [".wasm"]
    assert not list(folder.glob(".build-*"))
    bench = PluginBench(folder)
    assert bench.data("parrot.greet", {"name": NAME}) == {"message": f"Hello, {NAME}!"}
    assert bench.data("parrot.greet", {"name": ""}, {"greeting": "Saluton"}) == {"message": "Saluton, !"}
    assert bench.data("parrot.greet", {"name": "n" * 20_000}) == {"message": f"Hello, {'n' * 20_000}!"}
    for lines in bench.logs.values():
        assert lines[:2] == [("info", f"Hello, {NAME}!"), ("info", "Saluton, !")]
    bench.close()


@pytest.mark.parametrize("key", LANGUAGES)
def test_a_template_takes_its_name_everywhere(tmp_path, key) -> None:
    folder = new_plugin(LANGUAGES[key], "parrot", tmp_path)
    assert {path.name for path in folder.iterdir()} == {path.name for path in template(LANGUAGES[key]).iterdir()}
    texts = {path.name: path.read_text() for path in folder.iterdir()}
    assert not [name for name, text in texts.items() if "{{" in text]
    assert texts["manifest.yaml"].startswith("name: parrot\n")
    assert "parrot.greet" in texts["test.zl"]


@pytest.mark.parametrize("key", LANGUAGES)
def test_the_examples_have_the_sdk_of_the_templates(root, key) -> None:
    language = LANGUAGES[key]
    (sdk,) = template(language).glob("zeno.*")
    copies = [path for path in (root / "examples").rglob(sdk.name) if "node_modules" not in path.parts]
    assert copies
    for copy in copies:
        assert copy.read_bytes() == sdk.read_bytes(), copy


def test_a_cargo_project_is_built(tmp_path) -> None:
    folder = _cargo_project(tmp_path, 'crate-type = ["cdylib"]')
    need("rust", folder)
    made = build_plugin(folder)
    assert made.toolchain.startswith("cargo ")
    bench = PluginBench(folder)
    assert bench.data("parrot.greet", {"name": NAME}) == {"message": f"Hello, {NAME}!"}
    bench.close()


def test_a_cargo_project_that_makes_no_module_is_told_what_to_add(tmp_path) -> None:
    folder = _cargo_project(tmp_path, "")
    need("rust", folder)
    with pytest.raises(SourceError, match=r'expected one library with crate-type = \["cdylib"\], found none'):
        build_plugin(folder)


def test_a_cargo_project_without_cargo_is_told_what_to_install(tmp_path, monkeypatch) -> None:
    folder = _cargo_project(tmp_path, 'crate-type = ["cdylib"]')
    monkeypatch.setattr(rust, "_programs", lambda name: [])
    with pytest.raises(MissingToolchainError, match=r"with a Cargo\.toml also `cargo`"):
        build_plugin(folder)


def _cargo_project(parent: Path, library: str) -> Path:
    folder = new_plugin(LANGUAGES["rust"], "parrot", parent)
    (folder / "src").mkdir()
    (folder / "plugin.rs").rename(folder / "src" / "lib.rs")
    (folder / "zeno.rs").rename(folder / "src" / "zeno.rs")
    (folder / "Cargo.toml").write_text(
        f'[package]\nname = "parrot"\nversion = "0.1.0"\nedition = "2021"\n[lib]\n{library}\n'
    )
    return folder


def test_go_files_without_a_module_are_built(tmp_path) -> None:
    need("go")
    folder = new_plugin(LANGUAGES["go"], "parrot", tmp_path)
    (folder / "go.mod").unlink()
    (folder / "plugin_test.go").write_text("package main\n\nfunc TestNothing(t *testing.T) {}\n")
    assert build_plugin(folder, toolchain="go").size > 1_000_000


def test_a_folder_with_a_go_mod_alone_is_go(tmp_path) -> None:
    need("go")
    folder = new_plugin(LANGUAGES["go"], "parrot", tmp_path)
    for source in folder.glob("*.go"):
        source.unlink()
    with pytest.raises(CompileError) as raised:
        build_plugin(folder, toolchain="go")
    assert "no Go files" in raised.value.output


@pytest.mark.parametrize("has_module", [True, False])
def test_tinygo_builds_where_it_is_installed(tmp_path, monkeypatch, has_module) -> None:
    """A stand-in writes what it was asked for: TinyGo is not in the package lists that CI installs from."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "tinygo").write_text(
        "#!/bin/sh\n"
        'if [ "$1" = version ]; then echo "tinygo version 0.39.0 linux/amd64 (using go version go1.25)"; exit; fi\n'
        'while [ "$1" != -o ]; do said="$said $1"; shift; done\n'
        'output=$2; shift 2; echo "$said $*" > "$output"\n'
    )
    (programs / "tinygo").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    folder = new_plugin(LANGUAGES["go"], "parrot", tmp_path)
    if not has_module:
        (folder / "go.mod").unlink()
    made = build_plugin(folder, toolchain="tinygo")
    assert made.toolchain == "tinygo 0.39.0"
    what = "." if has_module else "plugin.go zeno.go"
    said = made.file.read_text().strip()
    assert said == f"build -target=wasip1 -buildmode=c-shared -no-debug {what}"


@pytest.mark.parametrize("key", ["c", "cpp"])
def test_zig_leaves_the_names_of_functions_and_no_other_debugging_information(tmp_path, key) -> None:
    folder = new_plugin(LANGUAGES[key], "parrot", tmp_path)
    # Small enough to be inlined, were it not kept apart.
    (folder / f"plugin{LANGUAGES[key].ending}").write_text(
        """#include "zeno.h"
        const char *zeno_metadata(void) { return "{}"; }
        const char *zeno_slots(void) { return "[]"; }
        const char *zeno_run(struct zeno_text slot, struct zeno_text parameters, struct zeno_output *data)
        {
            (void)slot; (void)parameters;
            zeno_put_text(data, "{}");
            return 0;
        }
        """
    )
    binary = build_plugin(folder, toolchain="zig").file.read_bytes()
    module = decode(binary)
    assert {"zeno_run", "plugin_execute", "alloc"} <= set(decode_names(module).functions.values())
    assert not [custom.name for custom in module.customs if custom.name.startswith(".debug_")]
    assert str(tmp_path).encode() not in binary
