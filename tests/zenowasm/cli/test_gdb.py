"""``zenowasm debug --gdb``, driven by Debian's LLDB (`.ci/services.sh` installs it)."""

from __future__ import annotations

import re
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from attrs import define
from support.debugged import RECORDS, c_at, divide, rust_at, shop_plugin
from support.gdb import GUEST, GdbClient
from support.wasm import wat

_SECONDS = 60


@define
class Seen:
    """What LLDB printed for each command, and how the server ended."""

    answers: list[str]
    code: int
    out: str
    err: str


@define
class Debugged:
    """A server in a process of its own."""

    process: subprocess.Popen
    port: int

    def lldb(self, *commands: str, at_crash: tuple[str, ...] = ()) -> Seen:
        """Execute LLDB's commands and, after a crash, others; then wait for the end of the server."""
        answers = self.answers(*commands, at_crash=at_crash)
        out, err = self.process.communicate(timeout=_SECONDS)
        return Seen(answers, self.process.returncode, out.decode(), err.decode())

    def answers(self, *commands: str, at_crash: tuple[str, ...] = ()) -> list[str]:
        """Return what LLDB prints for each command."""
        connect = f"process connect --plugin wasm connect://127.0.0.1:{self.port}"
        words = [word for it in (connect, *commands) for word in ("--one-line", it)]
        words += [word for it in at_crash for word in ("--one-line-on-crash", it)]
        done = subprocess.run(
            ["lldb-22", "--no-lldbinit", "--no-use-colors", "--batch", *words],
            capture_output=True,
            timeout=_SECONDS,
            encoding="utf-8",
            check=False,
        )
        return re.split(r"^\(lldb\) .*\n", done.stdout, flags=re.MULTILINE)[1:]


@pytest.fixture
def debug(zenowasm) -> Iterator[Callable[..., Debugged]]:
    started: list[subprocess.Popen] = []

    def start(*arguments: object) -> Debugged:
        process = zenowasm.start("debug", "--gdb", "0", *arguments)
        started.append(process)
        line = process.stdout.readline().decode()
        found = re.fullmatch(r"listening at 127\.0\.0\.1:(\d+)\n", line)
        assert found, (line, process.communicate(timeout=_SECONDS))
        connect = f"in LLDB: process connect --plugin wasm connect://127.0.0.1:{found[1]}\n"
        assert process.stdout.readline().decode() == connect
        return Debugged(process, int(found[1]))

    yield start
    for process in started:
        process.kill()
        process.communicate()


def lines(answer: str) -> list[str]:
    """The places of an answer: `function at file:line`."""
    return re.findall(r"frame #\d+: 0x[0-9a-f]+ \S+`(.*) at (?:\S*/)?([\w.-]+:\d+)", answer)


def test_a_c_program_in_source_lines(debug) -> None:
    seen = debug(c_at("-O0"), "run", 3).lldb(
        *("breakpoint set --name area", f"breakpoint set --file {RECORDS.name} --line 41", "continue"),
        *("bt", "frame variable", "finish", "next", "next", "step"),
        *("frame variable *list", "print list->weights[1][2] * 4", "memory read --count 5 &nodes[2]"),
        *("breakpoint disable 1", "expression total = 1000", "watchpoint set variable total", "continue"),
        *("watchpoint delete --force 1", "memory write &nodes[0] 0x41", "continue", "frame variable", "continue"),
    )
    first, name, line, stop, calls, arguments, *steps = seen.answers
    assert lines(first)[0][0].startswith("_initialize")
    assert re.match(r"Breakpoint 1: where = \S+`area \+ \d+ at records.c:11:", name)
    assert re.match(r"Breakpoint 2: where = \S+`run \+ \d+ at records.c:41:", line)
    assert "stop reason = breakpoint 1.1" in stop
    assert lines(calls) == [("area(p=(x = 2, y = -2))", "records.c:11"), ("run(n=3)", "records.c:38")]
    assert arguments.startswith("(point) p = (x = 2, y = -2)\n")
    assert [lines(it)[0][1] for it in steps[:4]] == [f"records.c:{it}" for it in (38, 39, 37, 38)]
    structure, product, memory, _, total, _, changed, _, _, end, variables, exited = steps[4:]
    assert 'name = "node1"\n  at = (x = 1, y = -1)\n' in structure
    assert "colour = BLUE\n  flag = 1\n  neg = -1\n  bits = (f = 1.5, u = 1069547520)" in structure
    assert product.endswith(" 2\n")
    assert memory.split()[1:] == ["6e", "6f", "64", "65", "32", "node2"]
    assert total.endswith(" 1000\n")
    assert "old value: 1000\nnew value: 1002\n" in changed  # (1 + 1) * (-1 + 2) more
    assert lines(changed) == [("run(n=3)", "records.c:39")]
    assert "stop reason = breakpoint 2.1" in end
    assert "(int) total = 1004\n" in variables  # (0 + 1) * (0 + 2) more
    assert "(const char *) text = " in variables and '"hello"' in variables
    assert "exited with status = 0" in exited
    result = 1004 + 1 + (-5_000_000_000 + 7 * 714_285_715 - 7) + ord("h")  # C rounds a quotient towards zero
    assert (seen.code, seen.out, seen.err) == (0, f"{result}\n", "")


