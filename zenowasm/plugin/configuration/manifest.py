"""Reads and checks ``manifest.yaml`` (ABI document, section "Manifest").

Every error names the file, the line and the field, and says what was expected. An unknown key is a warning, because
manifests of the original contain keys for other tools. A missing permission denies.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Any, Final

from attrs import evolve, field, frozen

from zenowasm.plugin.access.path_rules import PathRule
from zenowasm.plugin.access.permissions import SCOPE_FORMS, Permissions
from zenowasm.plugin.access.url_rules import RuleError, UrlRule
from zenowasm.plugin.configuration.document import (
    MAX_BYTES,
    DocumentError,
    MappingNode,
    Node,
    Scalar,
    SequenceNode,
    load,
)
from zenowasm.plugin.configuration.files import read_bounded
from zenowasm.plugin.configuration.limits import LimitSettings
from zenowasm.plugin.configuration.typed import NOT_IN_FILE, FieldError, Reader, one_of, string, unknown_keys
from zenowasm.plugin.configuration.units import Count
from zenowasm.plugin.configuration.versions import RangeError, satisfies
from zenowasm.plugin.errors import ManifestError

FILE_NAME: Final = "manifest.yaml"
MAX_NAME = 128


class PluginType(Enum):
    """The type of a plugin: WebAssembly inside the host, or a separate process."""

    WASM = "wasm"
    SIDECAR = "sidecar"


class ConfigType(Enum):
    """The type of a configuration value."""

    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"


_CONFIG_TYPES = {
    "": ConfigType.STRING,
    "string": ConfigType.STRING,
    "str": ConfigType.STRING,
    "int": ConfigType.INTEGER,
    "integer": ConfigType.INTEGER,
    "number": ConfigType.NUMBER,
    "float": ConfigType.NUMBER,
    "bool": ConfigType.BOOLEAN,
    "boolean": ConfigType.BOOLEAN,
}
_ONE = Count(1)
_PLUGIN_TYPES = {"": PluginType.WASM, "wasm": PluginType.WASM, "sidecar": PluginType.SIDECAR}


@frozen
class Requires:
    """The plugin's requirements on its host: ``zeno`` is a range of ZenoEngine versions, empty for any."""

    zeno: str = ""


@frozen
class PermissionLists:
    """The permissions listed in a manifest; ``zenowasm.plugin.access.permissions`` defines their meaning."""

    network: tuple[str, ...] = ()
    filesystem: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    database: tuple[str, ...] = ()
    scope: tuple[str, ...] = ()


@frozen
class ConfigParameter:
    """One configuration parameter: the variable ``env``, else ``default``, else an error if it is required."""

    type: ConfigType = ConfigType.STRING
    required: bool = False
    env: str = ""
    default: str | None = None
    description: str = ""


@frozen
class Sidecar:
    """The settings for a plugin's process; see ``zenowasm.plugin.sidecar.keeper``.

    The host restarts the process after up to ``max_retries`` consecutive crashes. ``concurrency``, this project's
    addition, bounds the concurrent calls to the process; above 1, each ``host_call`` names its call in ``call_id``.
    """

    protocol: str = "json-rpc"
    auto_start: bool = False
    keep_alive: bool = False
    max_retries: int = 3
    concurrency: Count = _ONE


@frozen
class ManifestWarning:
    """Something in a manifest that has no effect; ``line`` counts from 1."""

    message: str
    line: int
    field: str


@frozen
class Manifest:
    """A plugin's manifest. ``folder`` is the plugin's folder; ``slots`` in the file is ignored, as in the original.

    ``limits`` is this project's addition: limits that the plugin accepts, which can only lower the host's.
    """

    name: str
    binary: str
    version: str = ""
    type: PluginType = PluginType.WASM
    author: str = ""
    description: str = ""
    license: str = ""
    homepage: str = ""
    requires: Requires = Requires()
    permissions: PermissionLists = PermissionLists()
    config: Mapping[str, ConfigParameter] = field(factory=dict)
    sidecar: Sidecar = Sidecar()
    limits: LimitSettings = field(factory=LimitSettings)
    folder: Path = field(default=Path(), kw_only=True, metadata={NOT_IN_FILE: True})
    warnings: tuple[ManifestWarning, ...] = field(default=(), kw_only=True, eq=False, metadata={NOT_IN_FILE: True})

    @property
    def file(self) -> Path:
        """The path of the manifest."""
        return self.folder / FILE_NAME

    @property
    def binary_path(self) -> Path:
        """The path of the binary."""
        return self.folder / self.binary

    def granted(self) -> Permissions:
        """Return the permissions that the lists grant; entries that cannot grant anything are left out."""
        return Permissions.of(
            network=_usable(UrlRule.parse, self.permissions.network),
            filesystem=_usable(PathRule.parse, self.permissions.filesystem),
            env=self.permissions.env,
            database=self.permissions.database,
            scope=self.permissions.scope,
        )


def _config_type(node: Any, _: object) -> ConfigType:
    return one_of(node, _CONFIG_TYPES, "one of string, integer, number, boolean")  # type: ignore[no-any-return]


def _plugin_type(node: Any, _: object) -> PluginType:
    return one_of(node, _PLUGIN_TYPES, "wasm or sidecar")  # type: ignore[no-any-return]


_READER = Reader({ConfigType: _config_type, PluginType: _plugin_type})


def plugin_folders(folder: Path) -> list[Path]:
    """Return the subfolders of ``folder`` that contain a manifest or cannot be examined, sorted by name.

    Raises ``OSError`` if ``folder`` itself cannot be read.
    """
    return sorted(path for path in folder.iterdir() if path.is_dir() and _may_hold_manifest(path))


def _may_hold_manifest(folder: Path) -> bool:
    try:
        (folder / FILE_NAME).lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:  # reading the manifest reports the error
        return True
    return True


