"""Coredumps, judged by wasm-tools; damaged ones, and those of other tools."""

from __future__ import annotations

import random
import stat
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from support.engines import engine
from support.json_reader import converter
from support.wasm import GLOBAL, MEMORY, custom, module, name, s, section, u, vec, wat

from zenowasm.backends.protocol import FuncType, Store
from zenowasm.coredumps.errors import CoredumpError
from zenowasm.coredumps.format import MISSING, Coredump
from zenowasm.coredumps.post_mortem import PostMortem
from zenowasm.coredumps.reading import read_coredump
from zenowasm.coredumps.writing import CoredumpWriter, check_engine
from zenowasm.debugger import Action, DebuggerQuit, FrameView, HostView, Resume, Session, Stop
from zenowasm.frontends.terminal import Terminal
from zenowasm.interp.errors import Exhaustion, Trap
from zenowasm.interp.types import I32, I64

BINARY = wat("""
(module
  (import "env" "back" (func $back (param i32)))
  (memory (export "memory") 2 3)
  (memory $other 1)
  (global $depth (mut i32) (i32.const 7))
  (global $small f32 (f32.const -1.5))
  (global $wide (mut i64) (i64.const -2))
  (global $table funcref (ref.func $fail))
  (func $fail (export "fail") (param $a i32) (param $b i64) (param $c f32) (param $d f64) (param externref)
    (local v128)
    i64.const 11
    f64.const 0.5
    (if (result i32) (local.get $a) (then unreachable) (else i32.const 1))
    drop drop drop)
  (func $outer (export "outer") (param $x i32)
    (i32.store (i32.const 70000) (i32.const 0x01020304))
    (i32.store8 (i32.const 5) (i32.const 255))
    i32.const 99
    (call $fail (i32.sub (local.get $x) (i32.const 2)) (i64.const -3) (f32.const 0.5) (f64.const nan) (ref.null extern))
    drop)
  (func $through (export "through") (param i32) (call $back (local.get 0)))
  (func $deep (export "deep") (call $deep)))
""")


MISSED = {"$4": "<not in the coredump>", "$5": "<not in the coredump>"}
I32_GLOBAL = b"\x7f\0\x41" + s(7) + b"\x0b"


class Guest:
    """An instance whose traps write a coredump; the function ``through`` calls ``outer`` by way of the host."""

    def __init__(self, path: Path, **options: Any) -> None:
        self.path = path
        self.store: Store = engine("reference").new_store()
        CoredumpWriter(path).watch(self.store, "demo", path.parent / "demo.wasm", **options)
        back = self.store.host_function(FuncType((I32,)), lambda caller, given: caller.export("outer").call(*given))
        compiled = engine("reference").compile(BINARY)
        self.exports: Any = self.store.instantiate(compiled, {("env", "back"): back}).exports

    def trapped(self, export: str = "outer", *arguments: int) -> bytes:
        with pytest.raises((Trap, Exhaustion)):
            self.exports[export].call(*arguments)
        return self.path.read_bytes()


class Looking:
    """A debugger's front that keeps what it sees at the stop."""

    def __init__(self) -> None:
        self.stops: list[Stop] = []
        self.calls: list[str] = []
        self.locals: list[dict[str, str]] = []
        self.memory = b""

    def stopped(self, session: Session, stop: Stop) -> Resume:
        self.stops.append(stop)
        for view in session.backtrace():
            if isinstance(view, FrameView):
                self.calls.append(f"{view.function}+{view.pc}")
                self.locals.append({it.label: it.text for it in view.locals()})
            else:
                assert isinstance(view, HostView)
        self.memory = session.memory("5", 1)[1]
        return Resume(Action.CONTINUE)

    def logged(self, session: Session, text: str) -> None:
        raise AssertionError(text)


def opened(dump: Coredump | bytes, binary: bytes = BINARY) -> Looking:
    looking = Looking()
    coredump = read_coredump(dump) if isinstance(dump, bytes) else dump
    PostMortem(coredump, lambda _: binary).run(engine("reference"), Session(looking, post_mortem=True).attach)
    return looking


