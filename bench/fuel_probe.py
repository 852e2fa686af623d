"""Measures how much fuel wasmtime charges and where it checks; prints the tables of ``fuel-facts.md``.

Run with ``python bench/fuel_probe.py``. Every figure comes from running small modules, none from documentation.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator
from functools import partial
from importlib.metadata import version

import wasmtime

ENOUGH = 1_000_000

INTEGER_BINARY = "add sub mul div_s div_u rem_s rem_u and or xor shl shr_s shr_u rotl rotr"
INTEGER_COMPARISON = "eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u"
INTEGER_UNARY = "clz ctz popcnt eqz extend8_s extend16_s"
FLOAT_BINARY = "add sub mul div min max copysign eq ne lt gt le ge"
FLOAT_UNARY = "abs neg ceil floor trunc nearest sqrt"

FIELDS = """
  (type $v (func)) (type $ii (func (param i32) (result i32)))
  (import "h" "nothing" (func $nothing)) (import "h" "raise" (func $raise)) (import "h" "fuel" (func $fuel))
  (memory (export "m") 2 10)
  (table $t 10 20 funcref) (table $u 10 20 funcref)
  (global $a (export "a") (mut i32) (i32.const 0)) (global $b (export "b") (mut i32) (i32.const 0))
  (global $big (mut i32) (i32.const 0x7fffffff))
  (data $d "0123456789") (elem $e func $empty $empty $empty) (elem (table $t) (i32.const 0) func $empty $nothing)
  (func $empty) (func $three (drop (i32.add (i32.const 1) (i32.const 2)))) (func $boom unreachable)
"""


def new_store() -> wasmtime.Store:
    """Return a store whose engine counts fuel."""
    config = wasmtime.Config()
    config.consume_fuel = True
    for proposal in ("wasm_gc", "wasm_function_references", "wasm_memory64", "wasm_multi_memory"):
        setattr(config, proposal, True)
    return wasmtime.Store(wasmtime.Engine(config))


class Probe:
    """An instance of ``FIELDS`` with an exported function ``f`` that has the given body."""

    def __init__(self, body: str, fields: str = "") -> None:
        self.store = new_store()
        self.seen: list[int] = []
        self.store.set_fuel(ENOUGH)
        source = f'(module {FIELDS} {fields} (func $f (export "f") {body}))'
        module = wasmtime.Module(self.store.engine, wasmtime.wat2wasm(source))
        none = wasmtime.FuncType([], [])
        hosts = [
            wasmtime.Func(self.store, none, lambda: None),
            wasmtime.Func(self.store, none, self._raise),
            wasmtime.Func(self.store, none, lambda: self.seen.append(self.store.get_fuel())),
        ]
        self.exports = wasmtime.Instance(self.store, module, hosts).exports(self.store)

    @staticmethod
    def _raise() -> None:
        raise KeyError("host")

    def run(self, fuel: int = ENOUGH) -> tuple[int, str]:
        """Call ``f``; return the fuel consumed and the reason why it stopped."""
        self.store.set_fuel(fuel)
        try:
            self.exports["f"](self.store)
            end = "finished"
        except wasmtime.Trap as trap:
            end = trap.trap_code.name if trap.trap_code else "trap"
        except KeyError:
            end = "host exception"
        return fuel - self.store.get_fuel(), end

    def globals(self) -> str:
        """Return the values of the two globals."""
        return " ".join(str(self.exports[name].value(self.store)) for name in "ab")


def cost(body: str, around: int = 0) -> int:
    """Return the fuel of a body that finishes, minus the function's entry and ``around``."""
    consumed, end = Probe(body).run()
    assert end == "finished", (body, end)
    return consumed - 1 - around


def operands(types: str) -> str:
    """Return small nonzero constants of these types, separated by spaces."""
    return " ".join(f"{type}.const {3 - index}" for index, type in enumerate(types.split()))


