"""Frames that stand still between any two instructions: stepping, stopping, looking, resuming."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.engines import Guest, bits, state
from support.programs import arguments, program
from support.wasm import wat

from zenowasm.interp.binary import decode
from zenowasm.interp.errors import Crash, Exhaustion, Trap, WasmError
from zenowasm.interp.events import Probe
from zenowasm.interp.execution import Configuration, evaluate, invoke, new_store
from zenowasm.interp.runtime.instantiate import instantiate
from zenowasm.interp.validation import validate_function, validate_module

PROGRAM = """
(module
  (memory (export "memory") 1)
  (global $calls (export "calls") (mut i32) (i32.const 0))
  (type $pair (func (param i32 i32) (result i32 i32)))
  (table funcref (elem $swap $same))
  (func $swap (type $pair) local.get 1 local.get 0)
  (func $same (type $pair) local.get 0 local.get 1)
  (func $fib (export "fib") (param i32) (result i32)
    (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
    (if (result i32) (i32.lt_u (local.get 0) (i32.const 2))
      (then local.get 0)
      (else (i32.add (call $fib (i32.sub (local.get 0) (i32.const 1)))
                     (call $fib (i32.sub (local.get 0) (i32.const 2)))))))
  (func (export "switch") (param i32) (result i64)
    block $a (result i64) block $b (result i64) block $c (result i64)
      i64.const 7 i64.const 10 local.get 0 br_table $c $b $a $c
    end i64.const 100 i64.add end i64.const 1000 i64.add end)
  (func (export "switch from 3") (param i32) (result i64)
    block $a (result i64) block $b (result i64) block $c (result i64)
      i64.const 7 i64.const 10 local.get 0 i32.const 3 i32.sub br_table $c $b $a
    end i64.const 100 i64.add end i64.const 1000 i64.add end)
  (func (export "loop") (param $n i32) (result i32) (local $sum i32)
    block $out
      loop $top
        local.get $n i32.eqz br_if $out
        local.get $n local.get $sum
        local.get $n i32.const 1 i32.and call_indirect (type $pair)
        i32.sub local.tee $sum drop
        local.get $n local.get $sum i32.store
        local.get $n i32.const 1 i32.sub local.set $n
        br $top
      end
    end
    local.get $sum)
  (func (export "carry") (param i32) (result i32)
    i32.const 0 local.get 0
    loop (param i32 i32) (result i32)
      local.tee 0 i32.add local.get 0 i32.const 1 i32.sub local.tee 0 local.get 0 br_if 0 drop
    end))
"""
CALLS = [
    ("fib", 6),
    ("switch", 0),
    ("switch", 1),
    ("switch", 2),
    ("switch", 9),
    *(("switch from 3", it) for it in (2, 3, 4, 5, 6)),
    ("loop", 5),
    ("carry", 4),
]


def started(binary: bytes, export: str, operands: tuple[Any, ...]) -> tuple[Configuration, Any]:
    """Enter an export of a new instance, before its first instruction."""
    store = new_store()
    instance = instantiate(store, validate_module(decode(binary)), {}, evaluate)
    configuration = Configuration(store)
    configuration.call(instance.exports[export], list(operands))  # type: ignore[arg-type]
    return configuration, instance


def finish(configuration: Configuration, steps: int | None = None) -> tuple[Any, ...]:
    """Step that many times, then run freely; return what can be seen in the end."""
    while not configuration.finished and steps != 0:
        configuration.step()
        steps = None if steps is None else steps - 1
    configuration.run()
    return tuple(configuration.results), configuration.fuel_consumed


def visible(instance: Any) -> tuple[Any, ...]:
    return bytes(instance.memories[0].data), [bits(it.type.value, it.value) for it in instance.globals]


def length(binary: bytes, export: str, *operands: Any) -> int:
    """Count the instructions of a call."""
    configuration, _ = started(binary, export, operands)
    count = 0
    while not configuration.finished:
        configuration.step()
        count += 1
    return count


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_stopping_anywhere_changes_nothing(call: tuple[str, int]) -> None:
    export, operand = call
    binary = wat(PROGRAM)
    configuration, instance = started(binary, export, (operand,))
    free = finish(configuration, 0)
    expected = visible(instance)
    peer = Guest(binary, "wasmtime").outcome(export, operand)
    assert free == (peer.results, peer.fuel)
    for steps in range(1, length(binary, export, operand) + 1):
        configuration, instance = started(binary, export, (operand,))
        assert finish(configuration, steps) == free
        assert visible(instance) == expected


def stepped(binary: bytes, export: str, operands: tuple[Any, ...]) -> tuple[Any, ...]:
    """Execute an export by single steps; check at each what an observer may rely on."""
    configuration, instance = started(binary, export, operands)
    fuel, error = configuration.fuel_consumed, None
    while not configuration.finished:
        frame = configuration.frame
        assert frame is not None
        assert 0 <= frame.pc < len(frame.code.body.expression.instructions)
        assert len(frame.locals) + len(frame.stack) <= frame.code.size
        try:
            configuration.step()
        except (Trap, Exhaustion) as caught:
            error = caught
            break
        assert configuration.fuel_consumed >= fuel
        fuel = configuration.fuel_consumed
    kind = getattr(error, "code", type(error))
    return repr(configuration.results), kind, configuration.fuel_consumed, visible(instance)


def ran(binary: bytes, export: str, operands: tuple[Any, ...]) -> tuple[Any, ...]:
    """Execute an export in one go."""
    store = new_store()
    instance = instantiate(store, validate_module(decode(binary)), {}, evaluate)
    results: tuple[Any, ...] = ()
    error = None
    try:
        results = invoke(store, instance.exports[export], operands)  # type: ignore[arg-type]
    except WasmError as caught:
        error = caught
    assert (store.depth, store.values, store.nesting) == (0, 0, 0)
    return repr(list(results)), getattr(error, "code", type(error)), store.settled_fuel, visible(instance)


@settings(max_examples=150)
@given(st.binary(max_size=400))
def test_single_steps_are_a_free_run(tape: bytes) -> None:
    made = program(tape)
    for choice, (export, signature) in enumerate(made.exports):
        operands = arguments(signature, choice)
        assert stepped(made.binary, export, operands) == ran(made.binary, export, operands)


class NaiveFuel(Probe):
    """A probe that adds up the fuel of each instruction as it comes."""

    def __init__(self) -> None:
        self.fuel = 0
        self.pending = 0
        self.growth = False
        self.frames: list[Any] = []

    def before_instruction(self, execution: Any) -> None:
        frame = execution.frame
        if frame.pc == 0 and not frame.stack and all(frame is not it for it in self.frames):
            self.frames.append(frame)
            self.fuel += 1
        opcode = frame.code.body.expression.instructions[frame.pc].opcode
        # What a bulk operation moves is charged when it has moved it: here it has, since the next instruction comes.
        self.fuel += opcode.fuel + self.pending
        self.pending = frame.stack[-1] if opcode.bulk else 0
        self.growth |= opcode.mnemonic.endswith("grow")

    def before_unwinding(self, execution: Any, error: WasmError) -> None:
        pass


@settings(max_examples=150)
@given(st.binary(max_size=400))
def test_fuel_is_the_sum_of_what_was_executed_also_up_to_a_trap(tape: bytes) -> None:
    made = program(tape)
    guest = Guest(made.binary)
    for choice, (export, signature) in enumerate(made.exports):
        probe = guest.store.probe = NaiveFuel()
        before = guest.store.fuel_consumed
        guest.outcome(export, *arguments(signature, choice))
        if not probe.growth:
            assert guest.store.fuel_consumed - before == probe.fuel


class Heights(Probe):
    """A consumer of validation that notes how high the operand stack is before each instruction."""

    def __init__(self) -> None:
        self.before: list[int] = []

    def instruction(self, validator: Any, instruction: Any, height: int) -> None:
        self.before.append(height)


class Watching(Probe):
    """A probe that finds the operand stack always as high as validation said it would be."""

    def __init__(self) -> None:
        self.heights: dict[int, list[int]] = {}

    def before_instruction(self, execution: Any) -> None:
        frame = execution.frame
        index = frame.function.index
        if index not in self.heights:
            heights = Heights()
            validate_function(frame.module.valid.context, index, frame.code.body, heights)
            self.heights[index] = heights.before
        assert len(frame.stack) == self.heights[index][frame.pc]

    def before_unwinding(self, execution: Any, error: WasmError) -> None:
        assert execution.frame is not None


def story(tape: bytes, probe: object) -> list[Any]:
    """Run a program's exports; return all that an embedder can learn, the places of traps included."""
    made = program(tape)
    guest = Guest(made.binary)
    guest.store.probe = probe
    told: list[Any] = []
    for choice, (export, signature) in enumerate(made.exports):
        try:
            results = guest(export, *arguments(signature, choice))
            told.append([bits(type_, it) for type_, it in zip(guest[export].type.results, results, strict=True)])
        except Trap as trap:
            told.append((trap.code, trap.detail, trap.function, trap.offset, trap.backtrace))
        told.append(guest.store.fuel_consumed)
    return [*told, state(guest.instance)]


@settings(max_examples=150)
@given(st.binary(max_size=100) | st.binary(min_size=200, max_size=600))
def test_being_watched_changes_nothing(tape: bytes) -> None:
    assert story(tape, Watching()) == story(tape, None)


def test_frames_show_where_each_call_stands() -> None:
    configuration, _ = started(wat(PROGRAM), "fib", (3,))
    seen = set()
    while not configuration.finished:
        seen.add(tuple(frame.locals[0] for frame in configuration.frames()))
        configuration.step()
    assert seen == {(3,), (2, 3), (1, 2, 3), (0, 2, 3), (1, 3)}
    assert configuration.results == [2]


def test_locals_can_be_changed_in_between() -> None:
    configuration, _ = started(wat(PROGRAM), "fib", (50,))
    configuration.step()
    frame = configuration.frame
    assert frame is not None
    frame.locals[0] = 7
    configuration.run()
    assert configuration.results == [13]


def test_a_finished_execution_cannot_step() -> None:
    configuration, _ = started(wat(PROGRAM), "switch", (0,))
    configuration.run()
    assert configuration.finished
    with pytest.raises(Crash):
        configuration.step()


def test_two_executions_in_one_store_take_turns() -> None:
    binary = wat(PROGRAM)
    first, instance = started(binary, "fib", (5,))
    second = Configuration(first.store)
    second.call(instance.exports["loop"], [4])
    turns = 0
    while not (first.finished and second.finished):
        for configuration in (first, second):
            if not configuration.finished:
                configuration.step()
                turns += 1
    assert first.results == [5]
    assert repr(second.results) == ran(binary, "loop", (4,))[0]
    assert turns == length(binary, "fib", 5) + length(binary, "loop", 4)