def dumped(data: bytes, path: Path) -> str:
    """Return what wasm-tools reads in a coredump."""
    path.write_bytes(data)
    command = [converter(), "dump", str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_wasm_tools_reads_what_was_written(tmp_path):
    guest = Guest(tmp_path / "core")
    shown = dumped(guest.trapped("outer", 5), tmp_path / "core")
    assert "name: demo" in shown
    assert f'modules: ["{tmp_path}/demo.wasm"]' in shown
    assert "CoreDumpInstance { module_index: 0, memories: [0, 1], globals: [0, 1, 2, 3] }" in shown
    assert "initial: 2, maximum: Some(3)" in shown
    fail, outer = shown.partition("stacks: main / ")[2].splitlines()[0].split("}, ")
    assert "instanceidx: 0, funcidx: 1, " in fail
    numbers = "I32(3), I64(-3), F32(Ieee32(1056964608)), F64(Ieee64(9221120237041090560))"  # bits of 0.5 and of a NaN
    assert f"locals: [{numbers}, Missing, Missing], stack: [I64(11), F64(Ieee64(4602678819172646912))]" in fail
    assert "instanceidx: 0, funcidx: 2, " in outer and "locals: [I32(5)], stack: [I32(99)]" in outer


def test_offsets_count_from_the_start_of_the_body_as_in_wasmtime(tmp_path):
    data = Guest(tmp_path / "core").trapped("outer", 5)
    (fail, outer) = read_coredump(data).frames
    # By hand: one run of locals (3 bytes), i64.const (2), f64.const (9), local.get (2), if (2), then unreachable.
    assert fail.offset == 3 + 2 + 9 + 2 + 2
    code = subprocess.run([converter(), "dump", "-"], input=BINARY, capture_output=True, check=True).stdout.decode()
    calls = [line for line in code.splitlines() if "call function_index:1" in line]
    body = [line for line in code.splitlines() if "size of function" in line][1]
    begins = int(body.split("|")[0], 16) + len(body.split("|")[1].split())
    assert outer.offset == int(calls[0].split("|")[0], 16) - begins


def test_memories_and_globals_are_those_of_the_trap(tmp_path):
    data = Guest(tmp_path / "core").trapped("outer", 5)
    (tmp_path / "core").write_bytes(data)
    command = [converter(), "print", str(tmp_path / "core")]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert [line.strip() for line in text.splitlines() if line.strip().startswith(("(global", "(data"))] == [
        "(global (;0;) i32 i32.const 7)",
        "(global (;1;) f32 f32.const -0x1.8p+0 (;=-1.5;))",
        "(global (;2;) i64 i64.const -2)",
        "(global (;3;) funcref ref.null func)",
        '(data (;0;) (i32.const 5) "\\ff")',
        '(data (;1;) (i32.const 70000) "\\04\\03\\02\\01")',
    ]


def test_calls_through_the_host_are_one_stack(tmp_path):
    looking = opened(Guest(tmp_path / "core").trapped("through", 5))
    assert [call.split("+")[0] for call in looking.calls] == ["fail", "outer", "through"]
    assert str(looking.stops[0].error).startswith("unreachable (in fail at byte ")
    assert looking.memory == b"\xff"
    assert looking.locals[0] == {"$a": "3", "$b": "-3", "$c": "0.5", "$d": "nan", **MISSED} and len(looking.stops) == 1


def test_an_exhausted_stack_is_dumped_whole(tmp_path):
    dump = read_coredump(Guest(tmp_path / "core").trapped("deep"))
    assert len(dump.frames) == 10_000
    assert opened(dump).calls[:2] == ["deep+0", "deep+0"]


def test_a_coredump_without_locals_or_our_own_section_is_opened(tmp_path):
    """As wasmtime writes them."""
    frame = b"\0" + u(0) + u(2) + u(0) + vec([]) + vec([])
    data = module(
        custom("core", b"\0" + name("other")),
        custom("coremodules", vec([b"\0" + name("demo.wasm")])),
        custom("coreinstances", vec([b"\0" + u(0) + vec([u(0), u(1)]) + vec([u(0), u(1), u(2), u(3)])])),
        custom("corestack", b"\0" + name("main") + vec([frame])),
        section(MEMORY, vec([b"\0" + u(2), b"\0" + u(1)])),
        section(GLOBAL, vec([I32_GLOBAL, b"\x7d\0\x43\0\0\0\0\x0b", b"\x7e\0\x42\0\x0b", b"\x70\0\xd0\x70\x0b"])),
    )
    looking = opened(data)
    assert looking.calls == ["outer+0"] and looking.locals == [{"$x": "<not in the coredump>"}]
    assert str(looking.stops[0].error) == "the coredump does not say why the guest trapped"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"function": 0}, "function 0 is active, and the module has no such function of its own"),
        ({"function": 99}, "function 99 is active"),
        ({"offset": 17}, "function 1 has no instruction at its byte 17"),
        ({"offset": 10**6}, "function 1 has no instruction at its byte 1000000"),
        ({"stack": [(None, MISSING)] * 3}, "function 1 has at most 2 operands there"),
        ({"stack": [(I32, 1)]}, "type of an operand of function 1: i64 in the module, i32 in the coredump"),
        ({"locals": [(I32, 1)]}, "locals of function 1: 6 in the module, 1 in the coredump"),
        ({"locals": [(I64, 1)] + [(None, MISSING)] * 5}, "type of local 0 of function 1: i32 in the module, i64 in"),
    ],
)
def test_frames_that_do_not_fit_the_module_are_named(tmp_path, change, why):
    dump = read_coredump(Guest(tmp_path / "core").trapped("outer", 5))
    with pytest.raises(CoredumpError, match=f"^the module is another one than that of the coredump: {why}"):
        opened(evolve(dump, frames=[evolve(dump.frames[0], **change), dump.frames[1]]))