def numeric() -> Iterator[tuple[str, str]]:
    """Yield every numeric and memory access instruction of WebAssembly 2.0 without vectors, with its operands."""
    for t in ("i32", "i64"):
        for name in INTEGER_BINARY.split():
            yield f"{t}.{name}", f"{t} {t}"
        for name in INTEGER_COMPARISON.split():
            yield f"{t}.{name}", f"{t} {t}"
        for name in INTEGER_UNARY.split():
            yield f"{t}.{name}", t
        for f in ("f32", "f64"):
            for name in ("trunc_{f}_s", "trunc_{f}_u", "trunc_sat_{f}_s", "trunc_sat_{f}_u"):
                yield f"{t}.{name.format(f=f)}", f
            yield f"{f}.convert_{t}_s", t
            yield f"{f}.convert_{t}_u", t
        for size in ("8", "16", "32")[: 2 if t == "i32" else 3]:
            yield f"{t}.load{size}_s", "i32"
            yield f"{t}.load{size}_u", "i32"
            yield f"{t}.store{size}", f"i32 {t}"
    yield from {
        "i32.wrap_i64": "i64",
        "i64.extend_i32_s": "i32",
        "i64.extend_i32_u": "i32",
        "i64.extend32_s": "i64",
    }.items()
    yield from {"i32.reinterpret_f32": "f32", "f32.reinterpret_i32": "i32", "i64.reinterpret_f64": "f64"}.items()
    yield from {"f64.reinterpret_i64": "i64", "f32.demote_f64": "f64", "f64.promote_f32": "f32"}.items()
    for t in ("f32", "f64"):
        for name in FLOAT_BINARY.split():
            yield f"{t}.{name}", f"{t} {t}"
        for name in FLOAT_UNARY.split():
            yield f"{t}.{name}", t
    for t in ("i32", "i64", "f32", "f64"):
        yield f"{t}.load", "i32"
        yield f"{t}.store", f"i32 {t}"


OTHERS: tuple[tuple[str, str, int], ...] = (
    ("i32.const / i64.const / f32.const / f64.const", "i32.const 1 drop", 0),
    ("nop", "nop", 0),
    ("drop", "i32.const 1 drop", 1),
    ("block, end", "block end", 0),
    ("loop, end", "loop end", 0),
    ("if (then taken), end", "i32.const 1 if end", 1),
    ("if (not taken), end", "i32.const 0 if nop end", 1),
    ("if, else (else taken), end", "i32.const 0 if nop else nop end", 1),
    ("br", "block br 0 end", 0),
    ("br_if (taken)", "block i32.const 1 br_if 0 end", 1),
    ("br_if (not taken)", "block i32.const 0 br_if 0 end", 1),
    ("br_table (first of 3)", "block block i32.const 0 br_table 0 1 0 end end", 1),
    ("br_table (default)", "block block i32.const 9 br_table 0 1 0 end end", 1),
    ("return", "return", 0),
    ("select", "i32.const 1 i32.const 2 i32.const 3 select drop", 3),
    ("select (typed)", "i32.const 1 i32.const 2 i32.const 3 select (result i32) drop", 3),
    ("local.get", "(local i32) local.get 0 drop", 0),
    ("local.set", "(local i32) i32.const 1 local.set 0", 1),
    ("local.tee", "(local i32) i32.const 1 local.tee 0 drop", 1),
    ("global.get", "global.get $a drop", 0),
    ("global.set", "i32.const 1 global.set $a", 1),
    ("call (of an empty function, whose entry costs 1)", "call $empty", 1),
    ("call (of a host function)", "call $nothing", 0),
    ("call_indirect (of an empty function)", "i32.const 0 call_indirect $t (type $v)", 2),
    ("call_indirect (of a host function)", "i32.const 1 call_indirect $t (type $v)", 1),
    ("ref.null", "ref.null func drop", 0),
    ("ref.func", "ref.func $empty drop", 0),
    ("ref.is_null", "ref.null func ref.is_null drop", 1),
    ("table.get", "i32.const 0 table.get $t drop", 1),
    ("table.set", "i32.const 0 ref.null func table.set $t", 2),
    ("table.size", "table.size $t drop", 0),
    ("table.grow 0", "ref.null func i32.const 0 table.grow $t drop", 2),
    ("table.grow 7", "ref.null func i32.const 7 table.grow $t drop", 2),
    ("table.grow 70 (fails)", "ref.null func i32.const 70 table.grow $t drop", 2),
    ("table.fill 0", "i32.const 0 ref.null func i32.const 0 table.fill $t", 3),
    ("table.fill 7", "i32.const 0 ref.null func i32.const 7 table.fill $t", 3),
    ("table.copy 0", "i32.const 0 i32.const 0 i32.const 0 table.copy $t $u", 3),
    ("table.copy 7 (two tables)", "i32.const 0 i32.const 0 i32.const 7 table.copy $t $u", 3),
    ("table.copy 7 (one table)", "i32.const 1 i32.const 0 i32.const 7 table.copy $t $t", 3),
    ("table.init 0", "i32.const 0 i32.const 0 i32.const 0 table.init $t $e", 3),
    ("table.init 3", "i32.const 0 i32.const 0 i32.const 3 table.init $t $e", 3),
    ("elem.drop", "elem.drop $e", 0),
    ("memory.size", "memory.size drop", 0),
    ("memory.grow 0", "i32.const 0 memory.grow drop", 1),
    ("memory.grow 3", "i32.const 3 memory.grow drop", 1),
    ("memory.grow 8", "i32.const 8 memory.grow drop", 1),
    ("memory.grow 9 (fails)", "i32.const 9 memory.grow drop", 1),
    ("memory.grow 65537 (fails)", "i32.const 65537 memory.grow drop", 1),
    ("memory.fill 0", "i32.const 0 i32.const 0 i32.const 0 memory.fill", 3),
    ("memory.fill 1000", "i32.const 0 i32.const 0 i32.const 1000 memory.fill", 3),
    ("memory.copy 0", "i32.const 0 i32.const 0 i32.const 0 memory.copy", 3),
    ("memory.copy 1000", "i32.const 0 i32.const 1 i32.const 1000 memory.copy", 3),
    ("memory.init 0", "i32.const 0 i32.const 0 i32.const 0 memory.init $d", 3),
    ("memory.init 10", "i32.const 0 i32.const 0 i32.const 10 memory.init $d", 3),
    ("data.drop", "data.drop $d", 0),
    ("dead code after br", "block br 0 i32.const 1 i32.const 2 i32.add drop end", 1),
    ("dead code after return", "return i32.const 1 drop", 0),
)
"""The measured operation, the body, and the fuel of everything else in the body (constants, callee entries)."""

