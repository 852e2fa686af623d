"""Manifests: every field, and every way to get one wrong, with file, line and field."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zenowasm.plugin.configuration.document import MAX_BYTES
from zenowasm.plugin.configuration.manifest import (
    ConfigParameter,
    ConfigType,
    ManifestWarning,
    PermissionLists,
    PluginType,
    Requires,
    Sidecar,
    parse_manifest,
    read_manifest,
)
from zenowasm.plugin.configuration.versions import ZENO_VERSION
from zenowasm.plugin.errors import LoadError, ManifestError
from zenowasm.plugin.guest.code import read_binary

FULL = """\
name: full
binary: lib/full.wasm
version: 1.10
type: sidecar
author: A
description: D
license: MIT
homepage: https://example.com
requires: {zeno: ">=0.3.0"}
permissions:
  network: ["https://a.com/*", "*"]
  filesystem: [data, "cache/*:ro"]
  env: [KEY]
  database: [default]
  scope: [read, write]
config:
  key: {type: int, required: true, env: KEY, default: 007, description: X}
  other:
sidecar: {protocol: json-rpc, auto_start: true, keep_alive: no, max_retries: 5}
slots: [{anything: [at, all]}]
"""
MINIMAL = "name: x\nbinary: x.wasm\n"


def test_all_fields():
    manifest = parse_manifest(FULL, Path("/plugins/full"))
    assert (manifest.name, manifest.binary, manifest.version) == ("full", "lib/full.wasm", "1.10")
    assert manifest.type is PluginType.SIDECAR
    assert (manifest.author, manifest.description, manifest.license) == ("A", "D", "MIT")
    assert manifest.homepage == "https://example.com"
    assert manifest.requires == Requires(">=0.3.0")
    assert manifest.permissions == PermissionLists(
        ("https://a.com/*", "*"), ("data", "cache/*:ro"), ("KEY",), ("default",), ("read", "write")
    )
    assert manifest.config == {
        "key": ConfigParameter(ConfigType.INTEGER, True, "KEY", "007", "X"),
        "other": ConfigParameter(),
    }
    assert manifest.sidecar == Sidecar("json-rpc", auto_start=True, keep_alive=False, max_retries=5)
    assert manifest.warnings == ()
    assert manifest.binary_path == Path("/plugins/full/lib/full.wasm")


def test_the_manifest_of_the_quick_reference():
    text = """\
name: hello
version: 1.0.0
binary: hello.wasm

permissions:
  scope: [read, write]
  network: []
  filesystem: []
  database: []
  env: []
