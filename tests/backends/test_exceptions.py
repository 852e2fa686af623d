"""Tags and exceptions that the host makes."""

from __future__ import annotations

from typing import Any

import pytest
from support.engines import ENGINES, Guest, engine
from support.wasm import wat

from zenowasm.backends.protocol import FuncType, TagType
from zenowasm.interp.errors import LinkError, UncaughtException
from zenowasm.interp.types import F32, I32, I64, V128

TYPE = TagType(FuncType((I32, I64, F32, V128)))
CATCH = """(module
  (import "env" "tag" (tag $t (param i32 i64 f32 v128)))
  (import "env" "fail" (func $fail))
  (func (export "run") (result i32 i64 f32 v128)
    (block $caught (result i32 i64 f32 v128) (try_table (catch $t $caught) (call $fail)) unreachable)))"""


@pytest.mark.parametrize("name", ENGINES)
def test_a_guest_catches_what_a_host_function_throws(name: str) -> None:
    store = engine(name).new_store()
    tag = store.new_tag(TYPE)
    assert tag.type == TYPE
    values = (1 << 31, 1 << 63, 1.5, (1 << 128) - 1)

    def fail(caller: Any, arguments: Any) -> tuple[()]:
        raise UncaughtException(store.new_exception(tag, values))

    imports = {("env", "tag"): tag, ("env", "fail"): store.host_function(FuncType(), fail)}
    instance = store.instantiate(engine(name).compile(wat(CATCH)), imports)
    assert instance.exports["run"].call() == values


@pytest.mark.parametrize("name", ENGINES)
def test_fields_that_do_not_fit(name: str) -> None:
    store = engine(name).new_store()
    tag = store.new_tag(TagType(FuncType((I32,))))
    with pytest.raises(TypeError, match=r"an exception of \(tag \(func \(param i32\)\)\) was made with 0 values"):
        store.new_exception(tag, ())
    with pytest.raises(ValueError, match="4294967296 does not fit into i32"):
        store.new_exception(tag, (1 << 32,))


@pytest.mark.parametrize("name", ENGINES)
def test_a_tag_of_another_store(name: str) -> None:
    with pytest.raises(ValueError, match="the tag belongs to another store"):
        engine(name).new_store().new_exception(engine(name).new_store().new_tag(TYPE), (1, 2, 3.0, 4))


@pytest.mark.parametrize("name", ENGINES)
def test_a_tag_links_where_its_type_fits(name: str) -> None:
    text = '(module (import "a" "t" (tag (param i64))))'
    with pytest.raises(LinkError, match="incompatible import type"):
        Guest(wat(text), name, imports=lambda store: {("a", "t"): store.new_tag(TYPE)})
