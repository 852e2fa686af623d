"""Tests of the vector rows that have immediates, and operands for all vector rows."""

from __future__ import annotations

from itertools import product
from random import Random

from support.operands import OPERANDS, operands
from support.rows import Call, RowTest, operator_calls, operator_function, split, wrong_signatures

from zenowasm.interp.instructions import Access, Immediate, Opcode, VectorForm
from zenowasm.interp.types import I32, V128, ResultType

_SHUFFLES = (
    tuple(range(16)),
    tuple(range(31, 15, -1)),
    (0, 31, 1, 30, 2, 29, 3, 28, 15, 16, 15, 16, 7, 7, 24, 24),
)
_CONSTANTS = ("i64x2 0 0", "i8x16 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 255", "f32x4 nan:0x1 -nan -0 inf", "i64x2 -1 1")


def vector_test(row: Opcode) -> RowTest | None:
    """Return the test of a vector row that ``rows`` has no general one for."""
    if row.access is not None and row.access.type is V128:
        return _access_test(row, row.access)
    if row.parameters is None or row.results is None:
        return None
    if Immediate.V128 in row.immediates:
        return _constant_test(row)
    if row.lanes:
        return _lane_test(row, row.parameters, row.results)
    if is_multiply_add(row):
        valid = f"(module {operator_function(row.mnemonic, row.parameters, row.results)})"
        return RowTest(
            (valid,), _multiply_add_calls(row), tuple(wrong_signatures(row.mnemonic, row.parameters, row.results))
        )
    return None


def is_multiply_add(row: Opcode) -> bool:
    """Whether engines may round once or twice: wasmtime once, the deterministic profile twice."""
    return row.mnemonic.endswith(("relaxed_madd", "relaxed_nmadd"))


def _renamed(instruction: str, name: object, parameters: ResultType, results: ResultType) -> str:
    return operator_function(instruction, parameters, results).replace('"f"', f'"f{name}"')


# -- lanes and constants --


def _constant_test(row: Opcode) -> RowTest:
    functions = [
        _renamed(f"{row.mnemonic} {text}", index, (), row.results or ()) for index, text in enumerate(_CONSTANTS)
    ]
    calls = tuple((f"f{index}",) for index in range(len(_CONSTANTS)))
    invalid = (f"(module (func (result i32) {row.mnemonic} {_CONSTANTS[0]}))",)
    return RowTest((f"(module {' '.join(functions)})",), calls, invalid, (0,))


def _lane_test(row: Opcode, parameters: ResultType, results: ResultType) -> RowTest:
    if Immediate.LANEIDX_16 in row.immediates:
        chosen = [" ".join(map(str, indexes)) for indexes in _SHUFFLES]
        wrong = " ".join(["0"] * 15 + ["32"])
        immediate: object = _SHUFFLES[0]
    else:
        lanes = int(row.mnemonic.partition(".")[0].partition("x")[2])
        chosen = [str(lane) for lane in range(lanes)]
        # Taking a vector from two i64 uses i64x2.replace_lane itself, before the one under test.
        wrong, immediate = str(lanes), 1 if row.mnemonic == "i64x2.replace_lane" else 0
    functions = [_renamed(f"{row.mnemonic} {text}", i, parameters, results) for i, text in enumerate(chosen)]
    calls = tuple(
        (f"f{i}", *call[1:]) for i in range(len(chosen)) for call in operator_calls(parameters)[i :: len(chosen)]
    )
    invalid = (
        *wrong_signatures(f"{row.mnemonic} {chosen[0]}", parameters, results),
        f"(module {operator_function(f'{row.mnemonic} {wrong}', parameters, results)})",
    )
    return RowTest((f"(module {' '.join(functions)})",), calls, invalid, (immediate,))


# -- memory --


