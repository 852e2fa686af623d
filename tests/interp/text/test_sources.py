"""What is a module, in either format, and what is something else."""

from __future__ import annotations

import pytest
from support.wasm import wat

from zenowasm.interp.errors import ParseError
from zenowasm.interp.text.sources import is_component, is_text, module_source

TEXT = '(module (func $f (export "f") (result i32) i32.const 1))'


def test_text_is_assembled_as_wasm_tools_does() -> None:
    source = module_source(TEXT.encode())
    assert (source.binary, source.text) == (wat(TEXT), TEXT)


@pytest.mark.parametrize("data", [b"", b"\0asm", b"\0asm\1\0\0\0", b"\x7fELF", b"log.info: $message", b"\xff("])
def test_what_does_not_begin_as_text_is_as_it_was(data: bytes) -> None:
    source = module_source(data)
    assert (source.binary, source.text) == (data, None)


@pytest.mark.parametrize(
    "data", [b"(module)", b"\n\t (module)", b";; first\n;;\n(module)", b"(; a\n;) (module)", b"(func)", b"( module)"]
)
def test_text_may_begin_with_space_and_comments(data: bytes) -> None:
    assert is_text(data)
    module_source(data)


def test_a_comment_without_an_end_takes_linear_time() -> None:
    assert not is_text(b";" * 1_000_000)
    assert is_text(b"(;" * 500_000)


def test_what_must_be_text_is_parsed() -> None:
    with pytest.raises(ParseError):
        module_source(b"hello", as_text=True)
    assert module_source(b"", as_text=True).binary == module_source(b"\0asm\1\0\0\0", as_text=True).binary


def test_malformed_text_is_an_error() -> None:
    with pytest.raises(ParseError):
        module_source(b"(module")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"\0asm\x0d\0\1\0", True),
        (b"\0asm\1\0\0\0", False),
        (b"\0asm\x0d\0\1", False),
        (b"(component)", True),
        (b";; a component\n( component (core module))", True),
        (b"(module)", False),
        (b"(components)", False),
    ],
)
def test_components(data: bytes, expected: bool) -> None:
    assert is_component(data) is expected
