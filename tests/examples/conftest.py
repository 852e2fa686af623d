"""The example plugins, built once, and servers that stand for what they talk to."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.toolchains import ROOT, PluginBench, built, use_toolchains
from support.web import Web, serving

from zenowasm.plugin.services import given
from zenowasm.resources.http.client import HttpClient

LANGUAGES = {"payments": "go", "s3": "rust", "telegram": "as", "markdown": "c"}


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Path]]:
    """Return what builds an example; its result is kept for all workers of this run."""
    patch = pytest.MonkeyPatch()
    use_toolchains(patch)
    shared = tmp_path_factory.getbasetemp().parent if "PYTEST_XDIST_WORKER" in os.environ else None
    cache = (shared or tmp_path_factory.getbasetemp()) / "built-examples"
    cache.mkdir(exist_ok=True)

    def make(name: str) -> Path:
        (folder,) = (ROOT / "examples").glob(f"*/{name}")
        return built(folder, LANGUAGES[name], cache)

    yield make
    patch.undo()


@pytest.fixture
def web() -> Iterator[Web]:
    with serving() as server:
        yield server


@pytest.fixture
def http() -> Iterator[HttpClient]:
    client = HttpClient()
    yield client
    client.close()


@pytest.fixture
def host(build, tmp_path, http) -> Iterator[Callable[..., PluginBench]]:
    """Open an example on every engine; ``address`` is what its manifest may reach instead of the real API."""
    opened = []

    def make(name: str, address: str = "", *, backends: tuple[str, ...] = (), **variables: str) -> PluginBench:
        folder = tmp_path / name
        folder.mkdir()
        source = build(name)
        manifest = (source / "manifest.yaml").read_text()
        lines = [f'  network: ["{address}/*"]' if line.startswith("  network:") else line
                 for line in manifest.splitlines()]  # fmt: skip
        (folder / "manifest.yaml").write_text("\n".join(lines))
        (folder / f"{name}.wasm").write_bytes((source / f"{name}.wasm").read_bytes())
        bench = PluginBench(folder, backends, environment=variables, http=given(http))
        opened.append(bench)
        return bench

    yield make
    for bench in opened:
        bench.close()
