import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zenowasm.zenolang import (
    ControlFlowError,
    Evaluator,
    NestingError,
    Scope,
    ScriptLimits,
    SizeLimitError,
    SlotCall,
    StepLimitError,
    TimeLimitError,
    UnknownSlotError,
    ZenoError,
    default_registry,
    parse,
)

EXAMPLE = Path(__file__).parents[3] / "examples" / "hello.zl"


def test_the_quick_references_script(run):
    def greet(call: SlotCall) -> None:
        call.scope.set("message", f"Hello, {call.parameters['name']}!")

    registry = default_registry()
    registry.register("hello.greet", greet)
    assert run(EXAMPLE.read_text(), registry=registry).lines == ["[INFO]: Hello, World!"]


def test_an_unknown_slot_is_an_error_with_the_nearest_name(run):
    with pytest.raises(UnknownSlotError) as caught:
        run("print: 1\n  log.inof: 2")
    assert str(caught.value) == "test.zl:2:3: unknown slot `log.inof` (did you mean `log.info`?)"


def test_a_word_of_the_language_alone_says_so(run):
    with pytest.raises(UnknownSlotError, match="`else` stands alone"):
        run("if: 1 { print: 1 }\nelse: { print: 2 }")


def test_the_scripts_value(run):
    assert run("return: 5\nprint: 1").value == 5
    assert run("print: 1").value is None
    assert run("return { a: 1 }").value == {"a": 1}


@pytest.mark.parametrize("word", ["break", "continue"])
def test_control_flow_outside_of_a_loop(run, word: str):
    with pytest.raises(ControlFlowError) as caught:
        run(f"if: true {{\n {word} }}")
    assert str(caught.value) == f"test.zl:2:2: `{word}` outside a loop"


def test_blocks_share_their_variables(run):
    assert run("if: true { $a: 1 }\nprint: $a").lines == ["1"]


def test_assigning_a_map(run):
    assert run('$a: { b: 1, c: { d: "x" } }').scope.get("a") == {"b": 1, "c": {"d": "x"}}


def test_functions_live_as_long_as_the_evaluator():
    lines: list[str] = []
    evaluator = Evaluator(default_registry(), output=lines.append)
    evaluator.run(parse("fn: f { print: 1 }"), Scope())
    evaluator.run(parse("call: f"), Scope())
    assert lines == ["1"]


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("while: true { }", StepLimitError),
        ("fn: f { call: f }\ncall: f", NestingError),
        ("fn: f { if: true { while: true { foreach: [1] { call: f } } } }\ncall: f", NestingError),
        ("$a: 1\nwhile: true { $a: [$a] }", NestingError),
        ("$a: 1\nwhile: true { $a: { b: $a } }", NestingError),
        ("for: ';;' { }", StepLimitError),
        ("$a: 1\nwhile: true { $a: [$a, $a] }", SizeLimitError),
        ('$a: "x"\nwhile: true { $a: $a + $a }', SizeLimitError),
        ('$a: "x"\nwhile: true { $a: "$a$a" }', SizeLimitError),
        ('$a: "x"\nwhile: true { strings.concat: $a { val: $a as: $a } }', SizeLimitError),
        ("$a: [1]\nwhile: true { $a: $a + $a }", SizeLimitError),
        ("$a: 3\nwhile: true { $a: $a * $a }", SizeLimitError),
        ('$a: "\\n"\nwhile: true { json.stringify: $a { as: $a } }', SizeLimitError),
        ("while: true { print: 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx' }", SizeLimitError),
        ("while: true { sleep: 1000 }", TimeLimitError),
    ],
)
def test_everything_is_bounded_and_no_script_can_catch_that(run, source: str, error: type[ZenoError]):
    limits = ScriptLimits(steps=100_000, value_size=10_000, output_length=100_000)
    with pytest.raises(error) as caught:
        run(f"try {{ do: {{ {source} }} catch: {{ }} }}", limits=limits)
    assert caught.value.line > 0


def test_calls_are_counted(run):
    with pytest.raises(NestingError, match="nested more than 150 deep"):
        run("fn: f { call: f }\ncall: f")


def test_the_time_of_a_run_is_bounded(run):
    readings = iter(range(1000))
    with pytest.raises(TimeLimitError, match="more than 5 seconds"):
        run("while: true { }", limits=ScriptLimits(seconds=5), clock=lambda: float(next(readings)))


def test_each_run_has_its_own_budget():
    evaluator = Evaluator(default_registry(), limits=ScriptLimits(steps=10))
    for _ in range(5):
        evaluator.run(parse("$a: 1 + 1"), Scope())


def test_a_host_without_stack_gets_an_error_of_the_language():
    program = parse("fn: f { if: true { call: f } }\ncall: f")
    evaluator = Evaluator(default_registry(), limits=ScriptLimits(run_nesting=10**9))
    with pytest.raises(NestingError, match="not enough stack is left"):
        evaluator.run(program, Scope())
    evaluator.run(parse("$a: 1"), Scope())


def test_parsing_without_stack_is_an_error_of_the_language():
    deep = "a: " + "(" * sys.getrecursionlimit()
    with pytest.raises(NestingError, match="not enough stack is left"):
        parse(deep, limits=ScriptLimits(syntax_nesting=10**9))


PIECES = [
    "$a: 1", "$a: $a + 1", "$b: [$a, $b]", "print: $a", "if: $a {", "while: $b {", "foreach: $b as $x {", "try {", "}",
    "fn: f {", "call: f", "break", "continue", "return: $a", "switch: $a {", "case: 1 {", "len: $b", "json.parse: $a",
    "json.stringify: $b", "for: '$i = 0; $i < 3; $i++' {", "catch: {", "coalesce: $b", "var: $c { val: $a }", "x: 1",
]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=25).map("\n".join))
@settings(deadline=None)
def test_a_script_runs_or_fails_with_a_located_error(source: str):
    evaluator = Evaluator(default_registry(), output=lambda line: None, limits=ScriptLimits(steps=2000))
    try:
        evaluator.run(parse(source), Scope())
    except ZenoError as error:
        assert error.line > 0


@pytest.mark.parametrize("longer", ['$s + "x"', '"${s}x"'])
def test_copying_a_text_in_a_loop_costs_what_is_copied(run, longer):
    text = "x" * 1_000_000
    script = f'for: "$i = 0; $i < 100; $i++" {{ do: {{ $s: {longer} }} }}'
    with pytest.raises(StepLimitError):
        run(script, variables={"s": text}, limits=ScriptLimits(steps=50_000))
    run(script, variables={"s": "x"}, limits=ScriptLimits(steps=50_000))
