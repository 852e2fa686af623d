"""The validation algorithm (specification, appendix): blocks, branches and code that cannot be reached."""

from __future__ import annotations

import pytest
from support.wasm import one_function, wat

from zenowasm.interp.binary import decode
from zenowasm.interp.errors import ValidationError
from zenowasm.interp.validation import (
    Context,
    FunctionValidator,
    validate_function,
    validate_module,
    validate_structure,
)


def validate(text: str) -> None:
    """Validate a function body; write ``->`` in front to give the function results."""
    results, _, body = text.rpartition("->")
    validate_module(decode(wat(f"(module (func (param i32 i64) (result {results}) (local f32) {body}))")))


VALID = [
    "i32 -> unreachable",
    "i32 i64 -> i64.const 1 unreachable i64.const 2",
    "unreachable drop drop",
    "unreachable i32.add drop",
    "i32 -> unreachable select",
    "i32 -> unreachable i32.const 0 select",
    "i64 -> unreachable i64.const 1 i32.const 0 select",
    "funcref -> unreachable ref.null func i32.const 1 select (result funcref)",
    "unreachable ref.is_null drop",
    "i32 -> i32.const 1 return i64.const 0 drop",
    "i32 -> block (result i32) i32.const 1 br 0 end",
    "i32 -> i32.const 1 br 0 i64.eqz",
    "i32 -> block (result i32) unreachable br_if 0 end",
    "unreachable br_table 0 0",
    "(ref any) -> unreachable ref.as_non_null",
    "(ref extern) -> block unreachable br_on_null 0 return end unreachable",
    "unreachable ref.as_non_null ref.is_null drop",
    "i32 -> block (result i32) block (result i64) unreachable br_table 0 1 end drop i32.const 0 end",
    "i32 -> loop (result i32) br 0 end",
    "i32 -> unreachable if (result i32) i32.const 1 else i32.const 2 end",
    "i32 -> i32.const 0 if (result i32) unreachable else i32.const 2 end",
    "i32 i64 -> local.get 0 local.get 1 block (param i32 i64) (result i32 i64) end",
    "i32 -> local.get 0 i32.const 1 if (param i32) (result i32) end",
    "i64 i32 -> i64.const 1 i32.const 1 local.get 0 br_if 0",
    "i32 -> i64.const 5 i32.const 1 return",
    "loop loop loop br 2 end end end",
    "i32.const 0 br_table 0 0 0",
]

INVALID = {
    "i32 -> unreachable i64.const 0": "type mismatch",
    "i32 -> unreachable i32.const 0 i32.const 0": "type mismatch: 1 values too many",
    "unreachable i64.const 0 i32.eqz drop": "type mismatch: i32 is expected, i64",
    "unreachable f32.const 0 ref.is_null drop": "type mismatch",
    "i32 -> unreachable ref.as_non_null": "type mismatch: i32 is expected, any reference",
    "i32 -> block unreachable br_on_null 0 i32.eqz drop end i32.const 0": "type mismatch: i32 is expected",
    "unreachable ref.as_non_null i32.const 0 select drop": "type mismatch: select without a type",
    "unreachable i64.const 0 f32.const 0 i32.const 0 select drop": "type mismatch",
    "unreachable f32.const 0 i64.const 0 select drop": "type mismatch",
    "i64 -> unreachable i32.const 0 i32.const 1 select": "type mismatch",
    "i32 -> return i64.const 0": "type mismatch",
    "block i32.const 0 end": "type mismatch: 1 values too many",
    "i32.const 0 block drop end": "type mismatch: an operand",
    "i32 -> block unreachable end": "type mismatch",
    "block unreachable block drop end end": "type mismatch",
    "br 1": "unknown label 1",
    "block br_if 2 end": "type mismatch|unknown label",
    "i32.const 0 br_table 0 3 0": "unknown label 3",
    "i32.const 0 br_table 9": "unknown label 9",
    "block (result i32) block i32.const 0 br_table 0 1 end i32.const 0 end drop": "type mismatch",
    "block (result i32) block i64.const 0 i32.const 0 br_table 1 0 end i32.const 0 end drop": "type mismatch",
    "block (result i32) block (result i64) unreachable i32.const 0 i32.const 0 br_table 0 1 end drop i32.const 0 end drop": "type mismatch",  # noqa: E501
    "i32.const 0 if (result i32) i32.const 0 end drop": "type mismatch",
    "i32.const 0 if (result i32) unreachable end drop": "type mismatch",
    "i32.const 0 if i32.const 1 else end": "type mismatch",
    "i32 -> i32.const 0 if (result i32) i32.const 1 else i64.const 1 end": "type mismatch",
    "loop (param i32) br 0 end": "type mismatch",
    "local.get 3 drop": "unknown local 3",
    "i32.const 0 local.set 2": "type mismatch: f32",
    "global.get 0 drop": "unknown global 0",
    "call 1": "unknown function 1",
    "i32.const 0 i32.load drop": "unknown memory 0",
    "memory.size drop": "unknown memory 0",
    "i32.const 0 table.get 0 drop": "unknown table 0",
    "data.drop 0": "unknown data segment 0",
    "elem.drop 0": "unknown elem segment 0",
    "i32.const 0 select": "type mismatch",
    "ref.null func ref.null func i32.const 0 select drop": "type mismatch",
    "i32.const 0 drop i32.add drop": "type mismatch: i32 is expected, the block's stack is empty",
}


