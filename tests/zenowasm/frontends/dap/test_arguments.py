"""The arguments of requests: what is missing, of another type or too long is refused in one sentence."""

from __future__ import annotations

import pytest

from zenowasm.frontends.dap import arguments as ask
from zenowasm.frontends.dap.arguments import structured
from zenowasm.frontends.dap.errors import RequestError


def test_arguments_have_the_names_of_the_protocol() -> None:
    given = {"program": "a", "stopOnEntry": True, "args": [1, "b", 2.5], "pluginDir": "p", "sourceMap": {"/a": "b"}}
    assert structured(ask.Launch, given) == ask.Launch(
        "a", args=("1", "b", "2.5"), plugin_dir="p", source_map={"/a": "b"}, stop_on_entry=True
    )
    assert structured(ask.Initialize, {"linesStartAt1": False}).lines_start_at1 is False


def test_null_counts_as_missing_and_more_is_ignored() -> None:
    assert structured(ask.Launch, {"program": "a", "export": None, "args": None, "type": "zenowasm"}) == ask.Launch("a")
    assert structured(ask.Nothing, None) == ask.Nothing()


@pytest.mark.parametrize(
    ("cls", "given", "message"),
    [
        (ask.Scopes, {}, "the argument is required @ $.frame_id"),
        (ask.Scopes, None, "the argument is required @ $.frame_id"),
        (ask.Launch, [], "the arguments are malformed: expected an object, found []"),
        (ask.Launch, "x", "the arguments are malformed: expected an object, found 'x'"),
        (ask.Launch, {"program": ["x"]}, "expected text, found ['x'] @ $.program"),
        (ask.Launch, {"program": "x", "args": "abc"}, "expected a list of at most 10000 items @ $.args"),
        (ask.Launch, {"program": "x", "args": [{}]}, "expected text, found {} @ $.args[0]"),
        (ask.Launch, {"program": "x", "env": ["A=1"]}, "expected an object of at most 10000 texts @ $.env"),
        (ask.Launch, {"program": "x", "stopOnEntry": 1}, "expected true or false, found 1 @ $.stop_on_entry"),
        (ask.Variables, {"variablesReference": "1"}, "expected a number, found '1' @ $.variables_reference"),
        (ask.Variables, {"variablesReference": True}, "expected a number, found True @ $.variables_reference"),
        (ask.Variables, {"variablesReference": 1.5}, "expected a number, found 1.5 @ $.variables_reference"),
        (ask.Variables, {"variablesReference": 1 << 60}, "expected a number, found 1152921504606846976"),
        (ask.SetBreakpoints, {"source": 7}, "expected an object, found 7 @ $.source"),
        (ask.SetBreakpoints, {"source": {}, "breakpoints": [{}]}, "required @ $.breakpoints[0].line"),
        (ask.SetFunctionBreakpoints, {"breakpoints": [{"name": "x"}] * 10_001}, "expected a list of at most 10000"),
    ],
)
def test_what_does_not_fit_is_refused(cls, given, message) -> None:
    with pytest.raises(RequestError) as caught:
        structured(cls, given)
    assert message in str(caught.value)
