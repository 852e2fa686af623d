"""``zenowasm plugin new`` and ``plugin build``: what they print, and what they refuse."""

from __future__ import annotations

import hashlib


def test_from_nothing_to_a_running_plugin(zenowasm, tmp_path) -> None:
    made = zenowasm("plugin", "new", "parrot", "--lang", "c")
    assert (made.code, made.err) == (0, "")
    assert made.out.splitlines()[-1] == "Build it with: zenowasm plugin build parrot"
    built = zenowasm("plugin", "build", "parrot", "--compiler", "ppci")
    assert (built.code, built.err) == (0, "")
    binary = (tmp_path / "parrot" / "parrot.wasm").read_bytes()
    assert built.out.splitlines() == [
        f"parrot/parrot.wasm: {len(binary)} bytes, C, ppci",
        f"sha256 {hashlib.sha256(binary).hexdigest()}",
    ]
    described = zenowasm("plugin", "build", "parrot", "--compiler", "ppci", "--backend", "wasmtime", "--json").json
    assert (described["valid"], described["problems"], described["size"]) == (True, [], len(binary))
    ran = zenowasm("run", "parrot/test.zl", "--plugin-dir", ".")
    assert ran.code == 0
    assert "Hello, World!" in ran.out


def test_what_the_compiler_says_is_shown_and_the_error_is_one_line(zenowasm, tmp_path) -> None:
    zenowasm("plugin", "new", "parrot", "--lang", "c")
    (tmp_path / "parrot" / "plugin.c").write_text("int f(void) { return nothing; }")
    result = zenowasm("plugin", "build", "parrot", "--compiler", "zig")
    assert result.code == 1
    assert result.error.endswith("failed with exit code 1")
    assert "use of undeclared identifier 'nothing'" in result.err
    refused = zenowasm("plugin", "build", "parrot", "--compiler", "ppci")
    assert refused.code == 1
    assert "plugin.c:1:" in refused.error


def test_a_plugin_that_lacks_an_export_is_built_and_reported(zenowasm, tmp_path) -> None:
    zenowasm("plugin", "new", "parrot", "--lang", "c")
    (tmp_path / "parrot" / "plugin.c").write_text("int plugin_init(void) { return 0; }")
    result = zenowasm("plugin", "build", "parrot", "--compiler", "ppci")
    assert result.code == 1
    assert result.error.startswith("parrot was built but is not a valid plugin: ")
    assert "error: exports: function plugin_execute not found" in result.out


def test_refusals(zenowasm, tmp_path) -> None:
    assert "is not a valid plugin name" in zenowasm("plugin", "new", "No Name", "--lang", "c").error
    zenowasm("plugin", "new", "parrot", "--lang", "go", "--dir", "here")
    again = zenowasm("plugin", "new", "parrot", "--lang", "c", "--dir", "here")
    assert (again.code, again.error) == (1, "here/parrot already exists and was not changed")
    assert zenowasm("plugin", "new", "parrot", "--lang", "cobol").code == 2
    assert zenowasm("plugin", "build", "nowhere").code == 1
    lost = zenowasm("plugin", "build", "here/parrot", "--lang", "rust")
    assert (lost.code, lost.error) == (1, "here/parrot has no sources to build: expected *.rs, Cargo.toml")
