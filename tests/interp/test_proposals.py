"""An error about a proposal that is not part of WebAssembly 3.0 names it, in both formats and on every engine."""

from __future__ import annotations

import pytest
from support.wasm import CODE, FUNCTION, HEADER, MEMORY, TYPE, body, functype, module, section, u, vec

from zenowasm.backends.registry import engine
from zenowasm.interp.binary import decode
from zenowasm.interp.errors import DecodeError, ParseError
from zenowasm.interp.text.parser import parse_module


def with_code(instructions: bytes) -> bytes:
    return module(
        section(TYPE, vec([functype()])), section(FUNCTION, vec([u(0)])), section(CODE, vec([body(instructions)]))
    )


BINARIES = {
    "shared": (module(section(MEMORY, vec([b"\x03\x01\x01"]))), "malformed limits flags", "threads"),
    "atomic": (with_code(b"\x41\x00\xfe\x10\x02\x00\x1a"), "illegal opcode fe", "threads"),
    "thread-local": (with_code(b"\xfe\x4f\x00\x00"), "illegal opcode fe", "shared-everything threads"),
    "legacy": (with_code(b"\x06\x40\x19\x0b"), "illegal opcode 06", "legacy exception handling"),
    "component": (b"\0asm\x0d\0\1\0", "unknown binary version", "component model"),
    "page size": (module(section(MEMORY, vec([b"\x08\x01\x00"]))), "malformed limits flags", "custom page sizes"),
    "wide": (with_code(b"\x42\0\x42\0\xfc\x16\x1a\x1a"), "illegal opcode fc 16", "wide arithmetic"),
    "continuation": (module(section(TYPE, vec([functype(), b"\x5d\x00"]))), "unknown type 0x5d", "stack switching"),
    "suspend": (with_code(b"\xe2\x00"), "illegal opcode e2", "stack switching"),
    "string": (module(section(TYPE, vec([b"\x60\1\x67\0"]))), "malformed value type 0x67", "reference-typed strings"),
}
TEXTS = {
    "(memory 1 1 shared)": "threads",
    "(func (drop (i32.atomic.load (i32.const 0))))": "threads",
    "(func i32.const 0 i32.atomic.load drop)": "threads",
    "(func (try (do (nop)) (catch_all)))": "legacy exception handling",
    "(memory 1 (pagesize 1))": "custom page sizes",
    "(func (i64.mul_wide_u (i64.const 0) (i64.const 0)) drop drop)": "wide arithmetic",
    "(type $f (func)) (type (cont $f))": "stack switching",
    "(func (suspend 0))": "stack switching",
    "(func (param stringref))": "reference-typed strings",
}


@pytest.mark.parametrize("name", ["reference", "wasmtime"])
@pytest.mark.parametrize("what", BINARIES)
def test_in_binaries(what: str, name: str) -> None:
    binary, words, proposal = BINARIES[what]
    with pytest.raises(DecodeError) as caught:
        engine(name).compile(binary)
    assert caught.value.message.startswith(words)
    assert caught.value.message.endswith(f": the proposal {proposal!r} is not part of WebAssembly 3.0")


@pytest.mark.parametrize("text", TEXTS)
def test_in_texts(text: str) -> None:
    with pytest.raises(ParseError) as caught:
        parse_module(f"(module {text})")
    assert caught.value.message.endswith(f": the proposal {TEXTS[text]!r} is not part of WebAssembly 3.0")


def test_a_component_as_text() -> None:
    with pytest.raises(ParseError, match=r"the proposal \'component model\' is not part of WebAssembly 3\.0"):
        parse_module("(component)")


@pytest.mark.parametrize(
    ("binary", "message"),
    [
        (with_code(b"\x27"), "illegal opcode 27"),
        (module(section(TYPE, vec([b"\x40"]))), "unknown type 0x40"),
        (module(section(MEMORY, vec([b"\x10\x01"]))), "malformed limits flags: integer too large"),
        (HEADER[:4] + b"\2\0\0\0", "unknown binary version"),
    ],
)
def test_what_no_proposal_knows_names_none(binary: bytes, message: str) -> None:
    with pytest.raises(DecodeError) as caught:
        for code in decode(binary).codes:
            code.body()
    assert caught.value.message == message
