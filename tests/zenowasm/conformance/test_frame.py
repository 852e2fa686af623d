"""The frame of guests, checked with wasmtime's validator and not with our own."""

from __future__ import annotations

import pytest
import wasmtime
from hypothesis import given
from hypothesis import strategies as st

from zenowasm.conformance.frame import PHASES, binary, frame
from zenowasm.conformance.scenario import Ask, Guest, ScenarioError

FUNCTIONS = ("host_db_query", "host_http_request", "host_scope_get", "host_scope_set", "host_file_read",
             "host_file_write", "host_env_get")  # fmt: skip


def same(text):
    return text


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_question_in_every_phase_makes_a_valid_module(tmp_path, phase, function):
    guest = Guest(ask=Ask(function, "text"), asks=(Ask(function, "more", pointer=-1, length=7),), phase=phase)
    wasmtime.Module.validate(wasmtime.Engine(), binary(guest, tmp_path, same))


@given(st.text(st.characters(codec="utf-8"), max_size=50))
def test_any_text_can_be_passed(text):
    module = frame(Guest(ask=Ask("host_scope_get", text), response=text, fields=";; {metadata} stays"), same)
    assert ";; {metadata} stays" in module
    assert wasmtime.wat2wasm(module)


@pytest.mark.parametrize(
    ("guest", "message"),
    [
        (Guest(phase="never"), "unknown phase 'never': expected one of execute, init"),
        (Guest(execute="(i32.nonsense)"), "the guest cannot be made: "),
        (Guest(bytes="0"), "the guest cannot be made: "),
        (Guest(file="missing.wasm"), "the guest cannot be made: "),
        (Guest(ask=Ask("host_scope_get", "x" * 40_000)), "longer than 36864 bytes"),
    ],
)
def test_what_cannot_be_made_is_an_error(tmp_path, guest, message):
    with pytest.raises(ScenarioError) as caught:
        binary(guest, tmp_path, same)
    assert message in str(caught.value)


def test_a_whole_binary_and_a_whole_module_are_taken_as_they_are(tmp_path):
    (tmp_path / "a.wasm").write_bytes(b"as it is")
    assert binary(Guest(bytes="00 61 73 6d"), tmp_path, same) == b"\0asm"
    assert binary(Guest(file="a.wasm"), tmp_path, same) == b"as it is"
    assert binary(Guest(module="(module)"), tmp_path, same) == b"\0asm\1\0\0\0"


def test_an_export_that_is_left_out_is_not_there(tmp_path):
    module = wasmtime.Module(wasmtime.Engine(), binary(Guest(without=("alloc", "memory")), tmp_path, same))
    assert [export.name for export in module.exports] == [
        "plugin_init", "plugin_register_slots", "plugin_execute", "plugin_cleanup",
    ]  # fmt: skip
