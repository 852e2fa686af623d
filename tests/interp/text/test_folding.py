"""Folded instructions: their form, and that the text has the same bytes."""

from __future__ import annotations

import pytest
from differential.campaign import generate
from support.modules import well_formed
from support.wasm import wat

from zenowasm.interp.binary import decode, decode_names, encode
from zenowasm.interp.text import parse_module
from zenowasm.interp.text.printer import Form, ModulePrinter

RUNS_OF_NO_LOCALS = "binary.wast:194"
"""A function there declares 0 locals of a type, which text has no words for."""


def folded(binary: bytes) -> str:
    module = decode(binary)
    return "\n".join(ModulePrinter(module, decode_names(module), form=Form.FOLDED).module_text())


def body(instructions: str, more: str = "") -> str:
    """The lines of a function with these instructions, without its own."""
    lines = folded(wat(f"(module (func (param i32 i32) (result i32) {instructions}) {more})")).splitlines()
    start = next(at for at, line in enumerate(lines) if line.startswith("  (func"))
    end = lines.index("  )", start)
    return "\n".join(line.removeprefix("    ") for line in lines[start + 1 : end])


def test_operands_are_inside_their_instruction() -> None:
    assert body("local.get 0 i32.const 1 i32.add local.get 1 i32.mul") == (
        "(i32.mul\n  (i32.add\n    (local.get 0)\n    (i32.const 1))\n  (local.get 1))"
    )


@pytest.mark.parametrize(
    ("instructions", "expected"),
    [
        # What stands between is no operand.
        ("local.get 0 nop local.get 1 i32.add", "(local.get 0)\n(nop)\n(local.get 1)\n(i32.add)"),
        # Two results of one call are both operands, or none.
        ("call 1 i32.add", "(i32.add\n  (call 1))"),
        ("call 1 drop", "(call 1)\n(drop)"),
        ("local.get 0 call 1 drop i32.add", "(local.get 0)\n(call 1)\n(drop)\n(i32.add)"),
        # What an unfolded instruction used is no operand of a later one.
        ("call 1 drop drop local.get 0", "(call 1)\n(drop)\n(drop)\n(local.get 0)"),
        # Code that is never reached takes operands from nowhere.
        ("unreachable i32.add", "(unreachable)\n(i32.add)"),
        ("local.get 0 return i32.const 1 i32.add", "(return\n  (local.get 0))\n(i32.const 1)\n(i32.add)"),
    ],
)
def test_what_is_not_folded(instructions: str, expected: str) -> None:
    assert body(instructions, "(func (result i32 i32) i32.const 1 i32.const 2)") == expected


def test_blocks_and_conditions() -> None:
    assert body("local.get 0 if (result i32) local.get 1 else block nop end i32.const 2 end").splitlines() == [
        "(if (result i32) (;@1;)",
        "  (local.get 0)",
        "  (then",
        "    (local.get 1)",
        "  )",
        "  (else",
        "    (block (;@2;)",
        "      (nop)",
        "    )",
        "    (i32.const 2)",
        "  )",
        ")",
    ]


def test_an_empty_else_stays() -> None:
    binary = wat("(module (func i32.const 1 if else end) (func i32.const 1 if end))")
    assert encode(parse_module(folded(binary))) == binary
    assert "(else)" in folded(binary)


def test_a_block_is_an_operand() -> None:
    assert body("block (result i32) local.get 0 end i32.eqz").splitlines() == [
        "(i32.eqz",
        "  (block (result i32) (;@1;)",
        "    (local.get 0)",
        "  ))",
    ]


def test_a_blocks_parameters_stand_before_it() -> None:
    text = body("local.get 0 block (param i32) (result i32) i32.eqz end")
    assert text.splitlines() == ["(local.get 0)", "(block (type 1) (;@1;)", "  (i32.eqz)", ")"]


@pytest.mark.parametrize("text", ["(module (func drop))", "(module (func (type 7)) (func i32.const 1 drop))"])
def test_an_invalid_function_is_flat(text: str) -> None:
    binary = wat(text)
    assert encode(parse_module(folded(binary))) == binary
    assert "(drop" not in folded(binary)


def test_branch_hints_stand_before_their_instruction() -> None:
    text = '(func (param i32) local.get 0 (@metadata.code.branch_hint "\\01") if nop end)'
    binary = encode(parse_module(text))
    assert encode(parse_module(folded(binary))) == binary
    assert '(@metadata.code.branch_hint "\\01")\n    (if' in folded(binary)


def test_the_official_suite_has_the_same_bytes() -> None:
    """Judged by wasm-tools' parser beside ours."""
    different = []
    canonical = 0
    for place, binary in well_formed():
        if encode(decode(binary)) == binary:
            canonical += 1
            text = folded(binary)
            if not encode(parse_module(text)) == wat(text) == binary:
                different.append(place)
    assert canonical > 5_000
    assert different == [RUNS_OF_NO_LOCALS]


@pytest.mark.parametrize("seed", range(40))
def test_generated_modules_have_the_same_bytes(seed: int) -> None:
    binary = generate(seed)
    flat = "\n".join(ModulePrinter(decode(binary), decode_names(decode(binary))).module_text())
    assert wat(folded(binary)) == wat(flat)


def test_nesting_takes_no_stack() -> None:
    text = f"(module (func (result i32) i32.const 0 {'i32.eqz ' * 50_000}))"
    binary = encode(parse_module(text))
    assert encode(parse_module(folded(binary))) == binary
