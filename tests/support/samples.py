"""Modules that several tests use."""

from __future__ import annotations

from support.wasm import custom, name, sized, u, vec, wat

EVERYTHING_TEXT = """
(module $everything
  (type $binary (func (param i32 i32) (result i32)))
  (type $pair (func (param i64) (result i64 f64)))
  (import "env" "log" (func $log (param i32)))
  (import "env" "base" (global $base i32))
  (import "env" "table" (table $imported 1 externref))
  (table $functions 4 8 funcref)
  (memory $memory 1 2)
  (global $counter (mut i64) (i64.const -5))
  (global $third f32 (f32.const 0.333))
  (global $later funcref (ref.func $sum))
  (export "sum" (func $sum)) (export "memory" (memory $memory)) (export "table" (table $functions))
  (export "counter" (global $counter)) (export "loop" (func $loop)) (export "pair" (func $pair))
  (start $start)
  (elem $lead (table $functions) (i32.const 1) func $sum $start)
  (elem $spare funcref (ref.func $loop) (ref.null func))
  (elem declare func $log)
  (func $sum (type $binary) local.get 0 local.get 1 i32.add)
  (func $start i32.const 7 call $log)
  (func $pair (type $pair) (local f32 f32 i64)
    local.get 0 f64.const 2.5 block (param i64 f64) (result i64 f64) end)
  (func $loop (param $n i32) (result i32) (local $sum i32) (local $bit i64)
    block $done
      loop $again
        local.get $n i32.eqz br_if $done
        local.get $sum local.get $n i32.const 1 i32.and
        if (result i32) i32.const 3 else i32.const 5 end
        i32.add local.set $sum
        local.get $n i32.const 1 i32.sub local.set $n
        br $again
      end
    end
    local.get $sum
    block block block local.get $n br_table 0 1 2 end end end
    i32.const 16 local.get $sum i32.store offset=4 align=2
    i32.const 16 i32.load8_s offset=4
    i32.const 0 i32.const 0 i32.const 2 memory.init $bytes data.drop $bytes
    ref.func $log ref.is_null i32.const 1 select (result i32)
    i32.const 2 local.get 0 i32.const 1 call_indirect $functions (type $binary)
    i32.add)
  (data (i32.const 8) "hello\\00\\ff")
  (data $bytes "bytes"))
"""


def everything() -> bytes:
    """Return a valid module with every section and every kind of immediate."""
    producers = custom("producers", vec([name("language") + vec([name("text") + name("1")])]))
    return wat(EVERYTHING_TEXT) + producers


def name_section(*subsections: tuple[int, bytes]) -> bytes:
    """Encode a name section from its subsections."""
    return custom("name", b"".join(bytes((number,)) + sized(contents) for number, contents in subsections))


def name_map(names: dict[int, str]) -> bytes:
    """Encode a name map."""
    return vec(u(index) + name(text) for index, text in names.items())


def section_ends(binary: bytes) -> list[int]:
    """Return the offsets at which a section ends, the header's end first."""
    ends, at = [8], 8
    while at < len(binary):
        size = shift = 0
        at += 1
        while True:
            byte = binary[at]
            at += 1
            size |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        at += size
        ends.append(at)
    return ends
