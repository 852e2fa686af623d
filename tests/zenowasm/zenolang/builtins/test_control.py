from pathlib import Path

import pytest

from zenowasm.zenolang import (
    ControlFlowError,
    IncludeError,
    OperationError,
    ParseError,
    ScriptLimits,
    SourceLimitError,
    UnknownFunctionError,
)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("$a == 1", "yes"),
        ("$a != 1", "no"),
        ('"$a == 1"', "yes"),
        ("'$a > 1'", "no"),
        ("\"$name == 'Ann'\"", "yes"),
        ('"$name"', "yes"),
        ('""', "no"),
        ("$nothing", "no"),
        ("$a >= 1 && $name == Ann", "yes"),
    ],
)
@pytest.mark.parametrize(
    "form",
    [
        "if: {} {{ then: {{ print: yes }} else: {{ print: no }} }}",
        "if: {} {{ print: yes }} else: {{ print: no }}",
        "if: {} {{ print: yes else: {{ print: no }} }}",
    ],
)
def test_if(run, form: str, condition: str, expected: str):
    assert run(form.format(condition), variables={"a": 1, "name": "Ann"}).lines == [expected]


def test_if_without_else(run):
    assert run("if: false { then: { print: 1 } }\nprint: 2").lines == ["2"]


def test_a_condition_in_quotes_must_be_code(run):
    with pytest.raises(ParseError) as caught:
        run('print: 1\nif: "$a == " { }')
    assert caught.value.line == 2


def test_a_condition_is_required(run):
    with pytest.raises(OperationError, match="`while` needs a condition"):
        run("while { }")


@pytest.mark.parametrize("form", ['while: "$i < 3" {{ do: {{ {} }} }}', "while: $i < 3 {{ {} }}"])
def test_while(run, form: str):
    assert run("$i: 0\n" + form.format("print: $i\n $i: $i + 1")).lines == ["0", "1", "2"]


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("$i = 0; $i < 3; $i++", "012"),
        ("$i = 3; $i > 0; $i--", "321"),
        ("$i = 0; $i < 6; $i += 2", "024"),
        ("$i = 2 * 2; $i > 0; $i -= 3", "41"),
        ("$i = 9; $i < 3; $i++", ""),
    ],
)
def test_for(run, header: str, expected: str):
    assert "".join(run(f'for: "{header}" {{ do: {{ print: $i }} }}').lines) == expected


@pytest.mark.parametrize("header", ["$i = 0", "$i = 0; $i < 3", "1; 2; 3", "$i < 0; $i; $i++", "$a.b = 1; 1; $i++"])
def test_for_needs_three_parts(run, header: str):
    with pytest.raises(ParseError):
        run(f'for: "{header}" {{ }}')


@pytest.mark.parametrize("slot", ["for", "foreach"])
@pytest.mark.parametrize("form", [": $l {{ as: $x do: {{ {} }} }}", ": $l as $x {{ {} }}", ": $l {{ as: x\n {} }}"])
def test_foreach(run, slot: str, form: str):
    script = slot + form.format('print: "$loop.index $loop.iteration $loop.count $loop.first $loop.last $x"')
    assert run(script, variables={"l": ["a", "b"]}).lines == ["0 1 2 true false a", "1 2 2 false true b"]


def test_foreach_over_a_map(run):
    assert run('foreach: $m { print: "$loop.key=$item" }', variables={"m": {"a": 1, "b": 2}}).lines == ["a=1", "b=2"]


def test_loops_in_loops(run):
    lines = run(
        'foreach: [1, 2] as $a { foreach: [3] as $b { print: "$loop.parent.index" }\nprint: $loop.index }'
    ).lines
    assert lines == ["0", "0", "1", "1"]


def test_loop_is_gone_after_the_loop(run):
    assert "loop" not in run("foreach: [1] { }").scope
    assert run("$loop: 5\nforeach: [1] { }").scope.get("loop") == 5


def test_foreach_over_nothing_and_over_no_list(run):
    assert run("foreach: $nothing { print: 1 }").lines == []
    with pytest.raises(OperationError, match="needs a list or a map, not int"):
        run("foreach: 5 { }")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("if: $x == 2 { break }\nprint: $x", "1"),
        ("break: $x == 3\nprint: $x", "12"),
        ('continue: "$x == 2"\nprint: $x', "13"),
        ("print: $x\ncontinue\nprint: never", "123"),
        ("foreach: [7] { break }\nprint: $x", "123"),
    ],
)
@pytest.mark.parametrize("form", ["foreach: [1, 2, 3] as $x {{ {} }}", 'for: "$x = 1; $x <= 3; $x++" {{ {} }}'])
def test_break_and_continue(run, form: str, body: str, expected: str):
    assert "".join(run(form.format(body)).lines) == expected


@pytest.mark.parametrize(
    ("value", "expected"), [("1", "one"), ('"1"', "one"), ('"b"', "b"), ("nil", "other"), ("9", "other")]
)
def test_switch(run, value: str, expected: str):
    cases = 'case: 1 { print: one } case: "b" { do: { print: b } } case: 1 { print: twice } default: { print: other }'
    script = f"switch: $v {{ {cases} }}"
    assert run(f"$v: {value}\n{script}").lines == [expected]


def test_switch_holds_cases_only(run):
    with pytest.raises(OperationError, match="not `csae`"):
        run("switch: 1 { csae: 1 { } }")