def test_a_rust_program(debug) -> None:
    seen = debug(rust_at(0), "run", 2).lldb(
        "breakpoint set --file items.rs --line 54", "continue", "frame variable n total shapes slice", "kill"
    )
    variables = seen.answers[3]
    assert f"total = {3.0 * 2.5 * 2.5 + 3 * 4}\n" in variables
    assert re.search(r"\) n = 2\n", variables)
    assert (seen.code, seen.out) == (0, "the client ended the run\n")


def test_a_trap_stops_before_it_unwinds(debug) -> None:
    seen = debug(divide(), "run", 0).lldb("continue", at_crash=("bt", "up", "frame variable", "continue"))
    stop, calls, _, variables, end = seen.answers[1:]
    assert "stop reason = integer divide by zero (in divide at byte 0x" in stop
    assert lines(calls) == [("divide(a=10, b=0)", "divide.c:2"), ("run(n=0)", "divide.c:5")]
    assert variables.startswith("(int) n = 0\n")
    assert "exited with status = 1" in end
    assert seen.code == 1 and "error: integer divide by zero" in seen.err


def test_the_plugins_of_a_script_are_libraries(debug, examples) -> None:
    seen = debug(examples / "hello.zl", "--plugin-dir", examples / "plugins").lldb(
        *("breakpoint set --name plugin_init --name plugin_execute", "continue", "continue"),
        *("bt", "image list", "continue"),
    )
    # The first stop is in the first plugin; the others have their breakpoints as soon as they run.
    places = [re.search(r"frame #0: 0x(4[0-9a-f]+) (\w+)\.wasm`(\w+)", it) for it in seen.answers[2:4]]
    assert [it and it.groups()[1:] for it in places] == [
        ("markdown", "plugin_init"),
        ("hello", "plugin_execute"),
    ]
    assert re.findall(r"(\S+)\.wasm \(0x400000(\d+)00000000\)", seen.answers[5]) == [
        ("hello", "01"),
        ("markdown", "02"),
        ("telegram", "03"),
    ]
    assert (seen.code, seen.out) == (0, "[INFO]: Hello, World!\n")


def test_a_plugin_is_changed_at_a_line_of_its_source(debug, write, tmp_path) -> None:
    plugins, script = shop_plugin(tmp_path / "plugins"), write("shop.zl", "shop.total { }\nlog: $total\n")
    seen = debug(script, "--plugin-dir", plugins).lldb(
        *("breakpoint set --file shop_plugin.c --line 27", "continue", "bt", "frame variable *list at"),
        *("expression sum = 50", "breakpoint delete 1", "continue"),
    )
    stack = [(call.partition("(")[0], line) for call, line in lines(seen.answers[3])]
    assert stack == [("total", "shop_plugin.c:27"), ("plugin_execute", "shop_plugin.c:55")]
    assert re.fullmatch(r"\(list\) \*list = {\n  prices = 0x\S+\n  count = 4\n}\n\(u32\) at = 0\n", seen.answers[4])
    assert seen.answers[5].endswith(" 50\n")
    assert (seen.code, seen.out) == (0, f"[LOG]: {3 + 5 + 7 + 11 + 50}\n")


def test_a_recording_is_replayed(debug, zenowasm, plugins, write) -> None:
    script = write("script.zl", "counter.sum { }\n")
    assert zenowasm("run", script, "--plugin-dir", plugins, "--record", "sum.zr").code == 0
    seen = debug("--replay", "sum.zr").lldb(
        "settings set target.language c99", "breakpoint set --name checksum", "continue", "bt", "continue"
    )
    assert re.findall(r"frame #\d: 0x40000001[0-9a-f]{8} counter.wasm`(\w*)", seen.answers[4]) == ["checksum", ""]
    assert seen.code == 0
    assert seen.out.startswith("replayed ")


def test_a_coredump_is_looked_at_and_stays_as_it_is(debug, zenowasm) -> None:
    assert zenowasm("exec", "--coredump", "it.core", divide(), "run", "0").code == 1
    started = debug("--core", "it.core", divide())
    client = GdbClient(socket.create_connection(("127.0.0.1", started.port)))
    client.start()
    for packet in ("c", "vCont;s", "M10,1:00"):
        assert client.error(packet).startswith("a coredump cannot be ")
    client.close()
    stop, calls, variables = started.answers("bt", "frame variable")
    assert "stop reason = integer divide by zero" in stop
    assert re.search(r"frame #0: \S+ \S*[^m]\.wasm`", stop)
    assert lines(calls) == [("divide(a=10, b=0)", "divide.c:2"), ("run(n=0)", "divide.c:5")]
    assert variables == "(int) a = 10\n(int) b = 0\n"


