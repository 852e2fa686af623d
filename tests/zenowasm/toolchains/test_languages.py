"""Each language's template is a plugin that works, and every engine runs it alike."""

from __future__ import annotations

import pytest
from support.toolchains import PluginBench, need

from zenowasm.backends import registry
from zenowasm.interp.binary import decode, decode_names
from zenowasm.plugin.validate import validate_plugin
from zenowasm.toolchains.build import build_plugin
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
