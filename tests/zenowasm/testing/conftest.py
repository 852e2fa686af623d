"""Runs pytest inside of a test, as a plugin's author does."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from zenowasm.toolchains.build import build_plugin
from zenowasm.toolchains.languages import LANGUAGES
from zenowasm.toolchains.templates import new_plugin

HERE = Path(__file__).parent
HELLO = HERE.parents[2] / "examples" / "plugins" / "hello"
PERMISSIONS = {
    "network": ["https://api.example.com/v1/*"],
    "filesystem": ["data"],
    "database": ["main"],
    "env": ["ASKER_WORD"],
}


@pytest.fixture(scope="session")
def asker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A plugin made by `plugin new --lang c`, with another source, that asks whatever it is told to."""
    folder = new_plugin(LANGUAGES["c"], "asker", tmp_path_factory.mktemp("asker"))
    shutil.copy(HERE / "asker.c", folder / "plugin.c")
    manifest = yaml.safe_load((folder / "manifest.yaml").read_text())
    (folder / "manifest.yaml").write_text(yaml.safe_dump({**manifest, "permissions": PERMISSIONS}))
    build_plugin(folder)
    return folder


@pytest.fixture
def author(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A folder with the plugin hello, and a pytest that runs there."""
    shutil.copytree(HELLO, pytester.path / "plugins" / "hello")
    # Inside of this process pytest would set the handler of faults anew, over that with which wasmtime makes traps.
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p no:faulthandler")
    pytester.makeini("[pytest]\nfilterwarnings = error\n")
    return pytester


@pytest.fixture
def asking(author: pytest.Pytester, asker: Path) -> pytest.Pytester:
    """The same with the plugin asker, which its tests call with ``ask``."""
    shutil.copytree(asker, author.path / "plugins" / "asker")
    author.makeconftest(
        """
        import json
        import pytest

        @pytest.fixture
        def ask(zeno_call):
            def call(function, request):
                text = request if isinstance(request, str) else json.dumps(request)
                data = zeno_call("asker.ask", function=function, request=text)
                return data.get("reply", data)
            return call
        """
    )
    return author
