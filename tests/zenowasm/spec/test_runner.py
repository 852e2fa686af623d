from pathlib import Path

import pytest

from zenowasm.backends import registry
from zenowasm.backends.protocol import Budget
from zenowasm.interp.errors import (
    DecodeError,
    Exhaustion,
    LinkError,
    Trap,
    TrapCode,
    UncaughtException,
    ValidationError,
)
from zenowasm.interp.types import FuncType, NumType
from zenowasm.spec.runner import Status, run_script
from zenowasm.spec.script import (
    AssertException,
    AssertExhaustion,
    AssertInvalid,
    AssertMalformed,
    AssertReturn,
    AssertTrap,
    AssertUninstantiable,
    AssertUnlinkable,
    BinaryModule,
    InstantiateModule,
    Invoke,
    NumPattern,
    Perform,
    Register,
    Script,
    TextModule,
)
from zenowasm.spec.wast_reader import read_script

PASS, FAIL, SKIP = Status.PASS, Status.FAIL, Status.SKIP
EMPTY = BinaryModule(b"\0asm\1\0\0\0")
CALL = Invoke(None, "f", ())


class FakeEngine:
    """An engine whose modules and calls end as it is told."""

    name, version, capabilities = "fake", "0", frozenset()
    type = FuncType((), (NumType.I32,))

    def __init__(self, *, compile_=None, instantiate=None, call=()):
        self.ends = {"compile": compile_, "instantiate": instantiate, "call": call}

    def end(self, what, otherwise):
        end = self.ends[what]
        if isinstance(end, BaseException):
            raise end
        return otherwise if end is None else end

    def compile(self, binary):
        return self.end("compile", self)

    def new_store(self, limits=None):
        return self

    def set_budget(self, budget): ...

    def host_function(self, type_, *rest):
        return self

    new_global = new_table = new_memory = host_function

    def instantiate(self, module, imports):
        return self.end("instantiate", self)

    @property
    def exports(self):
        return {"f": self}

    def call(self, *arguments):
        return self.end("call", ())


def judge(engine, *commands, **options):
    return run_script(Script(Path("x.wast"), commands), engine, **options).outcomes


TRAP = Trap(TrapCode.UNREACHABLE)
OTHERS = [RuntimeError("oh"), LinkError("unknown import"), Exhaustion(), RecursionError(), KeyError("x")]


@pytest.mark.parametrize("end", [DecodeError("x", 0), ValidationError("x"), TRAP, None, *OTHERS], ids=repr)
def test_modules_must_fail_where_the_script_says(end):
    engine = FakeEngine(compile_=end)
    (malformed, invalid) = judge(engine, AssertMalformed(1, EMPTY, "other words"), AssertInvalid(2, EMPTY, "others"))
    assert malformed.status is (PASS if isinstance(end, DecodeError) else FAIL)
    assert invalid.status is (PASS if isinstance(end, ValidationError) else FAIL)


@pytest.mark.parametrize("end", [TRAP, LinkError("unknown import: a.b"), LinkError("incompatible"), None, *OTHERS[:1]])
def test_instantiation_must_fail_with_the_words(end):
    engine = FakeEngine(instantiate=end)
    commands = AssertUnlinkable(1, EMPTY, "unknown import"), AssertUninstantiable(2, EMPTY, "unreachable")
    unlinkable, uninstantiable = judge(engine, *commands)
    assert unlinkable.status is (PASS if "unknown import" in str(end) else FAIL)
    assert uninstantiable.status is (PASS if end is TRAP else FAIL)


@pytest.mark.parametrize(
    ("end", "passing"),
    [
        (TRAP, {"assert_trap"}),
        (Trap(TrapCode.INTEGER_OVERFLOW), set()),
        (Trap(TrapCode.OUT_OF_FUEL), set()),
        (Exhaustion("deep"), {"assert_exhaustion"}),
        (UncaughtException(), {"assert_exception"}),
        ((7,), {"assert_return", "action"}),
        ((8,), {"action"}),
        ((), {"action"}),
        (RuntimeError("oh"), set()),
        (MemoryError(), set()),
    ],
    ids=lambda it: repr(it) if not isinstance(it, set) else " ".join(sorted(it)) or "none",
)
def test_actions_must_end_as_the_script_says(end, passing):
    commands = (
        InstantiateModule(1, None, EMPTY),
        AssertReturn(2, CALL, (NumPattern(NumType.I32, 7),)),
        AssertTrap(3, CALL, "unreachable"),
        AssertExhaustion(4, CALL, "call stack exhausted"),
        AssertException(5, CALL),
        Perform(6, CALL),
    )
    first, *outcomes = judge(FakeEngine(call=end), *commands)
    assert first.status is PASS
    assert {it.command for it in outcomes if it.status is PASS} == passing
    assert all(it.reason for it in outcomes if it.status is FAIL)


@pytest.mark.parametrize("words", ["uninitialized element 2", "uninitialized", "uninitialized element"])
def test_words_of_a_trap_are_compared_by_prefix_both_ways(words):
    engine = FakeEngine(call=Trap(TrapCode.UNINITIALIZED_ELEMENT, "7"))
    outcomes = judge(engine, InstantiateModule(1, None, EMPTY), AssertTrap(2, CALL, words))
    assert outcomes[1].status is PASS


