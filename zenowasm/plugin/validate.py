"""The checks of ``plugin validate PATH``: manifest, binary, exports, imports, and their signatures.

The module is decoded and validated, but not run.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from pathlib import Path

from attrs import define, field, frozen

from zenowasm.backends.protocol import Engine, ExecutionLimits, Module
from zenowasm.interp.binary import decode
from zenowasm.interp.errors import WasmError
from zenowasm.interp.limits import PAGE_SIZE
from zenowasm.interp.syntax.module import Module as Structure
from zenowasm.plugin.configuration.config import resolve_config
from zenowasm.plugin.configuration.limits import LimitSource, PluginLimits
from zenowasm.plugin.configuration.manifest import FILE_NAME, Manifest, PluginType, read_manifest
from zenowasm.plugin.configuration.versions import ZENO_VERSION
from zenowasm.plugin.errors import PluginError
from zenowasm.plugin.guest.abi import CLEANUP, EXPORTS, REQUIRED, export_problems
from zenowasm.plugin.guest.code import interface, read_binary


class Level(Enum):
    """The result of a check."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


@frozen
class Check:
    """One check: its subject, its result and a message."""

    subject: str
    level: Level
    message: str


@define
class ValidationReport:
    """All checks of one plugin, in order; ``manifest`` is ``None`` if it could not be read."""

    folder: Path
    manifest: Manifest | None = None
    checks: list[Check] = field(factory=list)

    @property
    def ok(self) -> bool:
        """Whether no check ended in an error."""
        return all(check.level is not Level.ERROR for check in self.checks)

    def count(self, level: Level) -> int:
        """Return the number of checks with the result ``level``."""
        return sum(check.level is level for check in self.checks)

    def add(self, subject: str, level: Level, message: str) -> None:
        """Record a check."""
        self.checks.append(Check(subject, level, message))


def validate_plugin(path: Path, engine: Engine, environment: Mapping[str, str] | None = None) -> ValidationReport:
    """Check the plugin in the folder ``path`` (or whose manifest is ``path``); report its errors without raising.

    With ``environment``, also check that every required configuration value has a source.
    """
    report = ValidationReport(path.parent if path.name == FILE_NAME else path)
    try:
        manifest = report.manifest = read_manifest(report.folder, ZENO_VERSION)
    except PluginError as error:
        report.add("manifest", Level.ERROR, str(error))
        return report
    report.add("manifest", Level.OK, f"{manifest.name} {manifest.version}".rstrip())
    for warning in manifest.warnings:
        report.add("manifest", Level.WARNING, f"{manifest.file}:{warning.line}: {warning.field}: {warning.message}")
    if not manifest.version:
        report.add("manifest", Level.WARNING, "no version is given")
    if environment is not None:
        _check_config(report, manifest, environment)
    if manifest.type is PluginType.WASM:
        _check_binary(report, manifest, engine)
    else:
        report.add("binary", Level.WARNING, f"a {manifest.type.value} plugin: its binary is not WebAssembly")
    return report


def _check_config(report: ValidationReport, manifest: Manifest, environment: Mapping[str, str]) -> None:
    try:
        config = resolve_config(manifest, environment)
    except PluginError as error:
        report.add("config", Level.WARNING, str(error))
        return
    if manifest.config:
        report.add("config", Level.OK, f"{len(config)} of {len(manifest.config)} parameters have a value")


def _check_binary(report: ValidationReport, manifest: Manifest, engine: Engine) -> None:
    try:
        binary = read_binary(manifest, PluginLimits().binary_bytes)
    except PluginError as error:
        report.add("binary", Level.ERROR, str(error))
        return
    report.add("binary", Level.OK, f"{manifest.binary}, {len(binary)} bytes")
    try:
        module = engine.compile(binary)
    except WasmError as error:
        report.add("module", Level.ERROR, str(error))
        return
    report.add("module", Level.OK, "well-formed and valid")
    _check_exports(report, manifest, module)
    _check_imports(report, module)
    _check_sizes(report, manifest, decode(binary))


def _check_exports(report: ValidationReport, manifest: Manifest, module: Module) -> None:
    problems = export_problems(module, manifest.name)
    for problem in problems:
        report.add("exports", Level.ERROR, str(problem))
    names = {export.name for export in module.exports}
    if CLEANUP not in names:
        report.add("exports", Level.WARNING, f"no {CLEANUP}: nothing runs when the plugin is unloaded")
    if not problems:
        present = [f"{name} {EXPORTS[name]}" for name in (*REQUIRED, CLEANUP) if name in names]
        report.add("exports", Level.OK, ", ".join(present))


def _check_imports(report: ValidationReport, module: Module) -> None:
    problems = interface().problems(module)
    for problem in problems:
        report.add("imports", Level.ERROR, problem.message)
    if not problems:
        names = ", ".join(f"{wanted.module}.{wanted.name}" for wanted in module.imports)
        report.add("imports", Level.OK, names or "none")


def _check_sizes(report: ValidationReport, manifest: Manifest, structure: Structure) -> None:
    """Check the module's declarations against the default limits."""
    limits = PluginLimits().restricted(manifest.limits, LimitSource.MANIFEST)
    most_elements = ExecutionLimits().table_elements
    size = sum(type.limits.minimum for type in structure.memory_types()) * PAGE_SIZE
    elements = sum(type.limits.minimum for type in structure.table_types())
    if size > limits.memory_bytes:
        remedy = limits.remedy("memory_bytes", manifest.name)
        declared = f"{size} bytes of memory are declared, and the limit is {limits.memory_bytes}; {remedy}"
        report.add("memory", Level.ERROR, declared)
    if elements > most_elements:
        report.add("tables", Level.ERROR, f"{elements} elements are declared, and the limit is {most_elements}")
