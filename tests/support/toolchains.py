"""Compilers for tests: where they are, and one build of each plugin for all workers."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest
from attrs import frozen

from zenowasm.backends import registry
from zenowasm.backends.cache import ModuleCache
from zenowasm.backends.protocol import EngineOptions
from zenowasm.plugin.configuration.limits import PluginLimits
from zenowasm.plugin.guest.abi import Response
from zenowasm.plugin.lifecycle.manager import PluginManager
from zenowasm.plugin.services import HostServices
from zenowasm.toolchains.build import build_plugin
from zenowasm.toolchains.languages import LANGUAGES
from zenowasm.zenolang.scope import Scope

ROOT = Path(__file__).parents[2]
ASC = ROOT / "build" / "toolchains" / "node_modules" / ".bin"
NOW = 1_700_000_000
"""What the host's clock says in tests, in seconds; fixed, so that fuel is the same everywhere."""


def use_toolchains(patch: pytest.MonkeyPatch) -> None:
    """Put what ``.ci/toolchains.sh`` installs into PATH."""
    patch.setenv("PATH", os.pathsep.join([str(ASC), os.environ["PATH"]]))


def need(key: str, folder: Path = ROOT) -> None:
    """Skip a test whose compiler is not installed; in CI it has to be."""
    if not LANGUAGES[key].find(folder) and not os.environ.get("CI"):
        pytest.skip(f"{LANGUAGES[key].name} is not installed: run .ci/toolchains.sh")


def built(folder: Path, key: str, cache: Path) -> Path:
    """Return a built copy of a plugin, made once by whichever worker comes first."""
    need(key)
    sources = sorted(path for path in folder.iterdir() if path.is_file() and path.suffix != ".wasm")
    digest = hashlib.sha256(b"".join(path.name.encode() + path.read_bytes() for path in sources)).hexdigest()
    ready = cache / f"{folder.name}-{digest[:16]}" / folder.name
    if not ready.is_dir():
        work = cache / f"work-{os.getpid()}-{folder.name}"
        copy = work / folder.name
        copy.mkdir(parents=True)
        for source in sources:
            shutil.copy(source, copy)
        build_plugin(copy, key)
        try:
            work.rename(ready.parent)
        except OSError:  # another worker was there first
            shutil.rmtree(work)
    return ready


@frozen
class Observed:
    """What a call answered, what was logged until then, and the fuel that the call consumed."""

    response: Response
    logged: tuple[tuple[str, str], ...]
    fuel: int


def counting_clock() -> object:
    """Return a clock that goes on by a microsecond at every look: Go does not start with one that stands."""
    ticks = iter(range(1_000, 1 << 60, 1_000))
    return lambda: next(ticks)


class PluginBench:
    """One plugin on every engine, with a clock and random bytes that are the same for each."""

    def __init__(self, folder: Path, backends: tuple[str, ...] = (), **services: object) -> None:
        # The date in a server's answer is another for each engine, and so is what a hash table makes of it.
        self.fuel_agrees = "http" not in services
        self.managers: dict[str, PluginManager] = {}
        options = EngineOptions(ModuleCache.of(os.environ))  # each test would compile megabytes anew
        self.logs: dict[str, list[tuple[str, str]]] = {}
        for name in backends or tuple(registry.names()):
            lines = self.logs[name] = []
            given = {
                "limits": PluginLimits(seconds=120, compile_seconds=300),
                "realtime": lambda: NOW * 1_000_000_000,
                "monotonic": counting_clock(),
                "random": lambda count: bytes(index * 7 % 256 for index in range(count)),
                "log": lambda record, lines=lines: lines.append((record.level, record.message)),
                **services,
            }
            manager = self.managers[name] = PluginManager(registry.engine(name, options), HostServices(**given))
            manager.load(folder)

    def call(self, slot: str, parameters: Mapping[str, object], scope: Mapping[str, object] | None = None) -> Response:
        """Call a slot on every engine; they must agree on everything."""
        seen = []
        for name, manager in self.managers.items():
            (plugin,) = manager.plugins.values()
            before = plugin.fuel_consumed
            response = manager.call(slot, parameters, Scope(dict(scope or {})))
            seen.append(Observed(response, tuple(self.logs[name]), plugin.fuel_consumed - before))
        for other in seen[1:]:
            assert (other.response, other.logged) == (seen[0].response, seen[0].logged)
            assert other.fuel == seen[0].fuel or not self.fuel_agrees
        return seen[0].response

    def data(self, slot: str, parameters: Mapping[str, object], scope: Mapping[str, object] | None = None) -> object:
        """Call a slot that must succeed, and return its data."""
        response = self.call(slot, parameters, scope)
        assert response.success, response.error
        return response.data

    def error(self, slot: str, parameters: Mapping[str, object]) -> str:
        """Call a slot that must fail, and return its error."""
        response = self.call(slot, parameters)
        assert not response.success
        return response.error or ""

    def close(self) -> None:
        for manager in self.managers.values():
            manager.close()
