"""The rows of the MVP and of the proposals that became WebAssembly 2.0 (specification, 5.4), in opcode order.

Fuel is wasmtime's: 0 for an instruction that generates no code, 1 for the others, plus the units that ``bulk``
operations move.
"""

from __future__ import annotations

from collections.abc import Iterator

from zenowasm.interp.errors import TrapCode
from zenowasm.interp.features import Feature
from zenowasm.interp.instructions.table import Access, Effect, Immediate, Opcode, Structure, signature
from zenowasm.interp.types import F32, F64, I32, I64

_DIVIDES = (TrapCode.INTEGER_DIVIDE_BY_ZERO,)
_DIVIDES_SIGNED = (TrapCode.INTEGER_DIVIDE_BY_ZERO, TrapCode.INTEGER_OVERFLOW)
_TRUNCATES = (TrapCode.INVALID_CONVERSION_TO_INTEGER, TrapCode.INTEGER_OVERFLOW)
_MEMORY = (TrapCode.OUT_OF_BOUNDS_MEMORY_ACCESS,)
_TABLE = (TrapCode.OUT_OF_BOUNDS_TABLE_ACCESS,)
CALLS_INDIRECT = (
    TrapCode.UNDEFINED_ELEMENT,
    TrapCode.UNINITIALIZED_ELEMENT,
    TrapCode.INDIRECT_CALL_TYPE_MISMATCH,
)
_CONTROL = frozenset({Effect.CONTROL})


def control_rows() -> Iterator[Opcode]:
    """Yield the control, parametric and variable instructions (specification, 5.4.1 to 5.4.3)."""
    block = (Immediate.BLOCKTYPE,)
    label = (Immediate.LABELIDX,)
    calls = frozenset({Effect.CALLS})
    references = Feature.REFERENCE_TYPES
    yield Opcode(None, 0x00, "unreachable", fuel=0, traps=(TrapCode.UNREACHABLE,), effects=_CONTROL)
    yield Opcode(None, 0x01, "nop", (), (), (), fuel=0)
    yield Opcode(None, 0x02, "block", block, fuel=0, effects=_CONTROL, structure=Structure.BLOCK)
    yield Opcode(None, 0x03, "loop", block, fuel=0, effects=_CONTROL, structure=Structure.BLOCK)
    yield Opcode(None, 0x04, "if", block, effects=_CONTROL, structure=Structure.IF)
    yield Opcode(None, 0x05, "else", fuel=0, effects=_CONTROL, structure=Structure.ELSE)
    yield Opcode(None, 0x0B, "end", fuel=0, effects=_CONTROL, structure=Structure.END)
    yield Opcode(None, 0x0C, "br", label, effects=_CONTROL)
    yield Opcode(None, 0x0D, "br_if", label, effects=_CONTROL)
    yield Opcode(None, 0x0E, "br_table", (Immediate.LABELIDX_VEC, Immediate.LABELIDX), effects=_CONTROL)
    yield Opcode(None, 0x0F, "return", fuel=0, effects=_CONTROL)
    yield Opcode(None, 0x10, "call", (Immediate.FUNCIDX,), effects=calls)
    yield Opcode(
        None,
        0x11,
        "call_indirect",
        (Immediate.TYPEIDX, Immediate.TABLEIDX),
        traps=CALLS_INDIRECT,
        effects=calls | {Effect.READS_TABLE},
    )
    yield Opcode(None, 0x1A, "drop", fuel=0)
    yield Opcode(None, 0x1B, "select")
    yield Opcode(None, 0x1C, "select", (Immediate.VALTYPE_VEC,), feature=references)
    yield Opcode(None, 0x20, "local.get", (Immediate.LOCALIDX,))
    yield Opcode(None, 0x21, "local.set", (Immediate.LOCALIDX,))
    yield Opcode(None, 0x22, "local.tee", (Immediate.LOCALIDX,))
    yield Opcode(
        None, 0x23, "global.get", (Immediate.GLOBALIDX,), constant=True, effects=frozenset({Effect.READS_GLOBAL})
    )
    yield Opcode(None, 0x24, "global.set", (Immediate.GLOBALIDX,), effects=frozenset({Effect.WRITES_GLOBAL}))
    reads, writes = frozenset({Effect.READS_TABLE}), frozenset({Effect.WRITES_TABLE})
    yield Opcode(None, 0x25, "table.get", (Immediate.TABLEIDX,), feature=references, traps=_TABLE, effects=reads)
    yield Opcode(None, 0x26, "table.set", (Immediate.TABLEIDX,), feature=references, traps=_TABLE, effects=writes)
    yield Opcode(None, 0xD0, "ref.null", (Immediate.HEAPTYPE,), feature=references, constant=True)
    yield Opcode(None, 0xD1, "ref.is_null", feature=references)
    yield Opcode(None, 0xD2, "ref.func", (Immediate.FUNCIDX,), feature=references, constant=True)