def read_manifest(folder: Path, zeno_version: str | None = None) -> Manifest:
    """Read and check the manifest in a plugin's ``folder``; nothing else in the folder is opened.

    ``requires.zeno`` must admit ``zeno_version``; ``None`` skips this check. Raises ``ManifestError`` with the
    original's messages: ``failed to read manifest: E``, ``failed to parse manifest: E``, ``plugin name is
    required``, ``plugin binary is required``.
    """
    file = folder / FILE_NAME
    try:
        data = read_bounded(file, MAX_BYTES)
    except OSError as error:
        raise ManifestError(f"failed to read manifest: {file}: {error.strerror}", file=file) from error
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _parse_error(file, line, "", "not UTF-8") from error
    manifest = parse_manifest(text, folder)
    if zeno_version is not None:
        _check_requires(manifest, zeno_version, text)
    return manifest


def parse_manifest(text: str, folder: Path) -> Manifest:
    """Parse the manifest in ``text``, of a plugin in ``folder``; raises ``ManifestError``."""
    file = folder / FILE_NAME
    try:
        root = load(text)
    except DocumentError as error:
        raise _parse_error(file, error.line, error.field, str(error)) from error
    if not isinstance(root, MappingNode):
        raise _parse_error(file, root.line, "", f"expected a mapping, found {root.kind}")
    for key in ("name", "binary"):
        _check_present(root, key, file)
    try:
        manifest = _READER.read(root, Manifest)
        _check_name(root["name"])
        _check_binary(root["binary"], folder)
        _check_range(root, manifest)
    except FieldError as error:
        raise _parse_error(file, error.node.line, error.node.path, str(error)) from error
    return evolve(manifest, folder=folder, warnings=tuple(_warnings(root)))


def _parse_error(file: Path, line: int, name: str, message: str) -> ManifestError:
    where = f"{file}:{line}" + (f": {name}" if name else "")
    return ManifestError(f"failed to parse manifest: {where}: {message}", file=file, line=line, field=name)


def _check_present(root: MappingNode, key: str, file: Path) -> None:
    node = root.get(key)
    if node is None or node.is_null or (isinstance(node, Scalar) and not node.text.strip()):
        line = root.line if node is None else node.line
        raise ManifestError(f"plugin {key} is required ({file}:{line}: field `{key}`)", file=file, line=line, field=key)


def _check_name(node: Node) -> None:
    name = string(node)
    if len(name) > MAX_NAME or not name.isprintable():
        raise FieldError(node, f"expected a name of up to {MAX_NAME} printable characters")


def _check_binary(node: Node, folder: Path) -> None:
    """Raise ``FieldError`` if the binary is outside the plugin's folder, for example through symbolic links."""
    binary = string(node)
    if "\0" in binary or not binary.isprintable():
        raise FieldError(node, "expected the name of a file")
    try:
        inside = _resolved(folder / binary).is_relative_to(folder.resolve())
    except (OSError, RuntimeError) as error:  # a loop of links: Python before 3.13 raises RuntimeError
        raise FieldError(node, f"cannot be resolved: {error}") from error
    if os.path.isabs(binary) or "\\" in binary or not inside:
        raise FieldError(node, "the binary must lie inside the plugin's folder")


def _resolved(path: Path) -> Path:
    """Follow all links of a path, which need not exist; a loop raises ``OSError`` or ``RuntimeError``."""
    try:
        return path.resolve(strict=True)
    except FileNotFoundError:
        return path.resolve()


def _check_range(root: MappingNode, manifest: Manifest) -> None:
    if manifest.requires.zeno:
        requires = root["requires"]
        assert isinstance(requires, MappingNode)
        try:
            satisfies("0.0.0", manifest.requires.zeno)
        except RangeError as error:
            raise FieldError(requires["zeno"], f"{error}; expected a range such as >=0.3.0") from error


def _check_requires(manifest: Manifest, version: str, text: str) -> None:
    wanted = manifest.requires.zeno
    if wanted and not satisfies(version, wanted):
        root = load(text)
        requires = root["requires"] if isinstance(root, MappingNode) else root
        line = requires["zeno"].line if isinstance(requires, MappingNode) else 0
        raise ManifestError(
            f"plugin {manifest.name} requires ZenoEngine {wanted}, this is {version} "
            f"({manifest.file}:{line}: field `requires.zeno`)",
            file=manifest.file,
            line=line,
            field="requires.zeno",
        )


def _warnings(root: MappingNode) -> list[ManifestWarning]:
    found = [
        ManifestWarning(f"unknown key, ignored; {key.hint}", key.line, key.path)
        for key in unknown_keys(root, Manifest, also=("slots",))
    ]
    permissions = root.get("permissions")
    if isinstance(permissions, MappingNode):
        found += _useless_rules(permissions)
    return found


def _useless_rules(permissions: MappingNode) -> list[ManifestWarning]:
    warnings = []
    for kind, parse in (("network", UrlRule.parse), ("filesystem", PathRule.parse), ("scope", _scope_form)):
        rules = permissions.get(kind)
        for rule in rules if isinstance(rules, SequenceNode) else ():
            try:
                parse(string(rule))
            except RuleError as error:
                warnings.append(ManifestWarning(f"grants nothing: {error}", rule.line, rule.path))
    return warnings


def _scope_form(text: str) -> str:
    if text not in SCOPE_FORMS:
        raise RuleError(f"expected {' or '.join(SCOPE_FORMS)}")
    return text


def _usable(parse: Any, entries: tuple[str, ...]) -> list[str]:
    usable = []
    for entry in entries:
        try:
            parse(entry)
        except RuleError:  # reported as a warning when the manifest was read
            continue
        usable.append(entry)
    return usable
