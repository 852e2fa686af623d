"""Declaring host functions and matching them with imports, on every engine."""

from __future__ import annotations

import pytest
from support.wasm import wat as assemble

from zenowasm.backends import registry
from zenowasm.host.linker import Linker, caller_memory, host_function
from zenowasm.host.observer import Direction
from zenowasm.interp.errors import LinkError
from zenowasm.interp.types import I32, I64


@pytest.fixture(params=registry.names())
def engine(request):
    return registry.engine(request.param)


def linker_with(*functions):
    linker = Linker()
    linker.define(functions)
    return linker


ADD = host_function("host", "add", (I32, I32), lambda caller, left, right: left + right)


def test_a_module_calls_what_is_declared(engine):
    module = engine.compile(
        assemble("""(module (import "host" "add" (func $add (param i32 i32) (result i32)))
        (import "host" "add" (func $again (param i32 i32) (result i32)))
        (func (export "run") (param i32) (result i32)
          (call $again (call $add (local.get 0) (i32.const 1)) (i32.const 0))))""")
    )
    store = engine.new_store()
    instance = store.instantiate(module, linker_with(ADD).resolve(store, module))
    assert instance.exports["run"].call(41) == (42,)
    assert instance.exports["run"].call(0xFFFF_FFFF) == (0,)  # the low 32 bits


def test_a_function_without_results_and_one_that_answers_none(engine):
    seen = []
    note = host_function("host", "note", (I64,), lambda caller, value: seen.append(value), results=())
    nothing = host_function("host", "nothing", (), lambda caller: None)
    module = engine.compile(
        assemble("""(module (import "host" "note" (func $note (param i64)))
        (import "host" "nothing" (func $n (result i32)))
        (func (export "run") (result i32) (call $note (i64.const -1)) (call $n)))""")
    )
    store = engine.new_store()
    instance = store.instantiate(module, linker_with(note, nothing).resolve(store, module))
    assert instance.exports["run"].call() == (0,)
    assert seen == [2**64 - 1]


def test_a_missing_import_is_named_with_what_there_is(engine):
    module = engine.compile(assemble('(module (import "host" "ad" (func (param i32))) (import "x" "y" (func)))'))
    with pytest.raises(LinkError) as caught:
        linker_with(ADD).resolve(engine.new_store(), module)
    assert str(caught.value) == (
        'unknown import: the module imports "host.ad" (func (param i32)); "host" offers add (did it mean add?)'
    )
    messages = [problem.message for problem in linker_with(ADD).problems(module)]
    assert messages[1] == 'unknown import: the module imports "x.y" (func); the host offers the modules host'
    assert "the host offers nothing" in Linker().problems(module)[0].message


def test_an_import_of_another_type_is_refused(engine):
    module = engine.compile(assemble('(module (import "host" "add" (func (param i32))))'))
    with pytest.raises(LinkError) as caught:
        linker_with(ADD).resolve(engine.new_store(), module)
    assert str(caught.value) == (
        'incompatible import type: the module imports "host.add" as (func (param i32)), '
        "but it is (func (param i32 i32) (result i32))"
    )


def test_a_name_is_defined_once():
    with pytest.raises(ValueError, match=r'"host\.add" is defined twice'):
        linker_with(ADD, ADD)


def test_an_observer_sees_calls_results_and_errors(engine):
    events = []

    class Seen:
        def before(self, call):
            events.append((call.owner, call.direction, call.module, call.name, call.arguments))

        def after(self, call, results, error):
            events.append((results, type(error)))

    def fail(caller):
        raise KeyError("x")

    failing = host_function("host", "fail", (), fail)
    module = engine.compile(
        assemble("""(module (import "host" "add" (func $add (param i32 i32) (result i32)))
        (import "host" "fail" (func $fail (result i32)))
        (func (export "run") (result i32) (drop (call $add (i32.const 1) (i32.const 2))) (call $fail)))""")
    )
    store = engine.new_store()
    imports = linker_with(ADD, failing).resolve(store, module, owner="me", observer=Seen())
    with pytest.raises(KeyError):
        store.instantiate(module, imports).exports["run"].call()
    assert events == [
        ("me", Direction.TO_HOST, "host", "add", (1, 2)),
        ((3,), type(None)),
        ("me", Direction.TO_HOST, "host", "fail", ()),
        (None, KeyError),
    ]


def test_the_memory_of_the_caller(engine):
    sizes = []

    def look(caller):
        memory = caller_memory(caller)
        sizes.append(None if memory is None else memory.size)

    declared = host_function("host", "look", (), look, results=())
    for text, size in (('(memory (export "memory") 2)', 131072), ('(func (export "memory"))', None), ("", None)):
        module = engine.compile(
            assemble(f'(module (import "host" "look" (func $l)) {text} (func (export "run") (call $l)))')
        )
        store = engine.new_store()
        store.instantiate(module, linker_with(declared).resolve(store, module)).exports["run"].call()
        assert sizes.pop() == size


def test_the_functions_of_a_module_are_made_when_one_is_imported(engine):
    made = []

    def make():
        made.append("late")
        return [host_function("late", "add", (I32, I32), lambda caller, left, right: left + right)]

    linker = Linker(deferred={"late": make})
    linker.define([ADD])
    other = engine.compile(assemble('(module (import "host" "add" (func (param i32 i32) (result i32))))'))
    wanted = engine.compile(assemble('(module (import "late" "add" (func (param i32 i32) (result i32))))'))
    unknown = engine.compile(assemble('(module (import "nowhere" "add" (func)))'))
    assert not linker.problems(other)
    assert "the host offers the modules host, late" in linker.problems(unknown)[0].message
    assert not made
    assert not linker.problems(wanted)
    linker.resolve(engine.new_store(), wanted)
    assert made == ["late"]