def memory_rows() -> Iterator[Opcode]:
    """Yield the memory instructions for single values (specification, 5.4.5)."""
    accesses = (
        ("i32.load", I32, 32), ("i64.load", I64, 64), ("f32.load", F32, 32), ("f64.load", F64, 64),
        ("i32.load8_s", I32, 8), ("i32.load8_u", I32, 8), ("i32.load16_s", I32, 16), ("i32.load16_u", I32, 16),
        ("i64.load8_s", I64, 8), ("i64.load8_u", I64, 8), ("i64.load16_s", I64, 16), ("i64.load16_u", I64, 16),
        ("i64.load32_s", I64, 32), ("i64.load32_u", I64, 32),
        ("i32.store", I32, 32), ("i64.store", I64, 64), ("f32.store", F32, 32), ("f64.store", F64, 64),
        ("i32.store8", I32, 8), ("i32.store16", I32, 16),
        ("i64.store8", I64, 8), ("i64.store16", I64, 16), ("i64.store32", I64, 32),
    )  # fmt: skip
    for code, (mnemonic, type_, width) in enumerate(accesses, start=0x28):
        stores = ".store" in mnemonic
        yield Opcode(
            None,
            code,
            mnemonic,
            (Immediate.MEMARG,),
            traps=_MEMORY,
            effects=frozenset({Effect.WRITES_MEMORY if stores else Effect.READS_MEMORY}),
            access=Access(type_, width, mnemonic.endswith("_s")),
        )
    index = (Immediate.MEMIDX,)
    yield Opcode(None, 0x3F, "memory.size", index, effects=frozenset({Effect.READS_MEMORY}))
    yield Opcode(None, 0x40, "memory.grow", index, bulk=True, effects=frozenset({Effect.WRITES_MEMORY}))


def numeric_rows() -> Iterator[Opcode]:
    """Yield the numeric instructions (specification, 5.4.6)."""
    yield Opcode(None, 0x41, "i32.const", (Immediate.I32,), (), (I32,), constant=True)
    yield Opcode(None, 0x42, "i64.const", (Immediate.I64,), (), (I64,), constant=True)
    yield Opcode(None, 0x43, "f32.const", (Immediate.F32,), (), (F32,), constant=True)
    yield Opcode(None, 0x44, "f64.const", (Immediate.F64,), (), (F64,), constant=True)
    tests = ("eq", "ne", "lt_s", "lt_u", "gt_s", "gt_u", "le_s", "le_u", "ge_s", "ge_u")
    comparisons = ("eq", "ne", "lt", "gt", "le", "ge")
    unary = ("clz", "ctz", "popcnt")
    binary = (
        "add", "sub", "mul", "div_s", "div_u", "rem_s", "rem_u",
        "and", "or", "xor", "shl", "shr_s", "shr_u", "rotl", "rotr",
    )  # fmt: skip
    float_unary = ("abs", "neg", "ceil", "floor", "trunc", "nearest", "sqrt")
    float_binary = ("add", "sub", "mul", "div", "min", "max", "copysign")
    names: list[tuple[str, str]] = []
    for t in ("i32", "i64"):
        names += [(f"{t}.eqz", f"{t} -> i32")] + [(f"{t}.{name}", f"{t} {t} -> i32") for name in tests]
    for t in ("f32", "f64"):
        names += [(f"{t}.{name}", f"{t} {t} -> i32") for name in comparisons]
    for t in ("i32", "i64"):
        names += [(f"{t}.{name}", f"{t} -> {t}") for name in unary]
        names += [(f"{t}.{name}", f"{t} {t} -> {t}") for name in binary]
    for t in ("f32", "f64"):
        names += [(f"{t}.{name}", f"{t} -> {t}") for name in float_unary]
        names += [(f"{t}.{name}", f"{t} {t} -> {t}") for name in float_binary]
    names += [(f"{mnemonic}", f"{_source(mnemonic)} -> {mnemonic[:3]}") for mnemonic in _CONVERSIONS]
    for code, (mnemonic, text) in enumerate(names, start=0x45):
        yield _numeric(None, code, mnemonic, text)
    extensions = ("i32.extend8_s", "i32.extend16_s", "i64.extend8_s", "i64.extend16_s", "i64.extend32_s")
    for code, mnemonic in enumerate(extensions, start=0xC0):
        yield _numeric(None, code, mnemonic, f"{mnemonic[:3]} -> {mnemonic[:3]}", Feature.SIGN_EXTENSION)
    saturating = [f"{i}.trunc_sat_{f}_{s}" for i in ("i32", "i64") for f in ("f32", "f64") for s in ("s", "u")]
    for code, mnemonic in enumerate(saturating):
        text = f"{_source(mnemonic)} -> {mnemonic[:3]}"
        yield _numeric(0xFC, code, mnemonic, text, Feature.NONTRAPPING_CONVERSIONS)


