"""Code that was packed and unpacked runs like the code that it was made of."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.engines import bits
from support.programs import arguments, program
from support.wasm import wat

from zenowasm.interp.binary import decode
from zenowasm.interp.errors import Trap, WasmError
from zenowasm.interp.execution import Configuration, code, evaluate, invoke, new_store, packing
from zenowasm.interp.execution.object_code import ObjectCode, lower
from zenowasm.interp.execution.packing import pack_all, unpack_all
from zenowasm.interp.limits import ExecutionLimits
from zenowasm.interp.runtime.instantiate import instantiate
from zenowasm.interp.validation import ValidModule, validate_lazily, validate_module

KINDS_OF_CODE = """(module
  (memory (export "m") 1) (data $d "0123456789abcdef") (tag $t (param i32)) (table 2 funcref) (elem (i32.const 0) $inc)
  (type $unary (func (param i32) (result i32)))
  (func $inc (type $unary) (i32.add (local.get 0) (i32.const 1)))
  (func $throws (throw $t (i32.const 9)))
  (func (export "indirect") (param i32) (result i32) (call_indirect (type $unary) (i32.const 41) (local.get 0)))
  (func (export "caught") (param i32) (result i32)
    (block $h (result i32) (try_table (catch $t $h) (call $throws)) (unreachable)))
  (func (export "switch") (param i32) (result i32)
    block $a block $b block $c local.get 0 br_table $c $b $a $b end
    (return (i32.const 10)) end (return (i32.const 20)) end i32.const 30)
  (func (export "loop") (param i32) (result i32) (local $sum i32)
    (loop $l (local.set $sum (i32.add (local.get $sum) (local.get 0)))
      (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))) local.get $sum)
  (func (export "vector") (param i32) (result i32)
    (i32x4.extract_lane 3 (i8x16.shuffle 0 1 2 3 4 5 6 7 8 9 10 11 16 17 18 19
      (v128.load32_lane 2 (local.get 0) (v128.const i32x4 1 2 3 4)) (i32x4.splat (local.get 0)))))
  (func (export "signalling") (param i32) (result i32) (i32.reinterpret_f32 (f32.const nan:0x200001)))
  (func (export "wide") (param i32) (result i32)
    (i32.wrap_i64 (i64.reinterpret_f64 (f64.neg (f64.const -nan:0x4000000000001)))))
  (func (export "bulk") (param i32) (result i32)
    (memory.init $d (i32.const 64) (i32.const 0) (i32.const 16)) (memory.fill (i32.const 0) (i32.const 7) (local.get 0))
    (i32.load8_s offset=66 (i32.const 0)))
  (func (export "out of bounds") (param i32) (result i32) nop (i32.load offset=65536 (local.get 0)))
  (func (export "select") (param i32) (result i32)
    (select (result i32) (i32.const 1) (i32.const 2) (local.get 0)) (drop (ref.null func))))"""
CAST = wat(
    '(module (type $s (struct)) (func (export "f") (param i32) (result i32) (ref.test (ref $s) (struct.new $s)))'
    ' (func (export "g") (param i32) (result i32) (local.get 0)))'
)
EXPORTS = [name for name in KINDS_OF_CODE.split('"')[1::2] if name not in ("m", "0123456789abcdef")]


@contextmanager
def counted() -> Iterator[list[int]]:
    """The functions of whose bodies code is made."""
    indexes: list[int] = []

    def note(context: Any, index: int, *rest: Any) -> ObjectCode:
        indexes.append(index)
        return lower(context, index, *rest)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(code, "lower", note)
        yield indexes


def keeping(binary: bytes) -> ValidModule:
    """Validate a module whose code is kept."""
    valid = validate_module(decode(binary))
    valid.packed_codes = {}
    return valid


def later(valid: ValidModule) -> ValidModule:
    """Return the module as a later process has it, which validates no body before it runs."""
    made = validate_lazily(valid.module)
    unpack_all(made, pack_all(valid))
    return made


def story(valid: ValidModule, calls: list[tuple[str, tuple[Any, ...]]]) -> list[Any]:
    """Call exports one after the other; return all that can be seen: results, places of traps, fuel, memory."""
    store = new_store(ExecutionLimits(call_depth=50))
    instance: Any = instantiate(store, valid, {}, evaluate)
    told: list[Any] = []
    for export, operands in calls:
        function = instance.exports[export]
        try:
            results = invoke(store, function, operands)
            told.append([bits(type_, it) for type_, it in zip(function.type.results, results, strict=True)])
        except Trap as trap:
            told.append((trap.code, trap.detail, trap.function, trap.offset, trap.backtrace))
        except WasmError as error:
            told.append(str(error))
        told.append(store.settled_fuel)
    return [*told, *(sha256(it.data).digest() for it in instance.memories)]


@pytest.mark.parametrize("export", EXPORTS)
@pytest.mark.parametrize("operand", [1, 2, 3, 130])
def test_each_kind_of_instruction_survives(export: str, operand: int) -> None:
    calls: list[tuple[str, tuple[Any, ...]]] = [(export, (operand,))]
    binary = wat(KINDS_OF_CODE)
    first = keeping(binary)
    expected = story(validate_module(decode(binary)), calls)
    assert story(first, calls) == expected
    second = later(first)
    with counted() as indexes:
        assert story(second, calls) == expected
    assert indexes == []


@settings(max_examples=150)
@given(st.binary(max_size=100) | st.binary(min_size=200, max_size=600))
def test_random_programs_do_the_same_with_unpacked_code(tape: bytes) -> None:
    made = program(tape)
    calls = [(export, arguments(signature, choice)) for choice, (export, signature) in enumerate(made.exports)]
    first = keeping(made.binary)
    expected = story(first, calls)
    second = later(first)
    with counted() as indexes:
        assert story(second, calls) == expected
    assert indexes == []
    assert story(validate_module(decode(made.binary)), calls) == expected


@settings(max_examples=50)
@given(st.binary(max_size=300))
def test_unpacked_code_can_be_stepped(tape: bytes) -> None:
    made = program(tape)
    for choice, (export, signature) in enumerate(made.exports):
        first = keeping(made.binary)
        calls = [(export, arguments(signature, choice))]
        expected = story(first, calls)
        valid = later(first)
        store = new_store(ExecutionLimits(call_depth=50))
        instance: Any = instantiate(store, valid, {}, evaluate)
        configuration = Configuration(store)
        function = instance.exports[export]
        told: Any = None
        with counted() as indexes:
            configuration.call(function, list(calls[0][1]))
            try:
                while not configuration.finished:
                    configuration.step()
            except WasmError as error:
                told = error
            else:
                told = [bits(type_, it) for type_, it in zip(function.type.results, configuration.results, strict=True)]
        assert indexes == []
        assert configuration.fuel_consumed == expected[1]
        assert told == expected[0] if isinstance(told, list) else not isinstance(expected[0], list)
        assert sha256(instance.memories[0].data).digest() == expected[2]


def test_code_with_types_is_made_anew() -> None:
    calls: list[tuple[str, tuple[Any, ...]]] = [("f", (1,)), ("g", (7,))]
    first = keeping(CAST)
    expected = story(first, calls)
    second = later(first)
    with counted() as indexes:
        assert story(second, calls) == expected == [[1], 3, [7], 5]
    assert indexes == [0]


def test_without_an_embedder_that_keeps_it_nothing_is_packed() -> None:
    valid = validate_module(decode(CAST))
    story(valid, [("g", (7,))])
    assert valid.packed_codes is None
    assert unpack_all(valid, pack_all(valid)) is None
    assert valid.packed_codes == {}


@pytest.mark.parametrize("data", [b"", b"[", b"\x00", b"i\x01", b"i\x01\x00\x00\x00", b"?junk"])
def test_other_bytes_are_refused(data: bytes) -> None:
    valid = validate_module(decode(CAST))
    with pytest.raises(ValueError, match=r"."):
        unpack_all(valid, data)
    assert valid.packed_codes is None


def test_the_form_names_what_packed_code_depends_on(monkeypatch: pytest.MonkeyPatch) -> None:
    former = packing.form()
    packing.form.cache_clear()
    monkeypatch.setattr(packing, "VERSION", packing.VERSION + 1)
    assert packing.form() != former
    packing.form.cache_clear()


def test_other_object_code_has_another_version() -> None:
    """Whoever changes what object code contains raises ``VERSION`` and writes down the new digest."""
    valid = validate_module(decode(wat(KINDS_OF_CODE)))
    made = [tuple(lower(valid.context, index, body.body())) for index, body in enumerate(valid.module.codes)]
    assert (packing.VERSION, sha256(repr(made).encode()).hexdigest()[:16]) == (1, "0c5057c31dc5d7f2")
