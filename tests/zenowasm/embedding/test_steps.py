from __future__ import annotations

import pytest

from zenowasm import GuestException, Instance, Store, Trap, TrapCode

TEXT = """(module $steps
  (import "env" "back" (func $back (param i32) (result i32)))
  (tag $tag (param i32))
  (memory (export "memory") 1)
  (global $count (export "count") (mut i32) (i32.const 0))
  (func $square (param $x i32) (result i32) (i32.mul (local.get $x) (local.get $x)))
  (func (export "sum") (param $a i32) (param $b i64) (result i32 i64)
    (local $total i32) (local f64)
    (local.set $total (i32.add (call $square (local.get $a)) (call $square (i32.const -2))))
    (local.get $total)
    (local.get $b))
  (func (export "forever") (loop $again (br $again)))
  (func (export "host") (param i32) (result i32) (call $back (local.get 0)))
  (func $trap (export "trap") (drop (i32.load (i32.const -1))))
  (func (export "throw") (throw $tag (i32.const -7)))
  (func (export "loop") (param $left i32)
    (loop $again
      (i32.store8 (local.get $left) (i32.const 65))
      (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1))))))
  (func $again (export "again") (param $left i32)
    (if (local.get $left) (then (call $again (i32.sub (local.get $left) (i32.const 1)))))))"""


def exports(store: Store | None = None, back=abs):
    return Instance(TEXT, {"env": {"back": back}}, store or Store("reference")).exports


def test_every_instruction_is_a_step_with_what_it_is_about_to_use() -> None:
    steps = exports().sum.steps(3, -4)
    seen = list(steps)
    # The expected values follow from the text above, instruction by instruction.
    assert [(step.function, step.instruction, step.stack) for step in seen[:7]] == [
        ("sum", "local.get $a", ()),
        ("sum", "call $square", (3,)),
        ("square", "local.get $x", ()),
        ("square", "local.get $x", (3,)),
        ("square", "i32.mul", (3, 3)),
        ("square", "end", (9,)),
        ("sum", "i32.const -2", (9,)),
    ]
    assert [step.number for step in seen] == list(range(len(seen)))
    assert {step.depth for step in seen if step.function == "square"} == {2}
    assert seen[2].locals == {"x": 3}
    assert seen[-1].locals == {"a": 3, "b": -4, "total": 13, "3": 0.0}
    assert seen[-1].stack == (13, -4)
    assert seen[-1].offset > seen[0].offset > 0
    assert steps.result == (13, -4) == exports().sum(3, -4)
    assert steps.current is None and list(steps) == []


def test_over_and_out() -> None:
    steps = exports().sum.steps(3, -4)
    assert next(steps).pc == 0
    next(steps)
    assert steps.over().stack == (9,)
    assert steps.until("square").locals == {"x": -2}
    assert steps.out().stack == (9, 4)
    assert steps.out() is None
    assert steps.result == (13, -4)


def test_over_goes_on_from_the_first_instruction_where_nothing_was_looked_at() -> None:
    assert exports().sum.steps(3, 0).over().instruction == "call $square"


def test_until_a_condition() -> None:
    step = exports().sum.steps(3, 0).until(lambda step: step.stack == (9, 4))
    assert step.instruction == "i32.add"


def test_until_a_function_is_called_again_and_not_where_it_is() -> None:
    steps = exports().again.steps(2)
    assert [steps.until("again").locals["left"] for _ in range(2)] == [1, 0]
    assert steps.until("again") is None
    assert exports()["loop"].steps(3).until("loop") is None  # a branch to the first instruction is no call


def test_until_names_the_function_that_was_probably_meant() -> None:
    with pytest.raises(ValueError, match="no function is called squere: did you mean square"):
        exports().sum.steps(3, 0).until("squere")


def test_what_has_not_returned_has_no_result() -> None:
    steps = exports().sum.steps(3, 0)
    with pytest.raises(ValueError, match=r"sum\(\) has not returned"):
        _ = steps.result


