import pytest
from hypothesis import given
from hypothesis import strategies as st

from zenowasm.zenolang.errors import OperationError, ParseError, ZenoError


def value_of(run, expression: str, **variables: object) -> object:
    return run(f"$result: {expression}", variables=variables).scope.get("result")


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("1", 1),
        ("007", 7),
        ("1.5", 1.5),
        ("-3", -3),
        ("true", True),
        ("false", False),
        ("nil", None),
        ("null", None),
        ("t", "t"),
        ("date.now", "date.now"),
        ("created_at DESC", "created_at DESC"),
        ("3 little pigs", "3 little pigs"),
        ('"007"', "007"),
        ("[]", []),
        ('[1, "a", [true]]', [1, "a", [True]]),
        ("[\n1\n2,\n3,\n]", [1, 2, 3]),
        ("[{ a: 1, b: [2] }, { 'c d': nil }]", [{"a": 1, "b": [2]}, {"c d": None}]),
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("10 - 3 - 2", 5),
        ("1 +\n 2", 3),
        ("2 < 3 && 3 < 2 || true", True),
        ("true && false", False),
        ("false || false", False),
        ("!false", True),
        ("!true == false", True),
        ("nil ?? '' ?? 'last'", "last"),
        ("0 ?? 1", 0),
        ("1 + 1 ?? 5", 2),
        ("'a' + 1 + 'b'", "a1b"),
        ("7 / 2 == 3.5", True),
    ],
)
def test_values(run, expression: str, expected: object):
    result = value_of(run, expression)
    assert result == expected
    assert type(result) is type(expected)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("$a", {"b": [10, {"c d": 20}]}),
        ("$a.b.0", 10),
        ("$a.b[0]", 10),
        ('$a["b"][1]["c d"]', 20),
        ("$a.b[$i]", {"c d": 20}),
        ("$a.b.9", None),
        ("$a.x.y.z", None),
        ("$a.b." + "9" * 5000, None),
        ("$nothing", None),
        ("$i.x", None),
        ("$nothing.x ?? 'none'", "none"),
    ],
)
def test_paths(run, expression: str, expected: object):
    assert value_of(run, expression, a={"b": [10, {"c d": 20}]}, i=1) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ('"Hello $name"', "Hello Ann"),
        ('"Hello $name."', "Hello Ann."),
        ('"${name}!"', "Ann!"),
        ('"${$name}!"', "Ann!"),
        ('"$user.age / ${user.age}0"', "7 / 70"),
        ('"$list[0]"', "x"),
        ('"<$nothing>"', "<>"),
        ('"$list"', '["x"]'),
        ('"cost: $5"', "cost: $5"),
        (r'"\$name"', "$name"),
        ("'$name'", "$name"),
        (r'"a\n\t\"\\"', 'a\n\t"\\'),
        (r"'it\'s'", "it's"),
        (r'"C:\dir"', r"C:\dir"),
        ('"two\nlines"', "two\nlines"),
    ],
)
def test_strings(run, expression: str, expected: str):
    assert value_of(run, expression, name="Ann", user={"age": 7}, list=["x"]) == expected


def test_text_in_a_variable_is_never_code(run):
    assert value_of(run, '"$a"', a="$b", b="secret") == "$b"
    assert run('if: $a { print: "yes" }', variables={"a": "1 == 2"}).lines == ["yes"]


@pytest.mark.parametrize("source", ['a: "${"', 'a: "${}"', 'a: "${ }"', 'a: "${a"'])
def test_a_brace_without_a_variable_is_an_error(run, source: str):
    with pytest.raises(ParseError, match="not followed by a variable"):
        run(source)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ('"${1 + 2}"', "3"),
        ('"${$a * $a}!"', "16!"),
        ("\"${$b ?? 'none'}\"", "none"),
        ('"${ $a == 4 }"', "true"),
        ('"a ${[1,\n2]} b"', "a [1,2] b"),
        ('"${-$a}${nil}"', "-4"),
        ("'${1 + 2}'", "${1 + 2}"),
        ('"\\${1 + 2}"', "${1 + 2}"),
    ],
)
def test_expressions_in_braces_are_filled_in(run, source, text):
    assert value_of(run, source, a=4) == text


@pytest.mark.parametrize("source", ['a: "${a b}"', 'a: "${$a + b}"', 'a: "${a ?? 3}"'])
def test_a_bare_word_in_such_an_expression_is_an_error(run, source):
    with pytest.raises(ParseError, match="neither a variable nor a text"):
        run(source)


@pytest.mark.parametrize(
    ("source", "line", "column"),
    [
        ('print: "a\n  ${ 1 / 0 }"', 2, 6),
        ('print: "a\n ${ b"', 2, 2),
        ('print: "\\n${1 / 0}"', 1, 13),
        ('print: "${1 +}"', 1, 14),
        ('print: "${@}"', 1, 11),
        ("if: \"$x == 'a\\tb' && 1 = 2\" {}", 1, 24),
        ('if: "\\n\\n 1 / 0" {}', 1, 11),
        ('if: "\n 1 / 0" {}', 2, 2),
        ('for: "$i = 0;\n$i < 1 / 0;\n$i++" {}', 2, 6),
    ],
)
def test_errors_inside_of_strings_tell_their_own_place(run, source, line, column):
    with pytest.raises(ZenoError) as caught:
        run(source)
    assert (caught.value.line, caught.value.column) == (line, column)


def test_code_in_quotes_may_go_over_lines(run):
    assert run('for: "$i = 0;\n$i < 2;\n$i++" { do: { print: $i } }').lines == ["0", "1"]
    assert run('if: "1 == 1\n && 2 == 2" { print: "yes" }').lines == ["yes"]


@pytest.mark.parametrize("number", ["9" * 1025, "1e999"])
def test_a_number_too_large_is_an_error(run, number: str):
    with pytest.raises(ParseError, match="too large"):
        run(f"$a: {number}")


def test_an_operator_that_does_not_fit_says_where(run):
    with pytest.raises(OperationError, match="needs numbers, not list and int") as caught:
        run("$a: 1\n$b: [1] + 2")
    assert (caught.value.line, caught.value.column) == (2, 5)


@given(number=st.integers(min_value=-(2**2000), max_value=2**2000), other=st.integers())
def test_integers_are_exact(number: int, other: int):
    # A fixture is shared by all examples of a property, so this one parses by itself.
    from zenowasm.zenolang import Evaluator, Scope, default_registry, parse

    scope = Scope()
    Evaluator(default_registry()).run(parse(f"$n: {number}\n$sum: $n + ({other})\n$text: '' + $n"), scope)
    assert scope.get("n") == number
    assert scope.get("sum") == number + other
    assert scope.get("text") == str(number)
