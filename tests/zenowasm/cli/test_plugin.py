"""``zenowasm plugin``: the original's words, and JSON beside them."""

from __future__ import annotations

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