"""
    manifest = parse_manifest(text, Path("p"))
    assert manifest.granted().may_read_scope
    assert manifest.granted().may_write_scope
    assert manifest.type is PluginType.WASM
    assert manifest.warnings == ()


def test_what_is_left_out_or_empty_denies():
    for text in (MINIMAL, MINIMAL + "permissions:\n", MINIMAL + "permissions: {scope: ~, env:}\n"):
        permissions = parse_manifest(text, Path("p")).granted()
        assert not permissions.may_read_scope
        assert not permissions.env


@pytest.mark.parametrize(
    ("text", "line", "field", "message"),
    [
        ("binary: x", 1, "name", "plugin name is required"),
        ("version: 1\n\nname: ' '\nbinary: x", 3, "name", "plugin name is required"),
        ("name: x\n", 1, "binary", "plugin binary is required"),
        ("name: x\nbinary:\n", 2, "binary", "plugin binary is required"),
        ("- name: x", 1, "", "failed to parse manifest: .*: expected a mapping, found a list"),
        ("name: [x]\nbinary: x", 1, "name", "name: expected a string, found a list"),
        (MINIMAL + "type: native", 3, "type", "expected wasm or sidecar, found 'native'"),
        (MINIMAL + "permissions: [a]", 3, "permissions", "permissions: expected a mapping, found a list"),
        (MINIMAL + "permissions:\n  env: KEY", 4, "permissions.env", "expected a list of strings, found a string"),
        (
            MINIMAL + "permissions:\n  env:\n    - A\n    - {}",
            6,
            "permissions.env[1]",
            "expected a string, found a mapping",
        ),
        (MINIMAL + "permissions: {network: true}", 3, "permissions.network", "a list of strings, found true or false"),
        (MINIMAL + "config: {k: 1}", 3, "config.k", "expected a mapping, found a number"),
        (MINIMAL + "config:\n  k:\n    type: date", 5, "config.k.type", "expected one of string"),
        (MINIMAL + "config: {k: {required: 2}}", 3, "config.k.required", "expected true or false, found a number"),
        (MINIMAL + "sidecar: {max_retries: -1}", 3, "sidecar.max_retries", "expected a whole number"),
        (MINIMAL + "requires: {zeno: banana}", 3, "requires.zeno", "expected a range such as >=0.3.0"),
        (MINIMAL + "name: y", 3, "name", "the key is given twice"),
        (MINIMAL + "x: [", 3, "", "not YAML"),
        ("name: x\nbinary: ../x.wasm", 2, "binary", "must lie inside the plugin's folder"),
        ("name: x\nbinary: a/../../x.wasm", 2, "binary", "must lie inside"),
        ("name: x\nbinary: /tmp/x.wasm", 2, "binary", "must lie inside"),
        ("name: x\nbinary: 'a\\b'", 2, "binary", "must lie inside"),
        ('name: x\nbinary: "a\\0b"', 2, "binary", "expected the name of a file"),
        ('name: "a\\e[2J"\nbinary: x', 1, "name", "printable"),
        (f"name: {'x' * 200}\nbinary: x", 1, "name", "printable"),
    ],
)
def test_every_error_has_a_line_and_a_field(tmp_path, text, line, field, message):
    with pytest.raises(ManifestError, match=message) as caught:
        parse_manifest(text, tmp_path)
    assert (caught.value.line, caught.value.field) == (line, field)
    assert caught.value.file == tmp_path / "manifest.yaml"
    assert str(tmp_path) in str(caught.value)


def test_unknown_keys_and_useless_permissions_are_warnings():
    text = MINIMAL + (
        "permission: {}\n"
        "permissions:\n  netwrok: []\n  network: [a.com]\n  filesystem: [/tmp/x]\n  scope: [write, admin]\n"
        "config: {k: {typ: string}}\nsidecar: {retries: 1}\nrequires: {php: '8'}\n"
        "limits: {max_fule: 1}\n"
    )
    manifest = parse_manifest(text, Path("p"))
    found = {warning.field: warning for warning in manifest.warnings}
    assert found["permission"] == ManifestWarning("unknown key, ignored; did you mean permissions?", 3, "permission")
    assert found["permissions.netwrok"].line == 5
    assert found["permissions.network[0]"].message.startswith("grants nothing: not a URL")
    assert found["permissions.filesystem[0]"].line == 7
    assert found["permissions.scope[1]"].message == "grants nothing: expected read or write"
    assert {"config.k.typ", "sidecar.retries", "requires.php", "limits.max_fule"} <= set(found)
    assert len(found) == 9
    granted = manifest.granted()
    assert granted.network == granted.filesystem == ()
    assert granted.may_write_scope


def write(folder: Path, text: str | bytes) -> Path:
    (folder / "manifest.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(ManifestError, match=r"^failed to read manifest: .*manifest.yaml: No such file"):
        read_manifest(tmp_path)
    with pytest.raises(ManifestError, match=r"failed to read manifest: .*larger than the limit"):
        read_manifest(write(tmp_path, "#" * (MAX_BYTES + 1)))
    with pytest.raises(ManifestError, match=r"failed to parse manifest: .*not UTF-8") as caught:
        read_manifest(write(tmp_path, b"name: x\n\xff"))
    assert caught.value.line == 2
    (tmp_path / "manifest.yaml").unlink()
    os.mkfifo(tmp_path / "manifest.yaml")
    with pytest.raises(ManifestError, match="not a regular file"):
        read_manifest(tmp_path)


def test_links_out_of_the_folder_are_refused(tmp_path):
    plugin = tmp_path / "plugin"
    plugin.mkdir()
    outside = tmp_path / "outside.wasm"
    outside.write_bytes(b"")
    (plugin / "x.wasm").symlink_to(outside)
    with pytest.raises(ManifestError, match="binary: the binary must lie inside"):
        read_manifest(write(plugin, MINIMAL))
    (plugin / "x.wasm").unlink()
    (plugin / "x.wasm").symlink_to("y.wasm")
    (plugin / "y.wasm").symlink_to("x.wasm")
    with pytest.raises(ManifestError, match="binary: "):
        read_manifest(write(plugin, MINIMAL))
    (plugin / "y.wasm").unlink()
    (plugin / "y.wasm").write_bytes(b"")
    assert read_manifest(plugin).binary == "x.wasm"


def test_an_absolute_path_is_refused_even_when_it_lies_inside(tmp_path):
    with pytest.raises(ManifestError, match="binary: the binary must lie inside"):
        read_manifest(write(tmp_path, f"name: x\nbinary: {tmp_path / 'x.wasm'}\n"))


def test_a_link_that_changes_after_the_manifest_was_read_is_refused(tmp_path):
    plugin = tmp_path / "plugin"
    plugin.mkdir()
    (plugin / "x.wasm").write_bytes(b"inside")
    (tmp_path / "outside.wasm").write_bytes(b"outside")
    manifest = read_manifest(write(plugin, MINIMAL))
    assert read_binary(manifest, 100) == b"inside"
    (plugin / "x.wasm").unlink()
    (plugin / "x.wasm").symlink_to(tmp_path / "outside.wasm")
    with pytest.raises(LoadError, match=r"failed to load WASM module: x\.wasm: is outside"):
        read_binary(manifest, 100)


def test_requires_is_enforced(tmp_path):
    write(tmp_path, MINIMAL + "requires:\n  zeno: '>=99'\n")
    with pytest.raises(ManifestError, match=f"plugin x requires ZenoEngine >=99, this is {ZENO_VERSION}") as caught:
        read_manifest(tmp_path, ZENO_VERSION)
    assert (caught.value.line, caught.value.field) == (4, "requires.zeno")
    assert read_manifest(tmp_path).name == "x"
    assert read_manifest(tmp_path, "99.1.0").name == "x"


@given(st.text(alphabet="namebirysopt:-[]{}&*'\" \n,1", max_size=80))
def test_no_text_makes_another_exception(text):
    with contextlib.suppress(ManifestError):
        parse_manifest(MINIMAL + text, Path("p"))