_CONVERSIONS = (
    "i32.wrap_i64", "i32.trunc_f32_s", "i32.trunc_f32_u", "i32.trunc_f64_s", "i32.trunc_f64_u",
    "i64.extend_i32_s", "i64.extend_i32_u",
    "i64.trunc_f32_s", "i64.trunc_f32_u", "i64.trunc_f64_s", "i64.trunc_f64_u",
    "f32.convert_i32_s", "f32.convert_i32_u", "f32.convert_i64_s", "f32.convert_i64_u", "f32.demote_f64",
    "f64.convert_i32_s", "f64.convert_i32_u", "f64.convert_i64_s", "f64.convert_i64_u", "f64.promote_f32",
    "i32.reinterpret_f32", "i64.reinterpret_f64", "f32.reinterpret_i32", "f64.reinterpret_i64",
)  # fmt: skip


def _source(mnemonic: str) -> str:
    """Return the source type in the name of a conversion: ``i64`` for ``i32.wrap_i64``."""
    return next(part for part in reversed(mnemonic.split("_")) if part[1:] in ("32", "64"))


def _numeric(prefix: int | None, code: int, mnemonic: str, text: str, feature: Feature = Feature.MVP) -> Opcode:
    name = mnemonic[4:]
    traps: tuple[TrapCode, ...] = ()
    if name == "div_s":
        traps = _DIVIDES_SIGNED
    elif name in ("div_u", "rem_s", "rem_u"):
        traps = _DIVIDES
    elif name.startswith("trunc_") and "sat" not in name:
        traps = _TRUNCATES
    parameters, results = signature(text)
    constant = mnemonic[0] == "i" and name in ("add", "sub", "mul")  # extended constant expressions
    return Opcode(prefix, code, mnemonic, (), parameters, results, feature=feature, traps=traps, constant=constant)


def bulk_rows() -> Iterator[Opcode]:
    """Yield the bulk memory and table instructions (specification, 5.4.4 and 5.4.5)."""
    data, elem = (Immediate.DATAIDX, Immediate.MEMIDX), (Immediate.ELEMIDX, Immediate.TABLEIDX)
    memories, tables = (Immediate.MEMIDX, Immediate.MEMIDX), (Immediate.TABLEIDX, Immediate.TABLEIDX)
    memory, table = (Immediate.MEMIDX,), (Immediate.TABLEIDX,)
    writes_memory, writes_table = frozenset({Effect.WRITES_MEMORY}), frozenset({Effect.WRITES_TABLE})
    reads_table = frozenset({Effect.READS_TABLE})
    bulk, references = Feature.BULK_MEMORY, Feature.REFERENCE_TYPES
    none: frozenset[Effect] = frozenset()
    rows: tuple[tuple[str, tuple[Immediate, ...], bool, Feature, tuple[TrapCode, ...], frozenset[Effect]], ...] = (
        ("memory.init", data, True, bulk, _MEMORY, writes_memory),
        ("data.drop", (Immediate.DATAIDX,), False, bulk, (), none),
        ("memory.copy", memories, True, bulk, _MEMORY, writes_memory),
        ("memory.fill", memory, True, bulk, _MEMORY, writes_memory),
        ("table.init", elem, True, bulk, _TABLE, writes_table),
        ("elem.drop", (Immediate.ELEMIDX,), False, bulk, (), none),
        ("table.copy", tables, True, bulk, _TABLE, writes_table),
        ("table.grow", table, True, references, (), writes_table),
        ("table.size", table, False, references, (), reads_table),
        ("table.fill", table, True, references, _TABLE, writes_table),
    )
    for code, (mnemonic, immediates, counts, feature, traps, effects) in enumerate(rows, start=0x08):
        yield Opcode(0xFC, code, mnemonic, immediates, bulk=counts, feature=feature, traps=traps, effects=effects)


def rows() -> Iterator[Opcode]:
    """Yield every row of this file."""
    yield from control_rows()
    yield from memory_rows()
    yield from numeric_rows()
    yield from bulk_rows()
