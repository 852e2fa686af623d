"""The time from the start of a process to its first slot result, with an empty cache and with the cache it filled."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Final

from zenowasm.bench.errors import DisagreementError
from zenowasm.bench.hosts.ours import PLUGINS
from zenowasm.bench.hosts.protocol import PluginHost
from zenowasm.bench.results import Start
from zenowasm.cache import CACHE_DIR, cache_folder
from zenowasm.toolchains.build import build_plugin
from zenowasm.toolchains.errors import ToolchainError
from zenowasm.toolchains.languages import LANGUAGES
from zenowasm.toolchains.templates import new_plugin

BUILT: Final = ("rust", "go")
_PLUGIN: Final = "hello"


def plugin_folders(languages: Sequence[str] = BUILT) -> tuple[dict[str, Path], dict[str, str]]:
    """Return the folders of the hello plugins by language, and why others are absent.

    The Rust and Go binaries are built once from the templates of ``plugin new`` and kept in the user's cache.
    """
    folders, absent = {"C": PLUGINS}, {}
    for key in languages:
        try:
            folders[LANGUAGES[key].name] = _built(key)
        except ToolchainError as error:
            absent[f"hello in {LANGUAGES[key].name}"] = str(error)
    return folders, absent


def _built(key: str) -> Path:
    with TemporaryDirectory() as folder:
        fresh = new_plugin(LANGUAGES[key], _PLUGIN, Path(folder))
        digest = hashlib.sha256(b"\0".join(it.read_bytes() for it in sorted(fresh.iterdir()))).hexdigest()[:16]
        kept = cache_folder(os.environ) / "bench" / f"{key}-{digest}"
        if not list(kept.glob("*/*.wasm")):
            build_plugin(fresh)
            shutil.copytree(fresh, kept / _PLUGIN, dirs_exist_ok=True)
    return kept


def measure(folders: dict[str, Path], hosts: Sequence[PluginHost], rounds: int) -> Iterator[Start]:
    """Measure each plugin in turn on each host that can load it."""
    pairs = [(language, host) for language in folders for host in hosts if language == "C" or host.loads_any]
    taken: dict[tuple[str, str], list[tuple[float, float]]] = {(language, host.label): [] for language, host in pairs}
    for _ in range(rounds):
        for language, host in pairs:
            with TemporaryDirectory() as cache:
                runs = [_run(host.label, folders[language], cache) for _ in range(2)]
            taken[language, host.label].append((runs[0], runs[1]))
    for (language, label), seconds in taken.items():
        sizes = {host.label: host.size(folders[language]) for host in hosts}
        yield Start(language, label, sizes[label], tuple(it[0] for it in seconds), tuple(it[1] for it in seconds))


def _run(label: str, folder: Path, cache: str) -> float:
    command = [sys.executable, "-m", "zenowasm.bench.first_call", label, str(folder)]
    started = perf_counter()
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "XDG_CACHE_HOME": cache, CACHE_DIR: cache}
    ) as process:
        assert process.stdout is not None
        answer = process.stdout.readline().strip()
        seconds = perf_counter() - started
    if answer != "Hello, World!":
        raise DisagreementError("first slot call", {label: answer or "nothing"})
    return seconds
