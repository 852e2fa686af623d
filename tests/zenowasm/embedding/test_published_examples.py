"""What the examples that wasmtime-py and pywasm publish show, written for ``zenowasm``, on every engine.

The programs are ours; names in the tests are those of the published files (wasmtime-py/examples, pywasm/example). The
loader's example is tests/zenowasm/embedding/test_importer.py.
"""

from __future__ import annotations

import io
from math import gcd

import pytest

from zenowasm import Function, Instance, LimitError, Memory, Module, Store, Trap, Wasi

GCD = """(module
  (func (export "gcd") (param i32 i32) (result i32) (local i32)
    (loop $again
      (if (i32.eqz (local.get 1)) (then (return (local.get 0))))
      (local.set 2 (i32.rem_u (local.get 0) (local.get 1)))
      (local.set 0 (local.get 1))
      (local.set 1 (local.get 2))
      (br $again))
    unreachable))"""
MEMORY = """(module
  (memory (export "memory") 2 3)
  (data (i32.const 0x1000) "\\01\\02\\03\\04")
  (func (export "size") (result i32) memory.size)
  (func (export "load") (param i32) (result i32) (i32.load8_s (local.get 0)))
  (func (export "store") (param i32 i32) (i32.store8 (local.get 0) (local.get 1))))"""
MULTI = """(module
  (import "" "f" (func $f (param i32 i64) (result i64 i32)))
  (func (export "g") (param i32 i64) (result i64 i32) (call $f (local.get 0) (local.get 1)))
  (func (export "round_trip_many")
    (param i64 i64 i64 i64 i64 i64 i64 i64 i64 i64) (result i64 i64 i64 i64 i64 i64 i64 i64 i64 i64)
    local.get 0 local.get 1 local.get 2 local.get 3 local.get 4
    local.get 5 local.get 6 local.get 7 local.get 8 local.get 9))"""
FIBONACCI = """(module
  (func $fib (export "fibonacci") (param i32) (result i32)
    (if (result i32) (i32.lt_s (local.get 0) (i32.const 2)) (then (local.get 0))
      (else (i32.add (call $fib (i32.sub (local.get 0) (i32.const 1)))
                     (call $fib (i32.sub (local.get 0) (i32.const 2))))))))"""
PRINTS = """(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\\10\\00\\00\\00\\0e\\00\\00\\00")
  (data (i32.const 16) "Hello, world!\\n")
  (func (export "print") (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 64))))
  (func (export "_start") (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 64)))))"""


def test_hello(run, capsys) -> None:
    text = '(module (import "" "hello" (func $hello)) (func (export "run") (call $hello)))'
    run(text, {"": {"hello": lambda: print("Hello from Python!")}}).run()
    assert capsys.readouterr().out == "Hello from Python!\n"


@pytest.mark.parametrize("numbers", [(6, 27), (1, 1), (0, 5), (16516842, 154654684)])
def test_gcd(run, numbers) -> None:
    assert run(GCD).gcd(*numbers) == gcd(*numbers)


def test_gcd_perf(run) -> None:
    ask = run(GCD).gcd
    assert [ask(16516842, 154654684) for _ in range(100)] == [2] * 100


def test_memory(run, store) -> None:
    exports = run(MEMORY)
    memory = exports.memory
    assert (memory.pages, len(memory), exports.size()) == (2, 0x20000, 2)
    assert (memory[0], memory[0x1000], memory[0x1003]) == (0, 1, 4)
    assert [exports.load(it) for it in (0, 0x1000, 0x1003, 0x1FFFF)] == [0, 1, 4, 0]
    with pytest.raises(Trap):
        exports.load(0x20000)
    memory[0x1003] = 5
    exports.store(0x1002, 6)
    with pytest.raises(Trap):
        exports.store(0x20000, 0)
    assert (memory[0x1002], memory[0x1003], exports.load(0x1002), exports.load(0x1003)) == (6, 5, 6, 5)
    assert memory.grow(1) == 2
    assert (memory.pages, len(memory), exports.load(0x20000)) == (3, 0x30000, 0)
    exports.store(0x20000, 0)
    with pytest.raises(Trap):
        exports.load(0x30000)
    with pytest.raises(LimitError):
        memory.grow(1)
    assert memory.grow(0) == 3
    alone = Memory(store, 5, 5)
    with pytest.raises(LimitError):
        alone.grow(1)
    assert (alone.pages, alone.grow(0)) == (5, 5)


def test_multi(run) -> None:
    exports = run(MULTI, {"": {"f": lambda a, b: [b + 1, a + 1]}})
    assert exports.g(1, 3) == (4, 2)
    assert exports.round_trip_many(*range(10)) == tuple(range(10))


def test_linking(store) -> None:
    out = io.BytesIO()
    second = Instance(PRINTS, store=store, wasi=Wasi(stdout=out))
    text = '(module (import "linking2" "print" (func $print)) (func (export "run") (call $print)))'
    Instance(text, {"linking2": second}, store).exports.run()
    assert out.getvalue() == b"Hello, world!\n"


def test_simd_i8x16(run) -> None:
    text = '(module (func (export "add") (param v128 v128) (result v128) (i8x16.add (local.get 0) (local.get 1))))'
    first, second = bytes(range(16)), bytes(40 + it for it in range(16))
    assert list(run(text).add(first, second)) == [a + b for a, b in zip(first, second, strict=True)]


def test_fibonacci(run) -> None:
    assert run(FIBONACCI).fibonacci(10) == 55


def test_fibonacci_env(run) -> None:
    def fibonacci(n: int) -> int:
        return n if n <= 1 else fibonacci(n - 1) + fibonacci(n - 2)

    text = """(module
      (import "env" "fibonacci_host" (func $host (param i32) (result i32)))
      (func (export "fibonacci") (param i32) (result i32) (call $host (local.get 0))))"""
    assert run(text, {"env": {"fibonacci_host": fibonacci}}).fibonacci(10) == 55


def test_blake2b(run) -> None:
    """Bytes go in and come out through memory that the guest allocates; what it computes is a sum, not a hash."""
    text = """(module
      (memory (export "memory") 1) (global $next (mut i32) (i32.const 16))
      (func (export "alloc") (param i32) (result i32)
        (global.get $next) (global.set $next (i32.add (global.get $next) (local.get 0))))
      (func (export "sum") (param $data i32) (param $length i32) (param $to i32) (local $sum i32)
        (loop $next
          (if (local.get $length) (then
            (local.set $length (i32.sub (local.get $length) (i32.const 1)))
            (local.set $sum (i32.add (local.get $sum)
              (i32.load8_u (i32.add (local.get $data) (local.get $length)))))
            (br $next))))
        (i32.store (local.get $to) (local.get $sum))))"""
    exports = run(text)
    data = exports.alloc(3)
    result = exports.alloc(4)
    exports.memory[data : data + 3] = bytearray(b"abc")
    exports.sum(data, 3, result)
    assert exports.memory.load("u32", result) == sum(b"abc")


def test_wasi_print(engine) -> None:
    out = io.BytesIO()
    with Store(engine=engine) as store:
        assert Wasi(args=["wasi_print.wasm"], stdout=out).run(Module(PRINTS), store) == 0
    assert out.getvalue() == b"Hello, world!\n"


def test_a_function_with_a_type_of_its_own(store) -> None:
    callback = Function(store, lambda a, b: (b + 1, a + 1), ["i32", "i64"], ["i64", "i32"])
    assert Instance(MULTI, {"": {"f": callback}}, store).exports.g(1, 3) == (4, 2)