FUNCTION = "(func $f)"
GLOBAL = '(import "" "g" (global $g i32))'
MEMORY = '(import "" "m" (memory $m 1))'
TABLE = '(import "" "t" (table $t 10 funcref))'
ARRAY = "(type $a (array i32))"
REFERENCE = "(global funcref (ref.func $f))"
DATA = '(memory 1) (data (i32.const 0) "abc")'

MODULES: tuple[str, ...] = (
    f"{FUNCTION} (start $f)",
    '(import "" "f" (func $f)) (start $f)',
    "(global i32 (i32.const 1)) (global v128 (v128.const i64x2 1 2))",
    "(global funcref (ref.null func))",
    f"{FUNCTION} {REFERENCE}",
    "(global $a i32 (i32.const 1)) (global i32 (global.get $a))",
    f"{GLOBAL} (global i32 (global.get $g))",
    "(global i32 (i32.add (i32.const 1) (i32.const 2)))",
    "(global i31ref (ref.i31 (i32.const 1)))",
    "(type $s (struct (field i32))) (global (ref $s) (struct.new $s (i32.const 1)))",
    f"{ARRAY} (global (ref $a) (array.new_default $a (i32.const 128)))",
    f"{ARRAY} (global (ref $a) (array.new_default $a (i32.const 129)))",
    f"{ARRAY} {GLOBAL} (global (ref $a) (array.new_default $a (global.get $g)))",
    f"{ARRAY} (global $c i32 (i32.const 5)) (global (ref $a) (array.new_default $a (global.get $c)))",
    f"{FUNCTION} (elem func $f $f)",
    f"{FUNCTION} (elem declare func $f)",
    f"{FUNCTION} (elem funcref (ref.func $f) (ref.null func))",
    "(table 3 funcref)",
    f"{FUNCTION} (table 3 funcref (ref.func $f))",
    f"{FUNCTION} (table 1048577 funcref (ref.func $f))",
    "(table 3 funcref (ref.null func))",
    "(table 129 funcref (ref.null func))",
    f"(table 3 funcref) {FUNCTION} (elem (i32.const 0) $f $f)",
    f"(table 3 funcref) {FUNCTION} (elem (i32.const 0) funcref (ref.func $f) (ref.null func))",
    f"(table 3 funcref) {FUNCTION} (elem (i32.const 0) funcref)",
    f"(table 3 funcref) {FUNCTION} (elem (i32.add (i32.const 0) (i32.const 1)) func $f)",
    f"(table 3 funcref) {FUNCTION} (elem (i32.const 0) funcref (ref.func $f)) (elem (i32.const 1) func $f)",
    f"(table 5 funcref (ref.null func)) {FUNCTION} (elem (i32.const 0) func $f)",
    f"(table 2000000 funcref) {FUNCTION} (elem (i32.const 1048576) func $f)",
    f"{TABLE} {FUNCTION} (elem (i32.const 0) func $f)",
    f"{GLOBAL} (table 300 funcref) {FUNCTION} (elem (global.get $g) func {'$f ' * 129})",
    f"{GLOBAL} (table 300 funcref) {FUNCTION} (elem (global.get $g) funcref {'(ref.func $f) ' * 129})",
    DATA,
    f'{GLOBAL} (memory 1) (data (global.get $g) "")',
    f'{GLOBAL} (memory 1) (data (i32.const 0) "abc") (data (global.get $g) "abc")',
    '(memory i64 1) (data (i64.add (i64.const 0) (i64.const 1)) "abc")',
    '(memory 257) (data (i32.const 0) "abc") (data (i32.const 16777212) "abc")',
    '(memory 257) (data (i32.const 0) "abc") (data (i32.const 16777213) "abc")',
    '(memory 1) (memory 1) (data (i32.const 0) "abc")',
    f'{MEMORY} (data (i32.const 0) "abc")',
    f'{MEMORY} (memory $n 1) (data (memory $n) (i32.const 4095) "abc")',
    f'{MEMORY} (memory $n 1) (data (memory $n) (i32.const 4095) "a\\00")',
    f'{MEMORY} (memory $n 1) (data (memory $n) (i32.const 4095) "\\00\\00")',
    f"{FUNCTION} {REFERENCE} {DATA}",
    f"{FUNCTION} {REFERENCE} {DATA} (table 129 funcref (ref.null func))",
    f'{MEMORY} {FUNCTION} {REFERENCE} (memory $n 1) (data (memory $n) (i32.const 0) "abc")',
)
"""Module fields; ``instantiation`` provides their imports."""

