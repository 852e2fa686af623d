"""Configuration: environment, then default, then an error; never shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from zenowasm.plugin.configuration.config import resolve_config
from zenowasm.plugin.configuration.manifest import parse_manifest
from zenowasm.plugin.errors import ConfigError


def resolve(config: str, **environment: str):
    return resolve_config(parse_manifest(f"name: p\nbinary: p.wasm\nconfig: {config}", Path("p")), environment)


def test_the_environment_comes_before_the_default():
    text = "{a: {env: A, default: d}, b: {default: d}, c: {env: C}, d: {}}"
    assert dict(resolve(text, A="e")) == {"a": "e", "b": "d"}
    assert dict(resolve(text)) == {"a": "d", "b": "d"}
    assert dict(resolve(text, A="", C="x")) == {"a": "", "b": "d", "c": "x"}


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("string", "007", "007"),
        ("int", "-7", -7),
        ("integer", "7.5", None),
        ("int", "7" * 30, None),
        ("number", "7.5", 7.5),
        ("float", "nan", None),
        ("number", "x", None),
        ("bool", "TRUE", True),
        ("boolean", "0", False),
        ("bool", "yes", None),
    ],
)
def test_types(kind, text, value):
    if value is None:
        with pytest.raises(ConfigError, match=r"^plugin p: config k is not of the type") as caught:
            resolve(f"{{k: {{type: {kind}, env: K}}}}", K=text)
        assert text not in str(caught.value).replace("plugin p: config k is not of the type", "")
    else:
        found = resolve(f"{{k: {{type: {kind}, env: K}}}}", K=text)["k"]
        assert found == value
        assert type(found) is type(value)


def test_what_is_required_must_come_from_somewhere():
    with pytest.raises(ConfigError, match=r"^plugin p: config k is required: set the environment variable K$"):
        resolve("{k: {required: true, env: K}}")
    with pytest.raises(ConfigError, match="config k is required: give it a default"):
        resolve("{k: {required: true}}")
    assert resolve("{k: {required: true, env: K}}", K="v")["k"] == "v"
    assert resolve("{k: {required: true, env: K, default: d}}")["k"] == "d"


def test_values_are_never_shown():
    config = resolve("{k: {env: K}}", K="secret")
    assert repr(config) == str(config) == "ResolvedConfig(k=<redacted>)"
    assert len(config) == 1
