"""The extension for VS Code: what it contributes against the adapter, and its package."""

from __future__ import annotations

import json
import os
import subprocess
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import attrs
import pytest
from support.toolchains import ROOT

from zenowasm import __version__
from zenowasm.frontends.dap.arguments import Launch, protocol_name, structured

FOLDER = ROOT / "editors" / "vscode"
PACKAGER = ROOT / "build" / "toolchains" / "node_modules" / ".bin" / "vsce"
DEFINED_BY_THE_EDITOR = {"type", "request", "name"}
MANIFEST = json.loads((FOLDER / "package.json").read_text())
(DEBUGGER,) = MANIFEST["contributes"]["debuggers"]
_EDITOR = """
const made = [];
const vscode = {
  DebugAdapterExecutable: function (command, args, options) { Object.assign(this, {command, args, options}); },
  workspace: {getConfiguration: (name, folder) => ({get: (key, otherwise) => SETTINGS[`${name}.${key}`] ?? otherwise})},
  window: {activeTextEditor: {document: {uri: {fsPath: '/w/test.zl'}}}},
  debug: {
    registerDebugAdapterDescriptorFactory: (type, it) => made.push([type, it]),
    registerDebugConfigurationProvider: (type, it) => made.push([type, it]),
  },
};
const Module = require('module');
const load = Module._load;
Module._load = (name, ...rest) => (name === 'vscode' ? vscode : load(name, ...rest));
const context = {subscriptions: []};
require(EXTENSION).activate(context);
const [[, factory], [, provider]] = made;
console.log(JSON.stringify({
  types: made.map(([type]) => type),
  subscriptions: context.subscriptions.length,
  adapter: factory.createDebugAdapterDescriptor({workspaceFolder: {uri: {fsPath: '/w'}}}),
  given: provider.resolveDebugConfiguration(undefined, {type: 'zenowasm'}),
  made: provider.resolveDebugConfiguration(undefined, {}),
}));
"""


def test_the_attributes_of_a_launch_are_the_adapters() -> None:
    attributes = DEBUGGER["configurationAttributes"]["launch"]
    names = {protocol_name(it.name) for it in attrs.fields(Launch)}
    assert set(attributes["properties"]) == names - {"noDebug"}  # the editor sets that itself
    assert not [it.name for it in attrs.fields(Launch) if it.default is attrs.NOTHING]
    assert attributes["anyOf"] == [{"required": ["program"]}, {"required": ["replay"]}]


@pytest.mark.parametrize("snippet", DEBUGGER["configurationSnippets"], ids=lambda it: it["label"])
def test_the_snippets_are_launches(snippet) -> None:
    body = snippet["body"]
    assert (body["type"], body["request"]) == (DEBUGGER["type"], "launch")
    assert set(body) - DEFINED_BY_THE_EDITOR <= set(DEBUGGER["configurationAttributes"]["launch"]["properties"])
    launch = structured(Launch, body)
    assert launch.program or launch.replay


def test_the_version_is_that_of_the_package() -> None:
    assert MANIFEST["version"] == __version__


@pytest.fixture
def _installed() -> None:
    if not PACKAGER.exists() and not os.environ.get("CI"):
        pytest.skip("the packager is not installed: run .ci/toolchains.sh")


@pytest.mark.usefixtures("_installed")
@pytest.mark.parametrize(
    ("settings", "command"), [({}, "zenowasm"), ({"zenowasm.command": "/v/zenowasm"}, "/v/zenowasm")]
)
def test_the_extension_starts_the_adapter(settings, command) -> None:
    program = (
        f"const SETTINGS = {json.dumps(settings)}, EXTENSION = {json.dumps(str(FOLDER / 'extension.js'))};{_EDITOR}"
    )
    done = subprocess.run(["node", "-e", program], capture_output=True, text=True, timeout=60, check=True)
    assert json.loads(done.stdout) == {
        "types": ["zenowasm", "zenowasm"],
        "subscriptions": 2,
        "adapter": {"command": command, "args": ["dap"], "options": {"cwd": "/w"}},
        "given": {"type": "zenowasm"},
        "made": {"type": "zenowasm", "request": "launch", "name": "Debug this file", "program": "/w/test.zl"},
    }


@pytest.mark.usefixtures("_installed")
def test_the_package_can_be_installed(tmp_path: Path) -> None:
    package = tmp_path / "zenowasm.vsix"
    words = [PACKAGER, "package", "--no-dependencies", "--allow-missing-repository", "--out", package]
    done = subprocess.run(words, cwd=FOLDER, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(package) as archive:
        names = set(archive.namelist())
        assert names >= {"extension/package.json", "extension/extension.js", "extension/readme.md"}
        assert json.loads(archive.read("extension/package.json"))["contributes"] == MANIFEST["contributes"]
        manifest = ElementTree.fromstring(archive.read("extension.vsixmanifest"))
    identity = next(it for it in manifest.iter() if it.tag.endswith("}Identity"))
    assert (identity.get("Id"), identity.get("Publisher"), identity.get("Version")) == (
        "zenowasm",
        "zenowasm",
        __version__,
    )
    assets = {it.get("Type"): it.get("Path") for it in manifest.iter() if it.tag.endswith("}Asset")}
    assert assets["Microsoft.VisualStudio.Code.Manifest"] == "extension/package.json"