@pytest.mark.parametrize(
    "script",
    [
        "try { do: { nope.x\n print: never } catch: { print: $e } as: $e }",
        "try { nope.x } catch: { print: $error }",
        "try { do: { fn: f { nope.x } call: f } catch: { print: $error } }",
    ],
)
def test_try(run, script: str):
    assert run(script + "\nprint: after").lines == ["unknown slot `nope.x`", "after"]


def test_catch_runs_only_after_an_error(run):
    assert run("try { print: 1 } catch: { print: never }").lines == ["1"]


def test_try_without_catch_lets_the_error_pass(run):
    with pytest.raises(OperationError, match="division by zero"):
        run("try { do: { $a: 1 / 0 } }")


def test_try_is_no_border_for_control_flow(run):
    assert run("foreach: [1, 2] { try { do: { break } catch: { print: caught } } }\nprint: $item").lines == ["1"]


def test_a_function_without_parameters_shares_the_callers_variables(run):
    assert run("fn: f { $a: $a + 1 }\n$a: 1\ncall: f\ncall: f\nprint: $a").lines == ["3"]


def test_a_function_with_parameters_has_its_own_variables(run):
    script = """
        fn: fib { params: [n] do: {
            if: $n < 2 { return: $n }
            call: fib { n: $n - 1 as: $a }
            call: fib { args: { n: $n - 2 } as: $b }
            return: $a + $b
        } }
        $a: kept
        call: "fib" { n: 10 as: $result }
        print: "$result $a"
    """
    assert run(script).lines == ["55 kept"]


def test_arguments_to_a_function_without_parameters_are_its_own(run):
    assert run('fn: f { print: "$x $y" }\n$x: 1\n$y: 2\ncall: f { x: 5 }\nprint: $x').lines == ["5 2", "1"]


def test_a_functions_body_without_do(run):
    assert run("fn: f { params: [a] print: $a }\ncall: f { a: 1 }").lines == ["1"]


def test_a_parameter_without_an_argument_is_nil(run):
    assert run("fn: f { params: ['a'] do: { print: \"<$a>\" } }\n$a: 1\ncall: f").lines == ["<>"]


def test_an_argument_without_a_parameter_is_an_error(run):
    with pytest.raises(OperationError, match=r"has no parameter `b`.*it has: a"):
        run("fn: f { params: [a] do: { } }\ncall: f { b: 1 }")


def test_a_function_without_return_gives_nil(run):
    assert run("$r: 1\nfn: f { }\ncall: f { as: $r }").scope.get("r") is None


def test_an_unknown_function(run):
    with pytest.raises(UnknownFunctionError, match="`nope`"):
        run("call: nope")


def test_break_does_not_leave_a_function(run):
    with pytest.raises(ControlFlowError) as caught:
        run("fn: f {\n break }\nforeach: [1] { call: f }")
    assert caught.value.line == 2


def test_include_shares_variables_and_functions(run, tmp_path: Path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "lib.zl").write_text("\ufefffn: f { print: $x }\n$y: 2\nreturn: 3\nprint: never", "utf-8")
    result = run('$x: 1\ninclude: "sub/lib.zl" { as: $r }\ncall: f\nprint: "$y $r"', base_directory=tmp_path)
    assert result.lines == ["1", "2 3"]


def test_an_error_in_an_included_file_names_that_file(run, tmp_path: Path):
    (tmp_path / "lib.zl").write_text("\nnope.x")
    with pytest.raises(Exception, match=r"^lib.zl:2:1: unknown slot"):
        run('include: "lib.zl"', base_directory=tmp_path)


def test_include_does_not_leave_its_folder(run, tmp_path: Path):
    root = tmp_path / "scripts"
    root.mkdir()
    secret = tmp_path / "secret.zl"
    secret.write_text("print: secret")
    (root / "link.zl").symlink_to(secret)
    (root / "loop.zl").symlink_to(root / "loop.zl")
    for name in ("../secret.zl", str(secret), "link.zl", "loop.zl", "missing.zl", ".", "a\\0b", "x" * 5000):
        with pytest.raises(IncludeError) as caught:
            run("include: $name", variables={"name": name.replace("\\0", "\0")}, base_directory=root)
        assert caught.value.line == 1


def test_include_can_be_forbidden(run):
    with pytest.raises(IncludeError, match="not allowed"):
        run('include: "a.zl"')


def test_includes_in_a_circle(run, tmp_path: Path):
    (tmp_path / "a.zl").write_text('include: "b.zl"')
    (tmp_path / "b.zl").write_text('include: "a.zl"')
    with pytest.raises(IncludeError, match="already being included") as caught:
        run('include: "a.zl"', base_directory=tmp_path)
    assert caught.value.file == "b.zl"


def test_a_file_may_be_included_twice(run, tmp_path: Path):
    (tmp_path / "a.zl").write_text("print: a")
    assert run('include: "a.zl"\ninclude: "a.zl"', base_directory=tmp_path).lines == ["a", "a"]


def test_an_included_file_is_limited_text(run, tmp_path: Path):
    (tmp_path / "binary.zl").write_bytes(b"\xff\xfe")
    with pytest.raises(IncludeError, match="not UTF-8"):
        run('include: "binary.zl"', base_directory=tmp_path)
    # Of two-byte characters, so that what is read of it ends within one.
    (tmp_path / "long.zl").write_text("é" * 1000, "utf-8")
    for length in (100, 500, 999):
        with pytest.raises(SourceLimitError):
            run('include: "long.zl"', base_directory=tmp_path, limits=ScriptLimits(source_length=length))
