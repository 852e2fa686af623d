"""YAML with positions and bounds."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zenowasm.plugin.configuration.document import MAX_BYTES, DocumentError, MappingNode, Scalar, SequenceNode, load


def test_nodes_know_their_text_path_and_line():
    root = load("version: 1.10\nlist:\n  - a: 1\n  -\n")
    assert isinstance(root, MappingNode)
    assert root["version"] == Scalar("1.10", "tag:yaml.org,2002:float", "version", 1)
    items = root["list"]
    assert isinstance(items, SequenceNode)
    assert (items.path, items.line) == ("list", 3)
    assert items[0]["a"].path == "list[0].a"
    assert items[1].is_null
    assert root.key_lines == {"version": 1, "list": 2}
    assert [node.kind for node in (root, items, root["version"], items[1])] == [
        "a mapping",
        "a list",
        "a number",
        "nothing",
    ]


def test_aliases_are_followed():
    root = load("a: &x [1, 2]\nb: *x\nc: *x\n")
    assert [item.text for item in root["c"]] == ["1", "2"]
    assert root["c"][1].path == "c[1]"


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("", 1, "the document is empty"),
        ("a: 1\nb: [1,\n", 3, "not YAML"),
        ("a: 1\n\ta: 2", 2, "not YAML"),
        ("a: 1\nb: 2\na: 3", 3, "the key is given twice, first on line 1"),
        ("a: 1\n---\nb: 1", 2, "expected one document"),
        ("a: !!python/object:os.system x", 1, "tags"),
        ("a: !x [1]", 1, "tags"),
        ("a: &a\n  b: *a", 2, "contains itself"),
        ("a: *b", 1, "no anchor"),
        ("x: &x {a: 1}\ny:\n  <<: *x", 3, "merge keys"),
        ("? [a]\n: 1", 1, "a key must be a string"),
        ("a: \x01", 1, "not YAML"),
        ("[" * 100, 1, "nested deeper than 32 levels"),
        ("\n".join(f"{'  ' * depth}a:" for depth in range(60)), 33, "nested deeper"),
        ("[" + "1," * 30_000 + "]", 1, "more than 10000 values"),
        ("#" * (MAX_BYTES + 1), 1, "larger than the limit"),
    ],
)
def test_what_is_wrong_has_a_line(text, line, message):
    with pytest.raises(DocumentError, match=message) as caught:
        load(text)
    assert caught.value.line == line


def test_an_alias_bomb_ends_quickly():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 20)]
    started = time.monotonic()
    with pytest.raises(DocumentError, match="more than 10000 values after aliases are followed"):
        load("\n".join(lines))
    assert time.monotonic() - started < 5


@given(st.text(max_size=60) | st.text(alphabet="ab:-[]{}&*!|>'\"# \n,?", max_size=60))
def test_no_text_makes_another_exception(text):
    try:
        load(text)
    except DocumentError as error:
        assert error.line >= 1
