"""From a row of the instruction table to a test of it: modules in the text format, and calls of their exports.

The text is assembled by wasmtime, so that a row's bytes are checked against a parser that has never seen the row.
Floats and vectors pass in and out of the modules as integers, so that every bit is compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

from attrs import field, frozen
from support.irregular import IRREGULAR
from support.operands import operands

from zenowasm.interp.instructions import Immediate, Opcode
from zenowasm.interp.types import I32, ResultType, ValType

Call = tuple[Any, ...]
"""The name of an export and its arguments."""

_MOST_CALLS = 2500


@frozen
class RowTest:
    """What is known about one row from outside of the engine."""

    valid: tuple[str, ...]
    calls: tuple[Call, ...]
    invalid: tuple[str, ...]
    immediates: tuple[Any, ...] | None = field(default=None)


def key(row: Opcode) -> str:
    """Name a row uniquely: two rows may share their mnemonic."""
    if row.immediates == (Immediate.VALTYPE_VEC,):
        return f"{row.mnemonic} (result)"
    return f"{row.mnemonic} null" if Immediate.NULLABLE_REFTYPE in row.immediates else row.mnemonic


def row_test(row: Opcode) -> RowTest | None:
    """Return the test of a row, ``None`` where nobody has written one."""
    from support import vectors  # which needs what stands below

    written = IRREGULAR.get(key(row))
    if written is not None:
        return RowTest(tuple(written.valid), tuple(written.calls), tuple(written.invalid), written.immediates)
    vector = vectors.vector_test(row)
    if vector is not None:
        return vector
    if row.access is not None:
        return _access_test(row)
    if row.parameters is not None and row.results is not None and not row.immediates:
        return _operator_test(row, row.parameters, row.results)
    return None


# -- operators: everything follows from the signature --

_CARRIERS = {"i32": "i32", "i64": "i64", "f32": "i32", "f64": "i64", "v128": "i64 i64"}
_CHANGED = {"i32": "i64", "i64": "i32", "f32": "f64", "f64": "f32", "v128": "i32"}


def _take(type_: ValType, local: int) -> str:
    """Push a parameter that arrives as integers."""
    get = f"local.get {local}"
    match str(type_):
        case "f32":
            return f"{get} f32.reinterpret_i32"
        case "f64":
            return f"{get} f64.reinterpret_i64"
        case "v128":
            return f"{get} i64x2.splat local.get {local + 1} i64x2.replace_lane 1"
    return get


def _give(type_: ValType, local: int) -> str:
    """Turn a result into integers."""
    match str(type_):
        case "f32":
            return "i32.reinterpret_f32"
        case "f64":
            return "i64.reinterpret_f64"
        case "v128":
            return f"local.tee {local} i64x2.extract_lane 0 local.get {local} i64x2.extract_lane 1"
    return ""


def operator_function(instruction: str, parameters: ResultType, results: ResultType) -> str:
    """Write a function that applies an instruction to its parameters."""
    carriers = [_CARRIERS[str(type_)] for type_ in parameters]
    taken, local = [], 0
    for type_, carrier in zip(parameters, carriers, strict=True):
        taken.append(_take(type_, local))
        local += len(carrier.split())
    given = " ".join(_give(type_, local) for type_ in results)
    head = f'(func (export "f") (param {" ".join(carriers)}) (result {" ".join(_CARRIERS[str(t)] for t in results)})'
    vector = " (local v128)" if any(str(type_) == "v128" for type_ in results) else ""
    return f"{head}{vector} {' '.join(taken)} {instruction} {given})"


def split(type_: ValType, value: int) -> tuple[int, ...]:
    """Split an operand's bits into the integers that carry it."""
    return (value & (1 << 64) - 1, value >> 64) if str(type_) == "v128" else (value,)


def operator_calls(parameters: ResultType) -> tuple[Call, ...]:
    """Combine the interesting operands, thinned out evenly where the product is large."""
    combinations = list(product(*[operands(type_) for type_ in parameters]))
    if len(combinations) > _MOST_CALLS:
        # A stride without a common factor with the number of operands visits all rows and columns.
        combinations = combinations[:: len(combinations) // _MOST_CALLS | 1]
    return tuple(
        ("f", *[part for type_, value in zip(parameters, values, strict=True) for part in split(type_, value)])
        for values in combinations
    )


def wrong_signatures(instruction: str, parameters: ResultType, results: ResultType) -> list[str]:
    """Write modules in which one operand is of another type or missing, or the result is of another type."""

    def function(found: Sequence[str], result: Sequence[str]) -> str:
        gets = " ".join(f"local.get {index}" for index in range(len(found)))
        return f"(module (func (param {' '.join(found)}) (result {' '.join(result)}) {gets} {instruction}))"

    right, result = [str(type_) for type_ in parameters], [str(type_) for type_ in results]
    texts = [
        function([*right[:index], _CHANGED[right[index]], *right[index + 1 :]], result) for index in range(len(right))
    ]
    if right:
        texts.append(function(right[:-1], result))
    texts += [function(right, [_CHANGED[result[0]]]), function(right, [])] if result else []
    return texts


def _operator_test(row: Opcode, parameters: ResultType, results: ResultType) -> RowTest:
    valid = f"(module {operator_function(row.mnemonic, parameters, results)})"
    invalid = wrong_signatures(row.mnemonic, parameters, results)
    return RowTest((valid,), operator_calls(parameters), tuple(invalid), ())


# -- loads and stores: everything follows from the access --

_OFFSETS = (0, 1, 40, 65535, 65536, 0xFFFFFFFF)


def _access_test(row: Opcode) -> RowTest:
    access = row.access
    assert access is not None
    type_, size = access.type, access.width // 8
    stores = ".store" in row.mnemonic
    natural = size.bit_length() - 1
    memory = '(memory (export "memory") 1) (data (i32.const 0) "\\80\\7f\\ff\\00\\01\\c0\\ff\\7f\\01\\00\\a0\\ff")'
    memory += ' (data (i32.const 65520) "\\01\\00\\80\\7f\\00\\00\\f0\\ff\\ef\\be\\ad\\de\\80\\81\\82\\83")'
    functions = [
        operator_function(
            f"{row.mnemonic} offset={offset}", (I32, type_) if stores else (I32,), () if stores else (type_,)
        ).replace('"f"', f'"f{offset}"')
        for offset in _OFFSETS
    ]
    addresses = (0, 1, 3, 65536 - size, 65537 - size, 65535, 65536, 0x7FFFFFFF, 0xFFFFFFFF, 65520, 65530)
    values = operands(type_)[:: 1 if size > 4 else 2] if stores else ()
    calls: list[Call] = []
    for offset in _OFFSETS:
        for address in addresses:
            chosen = values if offset == 0 and address in (1, 65536 - size) else values[3:4]
            calls += [(f"f{offset}", address, value) for value in chosen] if stores else [(f"f{offset}", address)]
    head, tail = "(module (memory 1) ", ")"
    wrong = wrong_signatures(row.mnemonic, (I32, type_) if stores else (I32,), () if stores else (type_,))
    invalid = [text.replace("(module ", head) for text in wrong] + wrong[:1]
    too_aligned = operator_function(
        f"{row.mnemonic} align={2 * size}", (I32, type_) if stores else (I32,), () if stores else (type_,)
    )
    invalid.append(f"{head}{too_aligned}{tail}")
    return RowTest((f"(module {memory} {' '.join(functions)})",), tuple(calls), tuple(invalid), ((natural, 0, 0),))
