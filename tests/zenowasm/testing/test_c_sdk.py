"""The functions of ``zeno.h``, as C and as C++, by each compiler, on each engine."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from zenowasm.toolchains.build import build_plugin
from zenowasm.toolchains.languages import LANGUAGES
from zenowasm.toolchains.templates import new_plugin

MANIFEST = """
name: sdk_user
version: 0.1.0
binary: sdk_user.wasm
permissions:
  network: ["https://api.example.com/v1/*"]
  filesystem: [data]
  database: [main]
  env: [SDK_WORD]
  scope: [write]
"""
TESTS = r"""
import pytest
from zenowasm import SlotFailedError

NAME = 'Wörld "\\ \n\x01 \U0001f600'


@pytest.fixture
def zeno_env():
    return {"SDK_WORD": "schön"}


def test_database(zeno_call, zeno_database):
    with pytest.raises(SlotFailedError, match="no such table: birds"):
        zeno_call("sdk_user.names")
    zeno_database.execute("CREATE TABLE birds (name TEXT)")
    assert zeno_call("sdk_user.insert", name=NAME) == {"affected": 1}
    assert zeno_database.rows("SELECT name FROM birds") == [(NAME,)]
    assert zeno_call("sdk_user.names") == {"rows": [{"name": NAME}]}


def test_http(zeno_call, zeno_http):
    zeno_http.route("GET", "https://api.example.com/v1/a", json={"n": 1})
    zeno_http.route("POST", "https://api.example.com/v1/b", json=[2])
    assert zeno_call("sdk_user.send", url="https://api.example.com/v1/a") == {"body": {"n": 1}}
    sent = {"url": "https://api.example.com/v1/b", "headers": {"X-Key": "k"}, "body": {"q": [NAME]}}
    assert zeno_call("sdk_user.send", **sent) == {"body": [2]}
    first, second = zeno_http.requests
    assert second.headers["x-key"] == "k"
    assert second.json == {"q": [NAME]}
    with pytest.raises(SlotFailedError, match="does not have permission to access network"):
        zeno_call("sdk_user.send", url="https://other.example/")


def test_files(zeno_call, zeno_files):
    (zeno_files / "data").mkdir()
    assert zeno_call("sdk_user.write", path="data/a.txt", content=NAME) == {"done": True}
    assert (zeno_files / "data" / "a.txt").read_bytes() == NAME.encode()
    assert zeno_call("sdk_user.read", path="data/a.txt") == {"content": NAME}
    assert zeno_call("sdk_user.write", path="b.txt", content="x") == {"done": False}
    with pytest.raises(SlotFailedError, match="does not have permission to read file: b.txt"):
        zeno_call("sdk_user.read", path="b.txt")


def test_environment(zeno_call):
    assert zeno_call("sdk_user.env") == {"value": "schön"}


def test_scope(zeno_host):
    assert zeno_host.run_script('sdk_user.set { value: "polly" }')["bird"] == "polly"
"""


@pytest.mark.parametrize(("key", "compiler"), [("c", "zig"), ("c", "ppci"), ("cpp", "zig")])
def test_every_function_of_the_sdk(author: pytest.Pytester, key: str, compiler: str) -> None:
    folder = new_plugin(LANGUAGES[key], "sdk_user", author.path / "plugins")
    shutil.copy(Path(__file__).with_name("sdk_user.c"), folder / f"plugin{LANGUAGES[key].ending}")
    (folder / "manifest.yaml").write_text(MANIFEST)
    build_plugin(folder, toolchain=compiler)
    author.makepyfile(TESTS)
    author.runpytest().assert_outcomes(passed=10)