@pytest.mark.parametrize("body", VALID)
def test_valid(body: str) -> None:
    validate(body)


@pytest.mark.parametrize("body", INVALID)
def test_invalid(body: str) -> None:
    with pytest.raises(ValidationError, match=f"^({INVALID[body]})"):
        validate(body)


def test_types_are_named_by_their_indexes() -> None:
    types = "(type (struct)) (type (struct (field i32))) (func (param (ref 1)) (result (ref null 0)) local.get 0)"
    with pytest.raises(ValidationError, match=r"^type mismatch: \(ref null 0\) is expected, \(ref 1\) is on the stack"):
        validate_module(decode(wat(f"(module {types})")))


def test_unknown_block_types() -> None:
    with pytest.raises(ValidationError, match=r"^unknown type 7"):
        validate_module(decode(one_function(b"\x02\x07\x0b")))


@pytest.mark.parametrize("types", [b"\0", b"\2\x7f\x7f"])
def test_select_names_one_type(types: bytes) -> None:
    code = b"\x41\0\x41\0\x41\0\x1c" + types + b"\x1a\x0b"
    with pytest.raises(ValidationError, match=r"^invalid result arity"):
        validate_module(decode(one_function(code[:-1])))


def test_an_error_knows_its_function_and_instruction() -> None:
    binary = one_function(b"\x01\x42\x05\x45\x1a")  # nop, i64.const 5, i32.eqz, drop
    with pytest.raises(ValidationError) as caught:
        validate_module(decode(binary))
    assert caught.value.function == 0
    assert caught.value.offset == binary.index(b"\x42\x05\x45") + 2
    assert f"function 0, byte 0x{caught.value.offset:x}" in str(caught.value)


def test_deep_nesting_takes_no_recursion() -> None:
    depth = 100_000
    for opening in (b"\x02\x40", b"\x03\x40", b"\x41\x00\x04\x40"):
        count = depth if len(opening) == 2 else depth // 4
        validate_module(decode(one_function(opening * count + b"\x0b" * count)))


class Listing:
    """A consumer that writes down what it is told."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, int, list[str], int, bool]] = []

    def instruction(self, validator: FunctionValidator, instruction: object, height: int) -> None:
        mnemonic = instruction.opcode.mnemonic  # type: ignore[attr-defined]
        operands = [str(it) for it in validator.operands]
        self.lines.append((mnemonic, height, operands, len(validator.labels), validator.reachable))


def test_a_consumer_sees_every_instruction_with_the_stack_around_it() -> None:
    module = decode(wat("(module (func (result i32) block (result i32) i64.const 1 i32.const 2 br 0 end))"))
    context: Context = validate_structure(module)
    listing = Listing()
    validate_function(context, 0, module.codes[0].body(), listing)
    assert listing.lines == [
        ("block", 0, [], 2, True),
        ("i64.const", 0, ["i64"], 2, True),
        ("i32.const", 1, ["i64", "i32"], 2, True),
        ("br", 2, [], 2, False),
        ("end", 0, ["i32"], 1, True),
        ("end", 1, ["i32"], 0, False),
    ]
