"""Memories as the host sees them; the same for every engine."""

# ruff: noqa: E501 - modules in the text format are easier to read in one line

from __future__ import annotations

import pytest
from support.engines import ENGINES, Guest, engine
from support.wasm import wat

from zenowasm.backends.protocol import ExecutionLimits, Memory, MemType
from zenowasm.interp.errors import LimitError
from zenowasm.interp.types import Limits

PAGE = 65536


def new_memory(name: str, minimum: int = 1, maximum: int | None = None, *, limit: int = 10 * PAGE) -> Memory:
    store = engine(name).new_store(ExecutionLimits(memory_bytes=limit))
    return store.new_memory(MemType(Limits(minimum, maximum)))


@pytest.mark.parametrize("name", ENGINES)
class TestMemory:
    def test_reads_what_was_written(self, name: str) -> None:
        memory = new_memory(name)
        memory.write(0, b"abc")
        memory.write(PAGE - 2, b"xy")
        assert (memory.read(0, 4), memory.read(PAGE - 2, 2)) == (b"abc\0", b"xy")
        assert memory.read(PAGE, 0) == b""

    @pytest.mark.parametrize(
        ("address", "length"), [(PAGE - 1, 2), (PAGE, 1), (PAGE + 1, 0), (-1, 1), (0, -1), (1 << 40, 1)]
    )
    def test_refuses_to_read_outside(self, name: str, address: int, length: int) -> None:
        with pytest.raises(IndexError):
            new_memory(name).read(address, length)

    @pytest.mark.parametrize("address", [PAGE - 2, PAGE, -1])
    def test_writes_nothing_when_not_all_fits(self, name: str, address: int) -> None:
        memory = new_memory(name)
        with pytest.raises(IndexError):
            memory.write(address, b"abc")
        assert memory.read(0, PAGE) == bytes(PAGE)

    def test_finds_bytes(self, name: str) -> None:
        memory = new_memory(name)
        memory.write(10, b"hello\0world\0")
        assert memory.find(0, 10, PAGE) == 15
        assert memory.find(0, 16, PAGE) == 21
        assert memory.find(ord("w"), 10, 16) == -1
        assert memory.find(ord("w"), 10, 17) == 16
        assert memory.find(7, 0, 1 << 40) == -1

    def test_grows_up_to_its_maximum(self, name: str) -> None:
        memory = new_memory(name, 1, 3)
        memory.write(0, b"kept")
        assert [memory.grow(1), memory.grow(2), memory.grow(0), memory.grow(1), memory.grow(1)] == [1, -1, 2, 2, -1]
        assert memory.size == 3 * PAGE
        assert memory.type == MemType(Limits(3, 3))
        assert memory.read(0, 4) == b"kept"
        assert memory.read(2 * PAGE, PAGE) == bytes(PAGE)

    def test_grows_up_to_the_stores_limit(self, name: str) -> None:
        memory = new_memory(name, 1, limit=3 * PAGE)
        assert [memory.grow(3), memory.grow(2), memory.grow(1)] == [-1, 1, -1]

    def test_never_grows_backwards(self, name: str) -> None:
        memory = new_memory(name, limit=2 * PAGE)
        with pytest.raises(ValueError, match="grow"):
            memory.grow(-1)
        assert [memory.grow(2), memory.grow(1), memory.grow(1)] == [-1, 1, -1], "the limit moved"

    def test_a_memory_beyond_the_limit_is_refused(self, name: str) -> None:
        with pytest.raises(LimitError):
            new_memory(name, 4, limit=3 * PAGE)
        with pytest.raises(LimitError):
            Guest(wat("(module (memory 4))"), name, limits=ExecutionLimits(memory_bytes=3 * PAGE))

    def test_guests_and_hosts_share_it(self, name: str) -> None:
        guest = Guest(
            wat(
                '(module (memory (export "m") 1) (func (export "f") (result i32) (drop (memory.grow (i32.const 1))) (i32.load (i32.const 65536))))'
            ),
            name,
        )
        memory = guest["m"]
        assert guest("f") == (0,)
        memory.write(PAGE, b"\1\2\3\4")
        assert guest("f") == (0x04030201,)
        assert memory.size == 3 * PAGE

    def test_a_guest_cannot_grow_beyond_the_limit(self, name: str) -> None:
        text = '(module (memory 1) (func (export "f") (param i32) (result i32) local.get 0 memory.grow))'
        guest = Guest(wat(text), name, limits=ExecutionLimits(memory_bytes=3 * PAGE))
        assert [guest("f", pages)[0] for pages in (3, 0xFFFFFFFF, 2, 1, 0)] == [2**32 - 1, 2**32 - 1, 1, 2**32 - 1, 3]


def test_all_memories_of_a_store_share_its_limit() -> None:
    store = engine().new_store(ExecutionLimits(memory_bytes=3 * PAGE))
    first = store.new_memory(MemType(Limits(1)))
    second = store.new_memory(MemType(Limits(1)))
    assert first.grow(1) == 1
    assert second.grow(1) == -1
    with pytest.raises(LimitError):
        store.new_memory(MemType(Limits(1)))