def test_an_outer_call_must_be_at_a_call(tmp_path):
    dump = read_coredump(Guest(tmp_path / "core").trapped("outer", 5))
    with pytest.raises(CoredumpError, match="the instruction at byte 1 of function 2 is no call"):
        opened(evolve(dump, frames=[dump.frames[0], evolve(dump.frames[1], offset=1)]))


def test_another_module_is_refused(tmp_path):
    dump = read_coredump(Guest(tmp_path / "core").trapped("outer", 5))
    for binary, why in (
        (wat("(module)"), "memories: 0 in the module, 2 in the coredump"),
        (b"\0asm", "cannot be read"),
    ):
        with pytest.raises(CoredumpError, match=why):
            opened(dump, binary)


COMMANDS = ("bt", "raw", "stack", "globals", "x 0 64", "di 3", "up", "raw", "stack", "locals", "list", "print $a")


def no_line(prompt: str) -> str:
    raise EOFError


def test_damaged_coredumps_have_one_error(tmp_path):
    data = Guest(tmp_path / "core").trapped("through", 5)
    chance = random.Random(11)
    cuts = [data[:end] for end in range(0, len(data), 3)]
    changed = [bytearray(data) for _ in range(400)]
    for it in changed:
        for _ in range(chance.randint(1, 3)):
            it[chance.randrange(8, len(it))] = chance.randrange(256)
    refused = 0
    for damaged in (*cuts, *changed):
        lines: list[str] = []
        terminal = Terminal(no_line, lines.append, COMMANDS)
        try:
            coredump = read_coredump(bytes(damaged))
            session = Session(terminal, post_mortem=True)
            with suppress(DebuggerQuit):
                PostMortem(coredump, lambda _: BINARY).run(engine("reference"), session.attach)
        except CoredumpError as error:
            refused += 1
            assert "\n" not in str(error)
    assert len(cuts) < refused < len(cuts) + len(changed)


def test_a_coredump_that_claims_a_large_memory_is_refused():
    data = module(section(MEMORY, vec([b"\0" + u(65536)])), custom("corestack", b"\0" + name("main") + vec([])))
    with pytest.raises(CoredumpError, match="memories of 4294967296 bytes: at most 1073741824 can be opened"):
        read_coredump(data)


def test_a_module_is_no_coredump():
    with pytest.raises(CoredumpError, match="no coredump: it has no custom section corestack"):
        read_coredump(BINARY)


class Mask:
    def masked(self, data: bytes) -> tuple[bytes, None]:
        return data.replace(b"\x04\x03\x02\x01", b"****"), None


def test_memories_have_no_secrets_and_only_the_owner_may_read_the_file(tmp_path):
    dump = read_coredump(Guest(tmp_path / "core", secrets=Mask()).trapped("outer", 5))
    assert dump.memories[0][1][70000:70004] == b"****"
    assert stat.S_IMODE((tmp_path / "core").stat().st_mode) == 0o600


def test_a_file_that_cannot_be_written_is_an_error_at_once(tmp_path):
    for path in (tmp_path, tmp_path / "none" / "core"):
        with pytest.raises(CoredumpError, match=r"^cannot write the coredump "):
            CoredumpWriter(path)
    assert list(tmp_path.iterdir()) == []
    CoredumpWriter(tmp_path / "core")
    assert list(tmp_path.iterdir()) == []


def test_an_engine_that_cannot_step_is_refused():
    with pytest.raises(CoredumpError, match="the engine wasmtime cannot write coredumps: use the engine reference"):
        check_engine(engine("wasmtime"))