def test_a_replay_goes_back_to_who_wrote_a_variable(debug, zenowasm) -> None:
    assert zenowasm("exec", "--record", "run.zr", c_at("-O0"), "run", "3").code == 0
    places = ("breakpoint set --name area", "breakpoint set --file records.c --line 41", "breakpoint disable 1")
    back = "process continue --reverse"
    seen = debug("--replay", "run.zr").lldb(
        *(*places, "continue", "watchpoint set variable total", back, back, "watchpoint delete --force 1"),
        *("breakpoint enable 1", back, back, "breakpoint disable 1", back),  # which ends a batch
    )
    stopped, _, last, before, _, _, second, first, _, start = seen.answers[4:]
    assert "stop reason = breakpoint 2.1" in stopped
    # (2 + 1) * (-2 + 2), then (1 + 1) * (-1 + 2), then (0 + 1) * (0 + 2): the first one changes nothing.
    assert "old value: 4\nnew value: 2\n" in last and lines(last) == [("run(n=3)", "records.c:38")]
    assert "old value: 2\nnew value: 0\n" in before
    assert [lines(it) for it in (second, first)] == [[(f"area(p=(x = {x}, y = {-x}))", "records.c:11")] for x in (1, 2)]
    assert "stop reason = history boundary" in start
    assert (seen.code, seen.out) == (0, "replayed 2 calls and 0 host calls in 1 store\n")  # LLDB has detached


def test_a_replay_goes_back_and_forth_by_instruction(debug, zenowasm, write) -> None:
    module = write("guest.wasm", wat(GUEST))
    assert zenowasm("exec", "--record", "run.zr", module, "outer", "40").code == 0
    started = debug("--replay", "run.zr")
    client = GdbClient(socket.create_connection(("127.0.0.1", started.port)))
    client.start()
    assert {"ReverseStep+", "ReverseContinue+"} <= set(client("qSupported").split(";"))
    forwards = [client.pc()]
    while "replaylog:end;" not in client("s"):
        forwards.append(client.pc())
    assert client.pc() == forwards[-1]  # no function runs at the end: the client sees the last instruction
    backwards = [client.pc()]
    while "replaylog:begin;" not in client("bs"):
        backwards.append(client.pc())
    assert backwards == forwards[::-1]
    assert client.pc() == forwards[0]
    assert "replaylog:end;" in client("c")
    assert "replaylog:begin;" in client("bc")
    assert "replaylog:end;" in client("c")
    assert client("c") == "W00"
    client.close()
    assert started.process.wait(_SECONDS) == 0


PROGRAM = r"""(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1) (data (i32.const 0) "\08\00\00\00\03\00\00\00hi\n")
  (func $spin (export "spin") (loop $again (br $again)))
  (func (export "_start")
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 12)))
    (call $exit (i32.const 3))))"""


@pytest.fixture
def program(write) -> Path:
    return write("program.wasm", wat(PROGRAM))


def test_the_exit_code_of_a_program(debug, program) -> None:
    seen = debug(program).lldb("continue")
    assert "exited with status = 3" in seen.answers[1]
    assert (seen.code, seen.out) == (3, "hi\n")


def test_a_detached_program_goes_on(debug, program) -> None:
    seen = debug(program).lldb("breakpoint set --name spin", "detach")
    assert "detached" in seen.answers[2]
    assert (seen.code, seen.out) == (3, "hi\n")


def test_an_interrupt_stops_a_loop_for_the_next_client(debug, program) -> None:
    started = debug(program, "spin")
    client = GdbClient(socket.create_connection(("127.0.0.1", started.port)))
    client.start()
    client.send(b"$c#63")
    client.close()  # in the middle of a run
    assert started.process.stdout.readline() == b"the client is gone: waiting for another one\n"
    answers = started.answers("bt", "kill")
    assert "stop reason = signal SIGINT" in answers[0]
    assert re.findall(r"`(\w+)", answers[1]) == ["spin"]
    assert started.process.communicate(timeout=_SECONDS) == (b"the client ended the run\n", b"")


ALONE = "--gdb takes neither --break, --source-map, --tui nor commands: LLDB has its own"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--gdb", "65536"), "expected PORT or HOST:PORT with a port up to 65535, found '65536'"),
        (("--gdb", "a:b"), "expected PORT or HOST:PORT with a port up to 65535, found 'a:b'"),
        *(
            (("--gdb", "0", *it), ALONE)
            for it in (("--break", "spin"), ("--source-map", "a=b"), ("-x", "c"), ("--tui",))
        ),
        (("--gdb", "192.0.2.1:0"), "cannot listen at 192.0.2.1:0: Cannot assign requested address"),
        (("--gdb", "nowhere.invalid:0"), "cannot listen at nowhere.invalid:0: "),
    ],
)
def test_what_the_option_takes(zenowasm, program, arguments, message) -> None:
    assert message in zenowasm("debug", *arguments, program).error


def test_a_run_that_ends_before_any_instruction_needs_no_client(zenowasm, write) -> None:
    done = zenowasm("debug", "--gdb", "0", write("script.zl", "log: 1\n"))
    assert (done.code, done.out) == (0, "[LOG]: 1\n")
    done = zenowasm("debug", "--gdb", "0", write("wrong.zl", "nothing.known { }\n"))
    assert (done.code, done.out) == (1, "")
    assert "nothing.known" in done.error
