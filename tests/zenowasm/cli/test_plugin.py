"""``zenowasm plugin``: the original's words, and JSON beside them."""

from __future__ import annotations

import json

import pytest
from support.wasm import wat


def test_list_in_the_originals_words(zenowasm, plugins) -> None:
    result = zenowasm("plugin", "list", "--plugin-dir", plugins)
    assert (result.code, result.err) == (0, "")
    assert result.out.splitlines() == [
        "Installed WASM Plugins:",
        "=" * 60,
        "  📦 counter (v1.2.3)",
        "     Adds bytes",
        f"     Location: {plugins}/counter",
        "     Binary: counter.wasm",
    ]


def test_list_of_nothing(zenowasm, tmp_path) -> None:
    result = zenowasm("plugin", "list", "--plugin-dir", tmp_path)
    assert (result.code, result.out) == (0, "No valid plugins found.\n")
    assert zenowasm("plugin", "list").out == "No valid plugins found.\n"
    assert zenowasm("plugin", "list", "--plugin-dir", tmp_path, "--json").json == {"plugins": []}


def test_list_skips_what_is_invalid_and_says_so(zenowasm, write, plugins) -> None:
    write("plugins/bad/manifest.yaml", "name: [")
    result = zenowasm("plugin", "list", "--plugin-dir", plugins, "--json")
    assert result.code == 0
    assert [plugin["name"] for plugin in result.json["plugins"]] == ["counter"]
    assert result.err.startswith("warning: failed to parse manifest: ")
    assert result.err.count("\n") == 1


def test_info(zenowasm, examples) -> None:
    result = zenowasm("plugin", "info", "hello", "--plugin-dir", examples / "plugins")
    assert result.code == 0
    lines = result.out.splitlines()
    assert lines[0] == lines[-1] == "=" * 60
    for line in ("Plugin: hello", "Version: 1.0.0", "Binary: hello.wasm", "Permissions:", "  scope: read, write"):
        assert line in lines
    document = zenowasm("plugin", "info", "hello", "--plugin-dir", examples / "plugins", "--json").json
    assert document["permissions"]["scope"] == ["read", "write"]


def test_info_without_permissions(zenowasm, plugins) -> None:
    assert "Permissions:\n  (none)\n" in zenowasm("plugin", "info", "counter", "--plugin-dir", plugins).out


def test_info_of_an_unknown_or_invalid_plugin(zenowasm, write, plugins) -> None:
    result = zenowasm("plugin", "info", "nothing", "--plugin-dir", plugins)
    assert result.code == 1
    assert result.error == "Plugin 'nothing' not found or invalid"
    assert f"Details: {plugins} holds no plugin of that name\n" in result.err
    write("plugins/bad/manifest.yaml", "name: bad\n")
    assert "Details: plugin binary is required" in zenowasm("plugin", "info", "bad", "--plugin-dir", plugins).err


def test_validate_a_valid_plugin(zenowasm, examples) -> None:
    result = zenowasm("plugin", "validate", examples / "plugins/hello")
    assert (result.code, result.err) == (0, "")
    assert "✅ module: well-formed and valid\n" in result.out
    assert result.out.endswith("Plugin is valid: 0 errors, 0 warnings\n")


def test_validate_counts_warnings_and_errors(zenowasm, write, plugins) -> None:
    manifest = write("plugins/counter/manifest.yaml", "name: counter\nbinary: counter.wasm\ncolour: red\n")
    result = zenowasm("plugin", "validate", manifest)
    assert result.code == 0
    assert result.out.count("⚠️") == 2
    write("plugins/counter/counter.wasm", b"\0asm\1\0\0\0")
    result = zenowasm("plugin", "validate", plugins / "counter", "--json")
    assert result.code == 1
    document = result.json
    assert document["valid"] is False
    assert document["errors"] == sum(check["level"] == "error" for check in document["checks"]) > 3
    assert f"{plugins}/counter is not a valid plugin" in result.error


def test_validate_what_is_not_there(zenowasm, tmp_path) -> None:
    result = zenowasm("plugin", "validate", tmp_path / "nowhere")
    assert result.code == 1
    assert "❌ manifest: failed to read manifest" in result.out


def test_a_folder_that_does_not_exist(zenowasm, tmp_path) -> None:
    for command in (["list"], ["info", "x"]):
        result = zenowasm("plugin", *command, "--plugin-dir", tmp_path / "nowhere")
        assert result.code == 1
        assert result.error.startswith("no plugin folder at ")


FORGED = r'"good\nPermissions:\n  (none)\nLimits:\e[2J\u202e"'


def test_a_manifest_cannot_forge_lines(zenowasm, write) -> None:
    fields = "".join(f"{key}: {FORGED}\n" for key in ("description", "author", "license", "homepage"))
    permissions = f"permissions:\n  env: [{FORGED}]\n"
    write("plugins/forger/manifest.yaml", f"name: forger\nbinary: f.wasm\nversion: 1.0.0\n{fields}{permissions}")
    shown = r"good\nPermissions:\n  (none)\nLimits:\x1b[2J\u202e"
    info = zenowasm("plugin", "info", "forger", "--plugin-dir", "plugins").out.splitlines()
    assert [line for line in info if line.startswith(("Permissions", "Limits"))] == ["Permissions:", "Limits:"]
    for line in (f"Description: {shown}", f"Author: {shown}", f"License: {shown}", f"  env: {shown}"):
        assert line in info
    listed = zenowasm("plugin", "list", "--plugin-dir", "plugins").out.splitlines()
    assert f"     {shown}" in listed
    assert len(listed) == 6