ZERO_DIVISION = "(drop (i32.div_s (i32.const 1) (i32.const 0)))"

TRAPS: tuple[tuple[str, str], ...] = (
    ("unreachable after 2", "(drop (i32.const 1)) (drop (i32.const 1)) unreachable"),
    ("unreachable in a callee, after 1", "(drop (i32.const 1)) call $boom"),
    ("call_indirect, undefined element", "(call_indirect $t (type $v) (i32.const 99))"),
    ("call_indirect, null element", "(call_indirect $t (type $v) (i32.const 5))"),
    ("call_indirect, other type", "(drop (call_indirect $t (type $ii) (i32.const 1) (i32.const 0)))"),
    ("exception in a host function, after 1", "(drop (i32.const 1)) call $raise (drop (i32.const 1))"),
    ("i32.div_s by zero, after 3", f"(drop (i32.const 1)) {ZERO_DIVISION}"),
    ("i32.div_s by zero, after a call (2) and 3", f"call $nothing (drop (i32.const 1)) {ZERO_DIVISION}"),
    (
        "i32.div_s by zero, after a loop of 24",
        "(loop (global.set $a (i32.add (global.get $a) (i32.const 1)))"
        f" (br_if 0 (i32.lt_u (global.get $a) (i32.const 3)))) {ZERO_DIVISION}",
    ),
    ("i32.trunc_f32_s of NaN, after a call (2)", "call $nothing (drop (i32.trunc_f32_s (f32.const nan)))"),
    ("i32.load out of bounds, after a call (2)", "call $nothing (drop (i32.load (global.get $big)))"),
    ("table.get out of bounds, after a call (2)", "call $nothing (drop (table.get $t (i32.const 99)))"),
    ("memory.fill out of bounds", "call $nothing (memory.fill (global.get $big) (i32.const 0) (i32.const 1000))"),
    ("table.init out of bounds", "call $nothing (table.init $t $e (i32.const 0) (i32.const 0) (i32.const 9))"),
    ("loop without end, out of fuel", "(loop (br 0))"),
    ("recursion without end, call stack exhausted", "call $f"),
)

