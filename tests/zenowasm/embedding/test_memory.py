from __future__ import annotations

import gc

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zenowasm import Instance, LimitError, Memory, Store

TEXT = """(module (memory (export "memory") 1 3) (data (i32.const 0x10) "\\01\\02\\03\\04")
  (func (export "grow") (result i32) (memory.grow (i32.const 1)))
  (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0))))"""
PAGE = 65536


@pytest.fixture
def exports(run):
    return run(TEXT)


@pytest.fixture
def memory(exports):
    return exports.memory


def test_bytes_and_slices(memory, exports) -> None:
    assert (len(memory), memory.pages) == (PAGE, 1)
    assert memory[0x10:0x14] == b"\1\2\3\4"
    assert memory[0x13] == 4
    memory[0x13] = 9
    memory[0x14:0x16] = bytearray(b"ab")
    assert exports.load(0x13) == 9
    assert memory[0x12:0x16] == b"\3\x09ab"
    memory[-1] = 7
    assert memory[-2:] == b"\0\7"
    assert memory[PAGE:] == b""


@pytest.mark.parametrize("key", [PAGE, -PAGE - 1, slice(PAGE - 1, PAGE + 1), slice(5, 4), slice(0, 1 << 40)])
def test_what_is_not_inside(memory, key) -> None:
    with pytest.raises(IndexError, match="not inside the memory of 65536 bytes"):
        memory[key]
    with pytest.raises(IndexError):
        memory[key] = b"" if isinstance(key, slice) else 0


def test_a_slice_keeps_its_length(memory) -> None:
    with pytest.raises(ValueError, match="3 bytes do not fit into a slice of 2"):
        memory[0:2] = b"abc"
    with pytest.raises(ValueError, match="a slice of it has no step"):
        memory[0:8:2]


@pytest.mark.parametrize(
    ("kind", "value", "raw"),
    [
        ("i8", -1, b"\xff"),
        ("u8", 255, b"\xff"),
        ("i16", -2, b"\xfe\xff"),
        ("u16", 513, b"\1\2"),
        ("i32", -3, b"\xfd\xff\xff\xff"),
        ("u32", 1, b"\1\0\0\0"),
        ("i64", -4, b"\xfc" + b"\xff" * 7),
        ("u64", 1 << 63, b"\0" * 7 + b"\x80"),
        ("f32", 1.5, b"\0\0\xc0\x3f"),
        ("f64", -0.5, b"\0" * 6 + b"\xe0\xbf"),
    ],
)
def test_numbers(memory, kind, value, raw) -> None:
    memory.store(kind, 100, value)
    assert memory[100 : 100 + len(raw)] == raw
    assert memory.load(kind, 100) == value


def test_numbers_that_do_not_fit(memory) -> None:
    with pytest.raises(ValueError, match="cannot be written"):
        memory.store("u8", 0, 256)
    with pytest.raises(ValueError, match="unknown kind of number 'int'"):
        memory.load("int", 0)


def test_structures_and_strings(memory) -> None:
    memory.pack("<hI", 64, -2, 7)
    assert memory.unpack("<hI", 64) == (-2, 7)
    assert memory.write_string(200, "grüße") == 8
    assert memory.read_string(200) == "grüße"
    assert memory.read_string(200, 2) == "gr"
    assert memory.write_string(PAGE - 2, "ab", zero=False) == 2
    with pytest.raises(IndexError, match="no zero byte ends the string at 65534"):
        memory.read_string(PAGE - 2)
    with pytest.raises(UnicodeDecodeError):
        memory.read_string(203, 2)


@given(st.binary(max_size=64), st.integers(0, PAGE - 64))
def test_what_is_written_is_read(data, address) -> None:
    memory = Memory(Store(engine="reference"), 1)
    memory.write(address, data)
    assert memory.read(address, len(data)) == data


def test_growing(memory, exports) -> None:
    assert memory.grow(1) == 1
    assert exports.grow() == 2
    assert memory.pages == 3
    with pytest.raises(LimitError, match="a memory of 3 pages cannot grow by 1: its maximum of 3 pages"):
        memory.grow(1)
    assert memory.pages == 3


@pytest.mark.parametrize("grow", [lambda exports: exports.memory.grow(1), lambda exports: exports.grow()])
def test_a_view_is_the_memory_until_that_grows(exports, grow) -> None:
    view = exports.memory.view()
    view[5] = 99
    assert exports.load(5) == 99
    exports.memory[6] = 98
    assert view[6] == 98
    grow(exports)
    with pytest.raises(ValueError, match="released memoryview"):
        view[5]
    assert exports.load(5) == 99
    assert len(exports.memory.view()) == 2 * PAGE


def test_a_view_ends_in_a_host_function_too(store) -> None:
    seen = []

    def look():
        with pytest.raises(ValueError, match="released memoryview"):
            view[0]
        seen.append(len(memory.view()))

    text = """(module (import "e" "look" (func $look)) (memory (export "m") 1) (func (export "f")
      (drop (memory.grow (i32.const 1))) (call $look)))"""
    instance = Instance(text, {"e": {"look": look}}, store)
    memory = instance.exports.m
    view = memory.view()
    instance.exports.f()
    assert seen == [2 * PAGE]


def test_numpy_sees_the_memory_without_a_copy(exports) -> None:
    array = numpy.asarray(exports.memory)
    assert array.dtype == numpy.uint8
    array[5] = 42
    assert exports.load(5) == 42
    assert numpy.array(exports.memory, copy=True).base is None
    assert numpy.asarray(exports.memory, dtype=numpy.int32).dtype == numpy.int32
    exports.grow()  # it may not fail because of the array, which keeps what was there
    exports.memory[5] = 43
    assert array[5] in (42, 43)
    assert exports.load(5) == 43


def test_what_is_left_of_a_store_keeps_its_bytes(engine) -> None:
    store = Store(engine=engine)
    exports = Instance(TEXT, store=store).exports
    view, array = exports.memory.view(), numpy.asarray(exports.memory)
    array[5] = 42
    store.close()
    with pytest.raises(ValueError, match="released memoryview"):
        view[5]
    del store, exports, view
    gc.collect()
    assert array[5] == 42


def test_a_64_bit_memory_that_may_move_has_no_view_on_wasmtime() -> None:
    with Store(engine="wasmtime") as store:
        with pytest.raises(BufferError, match="a 64-bit memory may move when it grows"):
            Memory(store, 1, address="i64").view()
        assert len(Memory(store, 1, 1, address="i64").view()) == PAGE
    with Store(engine="reference") as store:
        assert len(Memory(store, 1, address="i64").view()) == PAGE


def test_a_memory_of_the_host(store) -> None:
    memory = Memory(store, 1, 2)
    text = '(module (import "e" "m" (memory 1 2)) (func (export "f") (result i32) (i32.load (i32.const 8))))'
    exports = Instance(text, {"e": {"m": memory}}, store).exports
    memory.store("i32", 8, -5)
    assert exports.f() == -5
    assert repr(memory) == "<Memory: 1 page, 64.0 KiB>"
    assert "0x10" in memory._repr_html_()
    with pytest.raises(ValueError, match="addresses are i32 or i64, not 'i16'"):
        Memory(store, 1, address="i16")