def test_names_of_a_binary_cannot_forge_lines_of_validate(zenowasm, write, plugins) -> None:
    imports = r'(import "env\n\e[2J" "x\n✅ imports: all is well" (func))'.replace(r"\e", r"\1b")
    write("plugins/counter/counter.wasm", wat(f"(module {imports})"))
    result = zenowasm("plugin", "validate", plugins / "counter")
    assert result.code == 1
    assert "\x1b" not in result.out
    assert not [line for line in result.out.splitlines() if line.startswith("✅ imports: all")]


SHOWY = r"""
(module
  (import "env" "host_log" (func $log (param i32 i32 i32 i32)))
  (memory (export "memory") 1)
  (func (export "alloc") (param i32) (result i32) i32.const 32768)
  (func (export "plugin_init") (result i32)
    (call $log (i32.const 64) (i32.const 4) (i32.const 72) (i32.const 5)) (i32.const 1024))
  (func (export "plugin_register_slots") (result i32) (i32.const 2048))
  (func (export "plugin_execute") (param i32 i32 i32 i32) (result i32) unreachable)
  (data (i32.const 64) "info\00\00\00\00begun")
  (data (i32.const 1024) "{}\00")
  (data (i32.const 2048) "@SLOTS@\00"))
"""
SLOTS = [
    {
        "name": "showy.add",
        "description": "Adds\nLimits:",
        "example": "showy.add {\n  a: 1\n}\nlog: $sum",
        "inputs": {
            "a": {"type": "int", "required": True, "description": "the first"},
            "b": {"type": "int", "default": 2},
            "note": {},
        },
        "outputs": {"sum": {"type": "int"}},
    },
    {"name": "showy.bare"},
]


@pytest.mark.parametrize("backend", ["reference", "wasmtime"])
def test_info_shows_slots_inputs_and_examples(zenowasm, write, backend) -> None:
    text = "".join(f"\\{byte:02x}" for byte in json.dumps(SLOTS).encode())
    write("plugins/showy/showy.wasm", wat(SHOWY.replace("@SLOTS@", text)))
    write("plugins/showy/manifest.yaml", "name: showy\nbinary: showy.wasm\nversion: 1.0.0\n")
    command = ["plugin", "info", "showy", "--plugin-dir", "plugins", "--backend", backend]
    result = zenowasm(*command)
    assert (result.code, result.err) == (0, "[showy] info: begun\n")
    lines = result.out.splitlines()
    assert lines[lines.index("Slots:") + 1 : lines.index("Limits:")] == [
        r"  showy.add: Adds\nLimits:",
        "    input a (int, required): the first",
        "    input b (int, default 2)",
        "    input note (any)",
        '    output sum: {"type": "int"}',
        "    example | showy.add {",
        "    example |   a: 1",
        "    example | }",
        "    example | log: $sum",
        "  showy.bare",
    ]
    slots = zenowasm(*command, "--json").json["slots"]
    assert [slot["name"] for slot in slots] == ["showy.add", "showy.bare"]
    assert slots[0]["inputs"]["b"]["default"] == 2


@pytest.mark.parametrize(
    ("manifest", "binary", "why"),
    [
        ("binary: odd.wasm", None, "No such file or directory"),
        ("binary: odd.wasm", b"\0asm\1\0\0\0", "plugin_init"),
        ("binary: odd.wasm", b"garbage", "failed to load WASM module"),
        ("binary: odd.wasm\nconfig: {KEY: {required: true}}", b"\0asm\1\0\0\0", "KEY"),
        ("binary: odd\ntype: sidecar", b"#!/bin/sh\ntouch started\n", "sidecar"),
    ],
)
def test_info_of_a_plugin_that_cannot_be_loaded_shows_the_rest(zenowasm, write, tmp_path, manifest, binary, why):
    write("plugins/odd/manifest.yaml", f"name: odd\nversion: 1.0.0\n{manifest}\n")
    if binary is not None:
        write("plugins/odd/" + manifest.split()[1], binary).chmod(0o755)
    settings = write("settings.yaml", "wasm: {security: {allow_sidecar: true}}\n")
    result = zenowasm("plugin", "info", "odd", "--plugin-dir", "plugins", "--config", settings)
    assert result.code == 0
    assert result.err.startswith("warning: the slots are unknown: ")
    assert why in result.err
    assert "Permissions:\n  (none)\nSlots:\n  (unknown)\nLimits:\n" in result.out
    assert not list(tmp_path.rglob("started"))


def test_list_marks_a_plugin_without_its_binary(zenowasm, plugins) -> None:
    (plugins / "counter/counter.wasm").unlink()
    command = ["plugin", "list", "--plugin-dir", plugins]
    assert "     Binary: counter.wasm (missing: build it with `zenowasm plugin build`)\n" in zenowasm(*command).out
    assert zenowasm(*command, "--json").json["plugins"][0]["binary_exists"] is False