ONE_A = "(global.set $a (i32.const 1))"
ONE_B = "(global.set $b (i32.const 1))"

CHECKS: tuple[tuple[str, str], ...] = (
    ("straight line", f"{ONE_A} {ONE_B}"),
    ("return", f"{ONE_A} return"),
    ("call of a guest function in the middle", f"{ONE_A} call $empty {ONE_B}"),
    ("call of a guest function at the end", f"{ONE_A} call $three"),
    ("call of a host function", f"{ONE_A} call $nothing {ONE_B}"),
    ("loop, one round", f"{ONE_A} (loop {ONE_B})"),
    (
        "loop, three rounds of 8",
        "(loop (global.set $a (i32.add (global.get $a) (i32.const 1)))"
        " (br_if 0 (i32.lt_u (global.get $a) (i32.const 3)))) (global.set $b (i32.const 1))",
    ),
    ("unreachable", f"{ONE_A} {ONE_B} unreachable"),
    ("i32.div_s by zero", f"{ONE_A} (drop (i32.div_s (i32.const 1) (i32.const 0)))"),
    ("memory.grow by a constant 5", f"(global.set $a (memory.grow (i32.const 5))) {ONE_B}"),
    ("memory.grow by a computed 5", f"(global.set $a (memory.grow (i32.add (i32.const 2) (i32.const 3)))) {ONE_B}"),
    ("memory.grow by a computed 9 (fails)", f"(drop (memory.grow (i32.add (i32.const 4) (i32.const 5)))) {ONE_B}"),
)

BULK: tuple[tuple[str, str], ...] = (
    ("memory.fill", "(memory.fill (i32.const 0) (i32.const 7) {})"),
    ("memory.copy", "(memory.copy (i32.const 0) (i32.const 1) {})"),
    ("memory.init", "(memory.init $long (i32.const 0) (i32.const 0) {})"),
    ("table.fill", "(table.fill $w (i32.const 0) (ref.null func) {})"),
    ("table.copy", "(table.copy $w $w (i32.const 0) (i32.const 0) {})"),
    ("table.init", "(table.init $w $many (i32.const 0) (i32.const 0) {})"),
    ("table.grow", "(drop (table.grow $w (ref.null func) {}))"),
    ("memory.grow", "(drop (memory.grow {}))"),
)
"""The operations without their length, whose cost depends on how it is written."""

BULK_FIELDS = f'(table $w 2000 9000 funcref) (data $long "{"x" * 2000}") (elem $many func {"$empty " * 2000})'


def table(*columns: str) -> Callable[..., None]:
    """Print a table's header and return a function that prints a row."""

    def row(*cells: object) -> None:
        print("|", " | ".join(str(cell) for cell in cells), "|")

    row(*columns)
    row(*["---"] * len(columns))
    return row


def first_that_finishes(make: Callable[[], Probe], highest: int = 5000) -> int:
    """Return the smallest budget with which ``f`` does not run out of fuel."""
    low, high = -1, highest
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if make().run(middle)[1] == "OUT_OF_FUEL" else (low, middle)
    return high


def instructions() -> None:
    """Print the cost of each instruction."""
    found: dict[int, list[str]] = {}
    for name, types in numeric():
        tail = "" if ".store" in name else " drop"
        found.setdefault(cost(f"{operands(types)} {name}{tail}", len(types.split())), []).append(name)
    for charge, names in sorted(found.items()):
        print(f"fuel {charge}: {len(names)} numeric, load and store instructions\n")
    row = table("instruction", "fuel")
    for label, body, around in OTHERS:
        row(label, cost(body, around))