def test_text_is_skipped_without_a_parser_and_used_with_one():
    command = AssertMalformed(1, TextModule("(module"), "unexpected token")
    (outcome,) = judge(FakeEngine(), command)
    assert (outcome.status, outcome.reason) == (SKIP, "text format")

    def assemble(source):
        raise DecodeError(f"unexpected token in {source}", 0)

    assert judge(FakeEngine(), command, assemble=assemble)[0].status is PASS
    assert judge(FakeEngine(), command, assemble=str.encode)[0].status is FAIL


def test_a_failed_module_hides_the_one_before():
    class FailsOnTheSecond(FakeEngine):
        def compile(self, binary):
            return FakeEngine.compile(self, binary) if binary == EMPTY.binary else _fail()

    broken = BinaryModule(b"")
    commands = [InstantiateModule(1, "A", EMPTY), InstantiateModule(3, "A", broken), Perform(4, CALL)]
    outcomes = judge(FailsOnTheSecond(), *commands, Perform(5, Invoke("A", "f", ())), Register(6, "m", None))
    assert [it.status for it in outcomes] == [PASS, FAIL, FAIL, FAIL, FAIL]
    assert all("line 3" in it.reason for it in outcomes[2:])


def _fail():
    raise DecodeError("x", 0)


def test_missing_names_are_failures():
    outcomes = judge(FakeEngine(), Perform(1, CALL), Perform(2, Invoke("B", "f", ())), Register(3, "m", "B"))
    assert [it.reason for it in outcomes] == ["no instance", "no instance B", "no instance B"]
    outcomes = judge(FakeEngine(), InstantiateModule(1, None, EMPTY), Perform(2, Invoke(None, "g", ())))
    assert outcomes[1].reason == "there is no export 'g'"


WAST = """
(module $A (import "spectest" "print_i32" (func $p (param i32)))
  (import "spectest" "table" (table 10 20 funcref)) (import "spectest" "memory" (memory 1 2))
  (import "spectest" "global_f32" (global $g f32))
  (func (export "print") (call $p (i32.const 1))) (func (export "g") (result f32) (global.get $g))
  (global (export "v") i64 (i64.const -1))
  (func (export "id") (param externref) (result externref) (local.get 0))
  (func (export "loop") (loop (br 0))) (func $r (export "recurse") (call $r)))
(register "a" $A)
(module $B (import "a" "g" (func (result f32))) (export "g" (func 0)))
(invoke $A "print")
(assert_return (invoke "g") (f32.const 666.6))
(assert_return (invoke $B "g") (f32.const 666.6))
(assert_return (get $A "v") (i64.const -1))
(assert_return (invoke $A "id" (ref.extern 7)) (ref.extern 7))
(assert_return (invoke $A "id" (ref.null extern)) (ref.null))
(assert_exhaustion (invoke $A "recurse") "call stack exhausted")
(assert_unlinkable (module (import "a" "none" (func))) "unknown import")
(assert_unlinkable (module (import "a" "g" (func))) "incompatible import type")
(assert_trap (module (memory 0) (data (i32.const 1) "x")) "out of bounds memory access")
(assert_malformed (module binary "\\00asm\\02") "unexpected end")
(assert_malformed (module quote "(func") "unexpected token")
(assert_invalid (module (func (result i32))) "type mismatch")
(module definition $D (global (export "h") i32 (i32.const 3)))
(module instance $I1 $D)
(assert_return (get $I1 "h") (i32.const 3))
"""


@pytest.mark.parametrize("backend", registry.names())
def test_a_script_on_a_real_engine(tmp_path, backend):
    path = tmp_path / "all.wast"
    path.write_text(WAST)
    result = run_script(read_script(path), registry.engine(backend))
    assert [it for it in result.outcomes if it.status is FAIL] == []
    assert (result.count(PASS), result.count(SKIP)) == (18, 1)


@pytest.mark.parametrize("backend", registry.names())
def test_failures_of_a_real_engine_are_found(tmp_path, backend):
    path = tmp_path / "wrong.wast"
    path.write_text("""(module (func (export "f") (result i32) (i32.const 1)) (func (export "loop") (loop (br 0))))
(assert_return (invoke "f") (i32.const 2))
(assert_return (invoke "f") (f32.const 1))
(assert_return (invoke "f"))
(assert_trap (invoke "f") "unreachable")
(assert_return (invoke "loop"))
(assert_invalid (module (func)) "type mismatch")
(assert_malformed (module binary "\\00asm\\01\\00\\00\\00") "unexpected end")
(assert_unlinkable (module) "unknown import")
(assert_trap (module) "unreachable")
(assert_return (get "f") (i32.const 1))
(assert_return (invoke "f" (i32.const 1)) (i32.const 1))
(assert_return (invoke "f") (i32.const 1))
""")
    result = run_script(read_script(path), registry.engine(backend), budget=Budget(fuel=100_000, seconds=20))
    assert [it.line for it in result.failures()] == list(range(2, 13))
    assert result.count(PASS) == 2


def test_a_result_of_another_type_with_the_same_value_does_not_pass():
    engine = FakeEngine(call=(7,))
    for type_, status in ((NumType.I32, Status.PASS), (NumType.I64, Status.FAIL)):
        (*_, outcome) = judge(engine, InstantiateModule(1, None, EMPTY), AssertReturn(2, CALL, (NumPattern(type_, 7),)))
        assert outcome.status is status
