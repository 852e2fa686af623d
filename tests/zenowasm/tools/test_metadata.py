"""What modules say about themselves; producers are judged by wasm-tools."""

from __future__ import annotations

import json
import subprocess

import pytest
from support.json_reader import converter
from support.wasm import HEADER, custom, module, name, u, vec, wat

from zenowasm.tools.metadata import Metadata, Producer, TargetFeature, metadata

PRODUCERS = vec(
    [
        name("language") + vec([name("C11") + name(""), name("Rust") + name("")]),
        name("processed-by") + vec([name("clang") + name("22.1.8")]),
    ]
)


def test_producers() -> None:
    binary = module(custom("producers", PRODUCERS))
    assert metadata(binary).producers == (
        Producer("language", "C11", ""),
        Producer("language", "Rust", ""),
        Producer("processed-by", "clang", "22.1.8"),
    )
    command = [str(converter()), "metadata", "show", "--json"]
    done = subprocess.run(command, input=binary, stdout=subprocess.PIPE, check=True)
    theirs = json.loads(done.stdout)["module"]["producers"]
    assert {
        field: {it.name: it.version for it in metadata(binary).producers if it.field == field} for field, _ in theirs
    } == dict(theirs)


def test_target_features_build_id_and_texts() -> None:
    binary = module(
        custom("target_features", vec([b"+" + name("simd128"), b"-" + name("atomics"), b"=" + name("sign-ext")])),
        custom("build_id", u(4) + b"\x00\xab\xcd\xef"),
        custom("sourceMappingURL", name("plugin.wasm.map")),
        custom("description", "täglich".encode()),
        custom(".debug_info", b"12345"),
        custom(".debug_line"),
    )
    found = metadata(binary)
    assert found.target_features == (
        TargetFeature("+", "simd128"),
        TargetFeature("-", "atomics"),
        TargetFeature("=", "sign-ext"),
    )
    assert [it.meaning for it in found.target_features] == ["used", "not used", "required"]
    assert found.build_id == "00abcdef"
    assert found.texts == {"source_map": "plugin.wasm.map", "description": "täglich"}
    assert found.debug == (".debug_info", ".debug_line")
    assert dict(found.customs)[".debug_info"] == 5


def test_names_are_counted() -> None:
    found = metadata(wat("(module $m (func $f (param $a i32) (local $b i32)) (func $g (param $c i32)) (memory $x 1))"))
    assert found.name == "m"
    assert found.names == {"functions": 2, "locals": 3, "memories": 1}


def test_a_module_that_says_nothing() -> None:
    assert metadata(HEADER) == Metadata(None, {}, (), (), None, {}, (), (), ())


@pytest.mark.parametrize(
    ("section", "data"),
    [
        ("producers", b"\xff"),
        ("producers", PRODUCERS[:-3]),
        ("producers", u(1_000_000)),
        ("target_features", vec([b"?" + name("simd128")])),
        ("target_features", b"\x05"),
        ("build_id", u(400) + b"\0"),
        ("build_id", b""),
        ("sourceMappingURL", b"\x05abc"),
        ("description", b"\xff\xfe"),
    ],
)
def test_malformed_sections_are_named(section: str, data: bytes) -> None:
    found = metadata(module(custom("producers", PRODUCERS) if section != "producers" else b"", custom(section, data)))
    assert found.malformed == (section,)
    assert bool(found.producers) == (section != "producers")
