"""Reading scenarios."""

from __future__ import annotations

import pytest

from zenowasm.conformance.scenario import ScenarioError, read_scenarios, scenario_files

GOOD = """\
about: a chapter
source: a document
defaults:
  permissions: {scope: [read]}
scenarios:
  - name: one
    guest: {ask: {function: host_scope_get, text: "x"}}
    expect: {success: true, data: {value: [1, 2.5, null, true, "1"]}}
  - name: two
    source: another document
    permissions: {}
    steps:
      - {call: guest.other, parameters: {a: 1}}
      - {close: true}
"""


@pytest.fixture
def write(tmp_path):
    def write(text):
        path = tmp_path / "chapter.yaml"
        path.write_text(text)
        return path

    return write


def test_scenarios_have_their_place_their_source_and_the_defaults(write):
    one, two = read_scenarios(write(GOOD))
    assert (one.name, one.chapter, one.source, one.line) == ("one", "a chapter", "a document", 6)
    assert (two.source, two.line) == ("another document", 9)
    assert (one.permissions, two.permissions) == ({"scope": ["read"]}, {})
    assert one.expect.data == {"value": [1, 2.5, None, True, "1"]}
    assert [type(item) for item in one.expect.data["value"]] == [int, float, type(None), bool, str]


def test_a_scenario_without_steps_calls_its_slot_once(write):
    one, two = read_scenarios(write(GOOD))
    assert [step.call for step in one.all_steps()] == ["guest.run"]
    assert [step.call for step in two.all_steps()] == ["guest.other", None]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("name: two", "name: one"), ":9: two scenarios are named 'one'"),
        (("guest: {ask", "gest: {ask"), ":6: extra fields found (gest)"),
        (("function: host_scope_get", "function: 5"), ":6: "),
        (("scenarios:", "things:"), ":1: expected a mapping with a list of `scenarios`"),
        (("- name: two", "- title: two"), ":9: expected a scenario with a name"),
        (("  - name: one", "  - name: 'one"), "not YAML"),
    ],
)
def test_errors_name_the_line(write, change, message):
    path = write(GOOD.replace(*change))
    with pytest.raises(ScenarioError) as caught:
        read_scenarios(path)
    assert str(caught.value).startswith(str(path))
    assert message in str(caught.value)


def test_a_missing_file_is_an_error(tmp_path):
    with pytest.raises(ScenarioError, match="cannot be read"):
        read_scenarios(tmp_path / "none.yaml")


def test_folders_stand_for_their_files(write, tmp_path):
    path = write(GOOD)
    (tmp_path / "README.md").write_text("no scenario")
    (tmp_path / "a.yaml").write_text(GOOD)
    assert list(scenario_files((tmp_path, path))) == [tmp_path / "a.yaml", path, path]