def test_memories_can_be_looked_at_and_changed_in_between_and_other_calls_be_made() -> None:
    made = exports()
    steps = made["loop"].steps(3)
    written = []
    while steps.until(lambda step: step.instruction.startswith("br_if")) is not None:
        written.append(bytes(made.memory[:4]))
        made.memory[0] = len(written)
        assert made.sum(1, 1) == (5, 1)
    assert written == [b"\0\0\0A", b"\1\0AA", b"\2AAA"]


def test_what_a_host_function_calls_is_one_step() -> None:
    made = exports(back=lambda x: made.sum(x, 0)[0] if x else 0)
    steps = made.host.steps(5)
    assert [step.instruction for step in steps] == ["local.get 0", "call $back", "end"]
    assert steps.result == 29


def test_a_function_of_the_host_has_no_steps() -> None:
    from zenowasm import Function

    steps = Function(Store("reference"), abs, ["i32"], ["i32"]).steps(-4)
    assert list(steps) == [] and steps.until("abs") is None
    assert steps.result == 4


def test_a_trap_ends_the_steps_where_it_happens() -> None:
    steps = exports().trap.steps()
    seen = []
    with pytest.raises(Trap) as caught:
        seen.extend(steps)
    assert caught.value.code is TrapCode.OUT_OF_BOUNDS_MEMORY_ACCESS
    assert caught.value.backtrace == ("trap",)
    assert list(steps) == [] and steps.over() is None


def test_an_exception_of_the_guest_arrives_as_from_a_call() -> None:
    with pytest.raises(GuestException) as caught:
        list(exports().throw.steps())
    assert caught.value.fields == (-7,)


def test_an_exception_of_the_host_arrives_as_it_is() -> None:
    error = KeyError("mine")

    def fail(_):
        raise error

    with pytest.raises(KeyError) as caught:
        list(exports(back=fail).host.steps(1))
    assert caught.value is error


def test_all_steps_share_the_fuel_of_a_call() -> None:
    def trapped(run) -> int:
        with Store("reference", fuel=1_000) as store:
            with pytest.raises(Trap) as caught:
                run(exports(store).forever)
            assert caught.value.code is TrapCode.OUT_OF_FUEL
            return store.fuel_consumed

    assert trapped(lambda forever: list(forever.steps())) == trapped(lambda forever: forever())


def test_fuel_is_the_same_as_that_of_a_call() -> None:
    def consumed(run) -> int:
        with Store("reference", fuel=100_000) as store:
            run(exports(store))
            return store.fuel_consumed

    by_call = consumed(lambda made: made.sum(3, 4))
    assert consumed(lambda made: list(made.sum.steps(3, 4))) == by_call

    def beside(made) -> None:
        for _ in made.sum.steps(3, 4):
            made.sum(3, 4)

    assert consumed(beside) == by_call * (1 + 9 + 2 * 4)  # the instructions of sum and twice those of square


def test_the_timeout_is_for_each_time_that_the_call_goes_on() -> None:
    with Store("reference", timeout=0.05) as store:
        steps = exports(store).forever.steps()
        next(steps)
        with pytest.raises(Trap) as caught:
            steps.out()
        assert caught.value.code is TrapCode.INTERRUPTED


def test_arguments_that_do_not_fit() -> None:
    with pytest.raises(TypeError, match=r"sum\(\) takes 2 arguments, not 1"):
        exports().sum.steps(1)


def test_an_engine_that_cannot_stop_says_which_one_can() -> None:
    with pytest.raises(
        RuntimeError, match='wasmtime cannot stop between two instructions: make the store with engine="reference"'
    ):
        exports(Store("wasmtime")).sum.steps(1, 2)


def test_steps_show_themselves() -> None:
    steps = exports().sum.steps(3, 4)
    step = steps.until("square")
    assert repr(step) == "<Step 2: square+0  local.get $x  []>"
    html = step._repr_html_()
    assert "step 2 in square" in html and "i32.mul" in html and "x = 3" in html