def bulk() -> None:
    """Print the cost of bulk operations and where they check, by how their length is written."""
    row = table("operation", "length", "fuel of the operation", "first budget that finishes", "all fuel of the call")
    for label, template in BULK:
        for length in (5, 128, 129, 1000):
            for written in (f"(i32.const {length})", f"(i32.add (i32.const {length - 1}) (i32.const 1))"):
                body = f"{template.format(written)} {ONE_B}"
                fields = BULK_FIELDS if label != "memory.grow" else "(memory $big 2 3000)"
                if label == "memory.grow":
                    body = body.replace("memory.grow", "memory.grow $big")
                around = 2 + written.count("i32.") + template.count("const") + template.count("ref.null")
                consumed = Probe(body, fields=fields).run()[0]
                first = first_that_finishes(partial(Probe, body, fields))
                row(label, written, consumed - 1 - around, first, consumed)


def instantiations() -> None:
    """Print the cost of instantiation."""
    row = table("module", "fuel of its instantiation", "first budget that finishes")
    for fields in MODULES:
        consumed = instantiation(fields)
        assert consumed is not None, fields

        def finishes(budget: int, fields: str = fields) -> bool:
            return instantiation(fields, budget) is not None

        shown = fields if len(fields) < 150 else f"{fields[:147]}..."
        row(f"`{shown}`", consumed, bisect_left(range(consumed + 2), True, key=finishes))


def instantiation(fields: str, fuel: int = 10 * ENOUGH) -> int | None:
    """Instantiate a module with its imports; the imported global is 5. Return ``None`` if the fuel runs out."""
    store = new_store()
    module = wasmtime.Module(store.engine, wasmtime.wat2wasm(f"(module {fields})"))
    none = wasmtime.FuncType([], [])
    offered = {
        "f": wasmtime.Func(store, none, lambda: None),
        "g": wasmtime.Global(store, wasmtime.GlobalType(wasmtime.ValType.i32(), False), 5),
        "m": wasmtime.Memory(store, wasmtime.MemoryType(wasmtime.Limits(1, None))),
        "t": wasmtime.Table(store, wasmtime.TableType(wasmtime.ValType.funcref(), wasmtime.Limits(10, None)), None),
    }
    store.set_fuel(fuel)
    try:
        wasmtime.Instance(store, module, [offered[str(entry.name)] for entry in module.imports])
    except wasmtime.Trap:
        return None
    return fuel - int(store.get_fuel())


def traps() -> None:
    """Print the reported fuel after a trap."""
    row = table("stopped by", "code", "fuel reported")
    for label, body in TRAPS:
        consumed, end = Probe(body).run()
        row(label, end, consumed)


def checks() -> None:
    """Print the result of each budget, from 0 to the first that does not run out."""
    row = table("program", "budget: what happened, globals a b", "consumed with enough")
    for label, body in CHECKS:
        states: list[tuple[int, str]] = []
        for budget in range(60):
            probe = Probe(body)
            end = probe.run(budget)[1]
            state = f"{end} {probe.globals()}"
            if not states or states[-1][1] != state:
                states.append((budget, state))
            if end != "OUT_OF_FUEL":
                break
        row(label, "; ".join(f"{budget}: {state}" for budget, state in states), Probe(body).run()[0])


def hosts() -> None:
    """Print the fuel consumption that a host function observes."""
    body = "call $fuel (drop (i32.const 1)) call $fuel call $three call $fuel"
    for fuel in (ENOUGH, 4):
        probe = Probe(body)
        end = probe.run(fuel)
        print(f"host calls in `{body}` with {fuel} units see consumed {[fuel - it for it in probe.seen]}; then {end}")


def main() -> None:
    """Print all tables."""
    print(f"wasmtime-py {version('wasmtime')}\n")
    for part in (instructions, bulk, instantiations, checks, traps, hosts):
        print(f"\n## {part.__name__}\n")
        part()


if __name__ == "__main__":
    main()
