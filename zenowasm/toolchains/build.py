"""Builds a plugin in its folder: detects the language and the compiler, and reads the output path from the manifest."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

from attrs import frozen

from zenowasm.plugin.configuration.manifest import FILE_NAME, PluginType, read_manifest
from zenowasm.toolchains.errors import CompileError, MissingToolchainError, SourceError
from zenowasm.toolchains.language import Language
from zenowasm.toolchains.languages import LANGUAGES


@frozen
class Built:
    """A built plugin: the file, its size in bytes, its SHA-256 as hexadecimal digits, and the compiler."""

    file: Path
    size: int
    sha256: str
    language: str
    toolchain: str


def build_plugin(
    folder: Path, language: str | None = None, toolchain: str | None = None, *, debug: bool = False
) -> Built:
    """Build the plugin in ``folder``; replace the binary that its manifest names only if the build succeeds.

    ``language`` is a key of ``LANGUAGES``, or ``None`` to detect it from the files. ``toolchain`` is a compiler's name,
    or ``None`` for the best installed one. ``debug`` is passed to ``Toolchain.build``. Raises ``ManifestError``,
    ``SourceError`` if there is nothing to build, ``MissingToolchainError``, whose message says what to install, or
    ``CompileError`` with the compiler's output.
    """
    manifest = read_manifest(folder)
    if manifest.type is not PluginType.WASM:
        raise SourceError(f"{folder / FILE_NAME}: a {manifest.type.value} plugin is not built to WebAssembly")
    spoken = _language(folder, language)
    found = spoken.find(folder)
    chosen = next((entry for entry in found if toolchain in (None, entry.name)), None)
    if chosen is None:
        wanted = f"compiler {toolchain}" if toolchain else "compiler"
        raise MissingToolchainError(f"no {wanted} for {spoken.name} was found; to install one: {spoken.install}")
    target = manifest.binary_path
    try:
        # In the same folder as the target, so that the file can be renamed atomically.
        with tempfile.TemporaryDirectory(prefix=".build-", dir=target.parent) as work:
            output = Path(work).resolve() / "plugin.wasm"
            chosen.build(folder, output, debug)
            binary = output.read_bytes()
            output.chmod(0o644)
            os.replace(output, target)
    except OSError as error:
        raise CompileError(f"cannot write {target}: {error.strerror}") from error
    return Built(target, len(binary), hashlib.sha256(binary).hexdigest(), spoken.name, str(chosen))


def _language(folder: Path, key: str | None) -> Language:
    candidates = [LANGUAGES[key]] if key else list(LANGUAGES.values())
    found = [language for language in candidates if language.sources(folder)]
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(f"{language.name} (--lang {language.key})" for language in found)
        raise SourceError(f"{folder} has sources in {names}: say which with --lang")
    endings = ", ".join(name for it in candidates for name in (f"*{it.ending}", it.project) if name)
    raise SourceError(f"{folder} has no sources to build: expected {endings}")
