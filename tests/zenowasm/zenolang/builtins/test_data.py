import pytest
from hypothesis import given
from hypothesis import strategies as st

from zenowasm.zenolang import Evaluator, LimitError, OperationError, Scope, TimeLimitError, default_registry, parse


@pytest.mark.parametrize(
    ("slot", "prefix"),
    [
        ("print", ""),
        ("log", "[LOG]: "),
        ("log.info", "[INFO]: "),
        ("log.warn", "[WARN]: "),
        ("log.error", "[ERROR]: "),
        ("log.debug", "[DEBUG]: "),
    ],
)
@pytest.mark.parametrize(
    ("value", "printed"), [('"a b"', "a b"), ("nil", ""), ("true", "true"), ("[1, 'a']", '[1,"a"]'), ("2.0", "2")]
)
def test_printing(run, slot: str, prefix: str, value: str, printed: str):
    assert run(f"{slot}: {value}").lines == [prefix + printed]


def test_printing_a_block(run):
    assert run("print: { a: 1 }\nprint").lines == ['{"a":1}', ""]


@pytest.mark.parametrize(
    "script",
    [
        "$n: 10",
        "var: $n { val: 10 }",
        "var: n { value: 10 }",
        "set: $n { val: 10 type: 'int' }",
        "scope.set: $n { val: 10 }",
        'scope.set { key: "n", val: 10 }',
        "scope.set { name: $n, value: 10 }",
    ],
)
def test_setting_a_variable(run, script: str):
    assert run(script).scope.variables() == {"n": 10}


def test_a_variables_declared_type_is_checked(run):
    with pytest.raises(OperationError, match=r"`\$n` is declared int, but the value is string"):
        run('var: $n { val: "10" type: "int" }')
    with pytest.raises(OperationError, match="unknown type `integer`"):
        run('var: $n { val: 10 type: "integer" }')


@pytest.mark.parametrize(
    "script", ["var { val: 1 }", "var: 5 { val: 1 }", "var: $a.b { val: 1 }", "len: 'a' { as: 5 }"]
)
def test_a_variables_name_is_needed(run, script: str):
    with pytest.raises(OperationError, match="needs the name of a variable"):
        run(script)


def test_json_parse(run):
    scope = run("""json.parse: '{"a": [1, 12345678901234567890, "007"]}' { as: $v }""").scope
    assert scope.get("v") == {"a": [1, 12345678901234567890, "007"]}
    assert "json_result" not in scope
    assert run("json.parse { val: '[]' }").scope.get("json_result") == []


@pytest.mark.parametrize(("value", "message"), [('"{"', "invalid JSON"), ("5", "needs text, not int")])
def test_json_parse_refuses(run, value: str, message: str):
    with pytest.raises(OperationError, match=message) as caught:
        run(f"\njson.parse: {value}")
    assert caught.value.line == 2


@pytest.mark.parametrize("source", ["[" * 100 + "]" * 100, "9" * 2000])
def test_json_parse_keeps_to_the_limits(run, source: str):
    with pytest.raises(LimitError):
        run("json.parse: $s", variables={"s": source})


def test_json_stringify(run):
    assert run("json.stringify: [1, { a: nil }] { as: $s }").scope.get("s") == '[1,{"a":null}]'
    assert run("json.stringify { val: { a: 1.0 } }").scope.get("json_string") == '{"a":1}'


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON)
def test_a_script_carries_json_through_unchanged(value: object):
    scope = Scope({"v": value})
    program = parse("json.stringify: $v { as: $s }\njson.parse: $s { as: $w }")
    Evaluator(default_registry()).run(program, scope)
    assert scope.get("w") == value


def test_concat(run):
    script = 'strings.concat: "Step " { val: $i val: " of " other: 3 as: $m }'
    assert run(script, variables={"i": 2}).scope.get("m") == "Step 2 of 3"
    assert run('strings.concat { val: "a" val: "b" }').lines == ["[LOG]: ab"]


@pytest.mark.parametrize(("value", "expected"), [("'añb'", 3), ("[1, [2, 3]]", 2), ("nil", 0), ("$m", 1)])
def test_len(run, value: str, expected: int):
    result = run(f"len: {value} {{ as: $n }}\nlen: {value}", variables={"m": {"a": 1}}).scope
    assert (result.get("n"), result.get("len_result")) == (expected, expected)


def test_len_of_a_number_is_an_error(run):
    with pytest.raises(OperationError, match="not int"):
        run("len: 5")


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("coalesce: $no { default: 'd' as: $r }", "d"),
        ("coalesce: 0 { default: 'd' as: $r }", 0),
        ("coalesce { val: $no default: 'd' as: $r }", "d"),
        ("coalesce: [$no, '', 'x', 'y'] { as: $r }", "x"),
        ("coalesce: $no { as: $r }", None),
    ],
)
def test_coalesce(run, script: str, expected: object):
    scope = run(script).scope
    assert "r" in scope
    assert scope.get("r") == expected


def test_sleep_takes_milliseconds(run):
    assert run("sleep: 500\nsleep: 1.5").slept == [0.5, 0.0015]


@pytest.mark.parametrize("value", ["-1", "'5'", "nil", "true"])
def test_sleep_refuses(run, value: str):
    with pytest.raises(OperationError, match="sleep needs milliseconds"):
        run(f"sleep: {value}")


def test_a_sleep_over_the_limit_never_begins(run):
    with pytest.raises(TimeLimitError):
        run(f"sleep: {'9' * 500}")


def test_system_env_sees_what_it_is_given(run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SECRET", "hidden")
    scope = run(
        'system.env: "A" { as: $a }\nsystem.env: B\nsystem.env: "SECRET" { as: $s }',
        environment={"A": "1", "B": "x\udcff"},
    ).scope
    assert scope.variables() == {"a": "1", "B": "x?", "s": None}


def test_system_env_needs_a_name(run):
    with pytest.raises(OperationError, match="needs a name"):
        run("system.env: 5")