def _access_test(row: Opcode, access: Access) -> RowTest:
    size = access.width // 8
    stores, has_lane = ".store" in row.mnemonic, access.vector is VectorForm.LANE
    parameters = (I32, access.type) if stores or has_lane else (I32,)
    results = () if stores else (access.type,)
    lanes = range(16 // size) if has_lane else (None,)
    offsets = (0, 3, 65535, 0xFFFFFFFF)

    def instruction(lane: int | None, memarg: str) -> str:
        return f"{row.mnemonic} {memarg}{'' if lane is None else f' {lane}'}"

    functions = [
        _renamed(instruction(lane, f"offset={offset}"), f"{offset}_{lane}", parameters, results)
        for offset, lane in product(offsets, lanes)
    ]
    addresses = (0, 1, 65536 - size, 65537 - size, 65535, 65536, 0x7FFFFFFF, 0xFFFFFFFF)
    vectors = operands(access.type)[4:8:3] if len(parameters) == 2 else (None,)
    calls: list[Call] = [
        (f"f{offset}_{lane}", address, *(() if vector is None else split(access.type, vector)))
        for offset, lane, address, vector in product(offsets, lanes, addresses, vectors)
    ]
    data = bytes((index * 73 + 128) % 256 for index in range(64))
    text = "".join(f"\\{byte:02x}" for byte in data)
    memory = f'(memory (export "memory") 1) (data (i32.const 0) "{text}") (data (i32.const 65472) "{text}")'
    first = None if not has_lane else 0
    plain = instruction(first, "")
    invalid = [it.replace("(module ", "(module (memory 1) ") for it in wrong_signatures(plain, parameters, results)]
    bad = [instruction(first, f"align={2 * size}")] + ([instruction(16 // size, "")] if has_lane else [])
    invalid += [f"(module (memory 1) {operator_function(it, parameters, results)})" for it in bad]
    invalid.append(f"(module {operator_function(plain, parameters, results)})")
    memarg = (size.bit_length() - 1, 0, 0)
    valid = f"(module {memory} {' '.join(functions)})"
    return RowTest((valid,), tuple(calls), tuple(invalid), (memarg, 0) if has_lane else (memarg,))


# -- operands --

_EXACT_32 = (0, 1 << 31, 0x3F800000, 0xBFC00000, 0x40200000, 0x42F60000, 0x7F800000, 0xFF800000, 0x7FC12345, 0x7F800001)
_EXACT_64 = (
    0, 1 << 63, 0x3FF0000000000000, 0xBFF8000000000000, 0x4004000000000000, 0x405EC00000000000,
    0x7FF0000000000000, 0xFFF0000000000000, 0x7FF8123456789ABC, 0x7FF0000000000001,
)  # fmt: skip
"""Numbers of so few digits that a product of two is exact, so that rounding once or twice is the same."""


_POOLS = tuple(
    (bits, OPERANDS[name])
    for bits, name in ((8, "i32"), (16, "i32"), (32, "i32"), (64, "i64"), (32, "f32"), (64, "f64"))
)


def _multiply_add_calls(row: Opcode) -> tuple[Call, ...]:
    random = Random(row.code)
    return tuple(
        ("f", *[part for _ in range(3) for part in split(V128, exact_vector(row, random))]) for _ in range(300)
    )


def exact_vector(row: Opcode, random: Random) -> int:
    """Return a vector of lanes of the row's shape whose products are exact."""
    bits, lanes = (32, _EXACT_32) if row.mnemonic.startswith("f32") else (64, _EXACT_64)
    return sum(random.choice(lanes) << shift for shift in range(0, 128, bits))


def random_vector(random: Random) -> int:
    """Return a vector of lanes of a random shape: interesting numbers and random bits."""
    bits, pool = random.choice(_POOLS)
    mask = (1 << bits) - 1
    return sum(
        (random.getrandbits(bits) if random.random() < 0.4 else random.choice(pool) & mask) << shift
        for shift in range(0, 128, bits)
    )
