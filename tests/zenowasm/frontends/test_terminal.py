"""The terminal face, driven by lines; the guests and the session are real."""

from __future__ import annotations

import io

import pytest
from support.engines import Guest
from support.wasm import wat

from zenowasm.debugger import Action, DebuggerQuit, Resume, Session, Stop
from zenowasm.frontends.terminal import COMMANDS, PROMPT, Terminal, completions, find_command, hexdump, line_reader
from zenowasm.interp.errors import Trap

GUEST = wat("""
(module
  (memory (export "memory") 1)
  (global $sum (mut i64) (i64.const -3))
  (data (i32.const 32) "Hello, \\00\\ff\\1b[2J")
  (func $half (export "half") (param $number i32) (param i32) (result i32)
    (block (i32.div_u (local.get $number) (local.get 1)) (return)) unreachable)
  (func $main (export "main") (param $n i32) (result i32)
    (i32.add (call $half (i32.const 84) (local.get $n)) (i32.const 0))))
""")


def talk(
    lines: str, *, at: str = "half", argument: int = 2, commands: tuple[str, ...] = (), repeat: bool = False
) -> str:
    """Run ``main`` under a terminal that reads these lines; return all that it wrote."""
    output = io.StringIO()
    terminal = Terminal(
        line_reader(io.StringIO(lines), output), lambda text: print(text, file=output), commands, repeat=repeat
    )
    session = Session(terminal)
    session.add_breakpoint(at)
    guest = Guest(GUEST)
    session.attach("demo", guest.store)
    try:
        print(f"result {guest('main', argument)[0]}", file=output)
    except DebuggerQuit:
        print("quit", file=output)
    except Trap as trap:
        print(f"ended by {trap.code.value}", file=output)
    return output.getvalue()


def test_a_stop_says_where_and_shows_the_instruction() -> None:
    assert talk("continue\n").splitlines() == [
        "breakpoint 1 at half in demo (byte 0x47)",
        "=>*     0  0x000047  block (;@1;)",
        f"{PROMPT}continue",
        "result 42",
    ]


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("locals", ["$number: i32 = 84 (0x54)", "$1: i32 = 2"]),
        ("l", ["$number: i32 = 84 (0x54)", "$1: i32 = 2"]),
        ("print $number", ["$number: i32 = 84 (0x54)"]),
        ("p $1", ["$1: i32 = 2"]),
        ("p $1 * 4 - 1", ["$1 * 4 - 1 = 7"]),
        ("p $number > 83 && !$1", ["$number > 83 && !$1 = 0"]),
        ("raw", ["$number: i32 = 84 (0x54)", "$1: i32 = 2"]),
        ("b main if 1 < 2", ["breakpoint 2 at main"]),
        ("ignore 1 3", ["breakpoint 1 is ignored the next 3 times"]),
        ("tbreak main+1", ["temporary breakpoint 2 at main+1"]),
        ("tb none", ["temporary breakpoint 2 at none waits"]),
        ("log main n is {$n}", ["logpoint 2 at main"]),
        ("disable 1", ["breakpoint 1 is disabled"]),
        ("enable 1", ["breakpoint 1 is enabled"]),
        ("w $u8[32]", ["watchpoint 2 at $u8[32], which is 72"]),
        ("set $u8[32] = 74", ["$u8[32] = 74"]),
        ("catch throw", ["stops at each throw"]),
        ("catch trap off", ["does not stop at each trap"]),
        ("stack", ["empty"]),
        ("globals", ["global 0: i64 = -3"]),
        ("memory 32 16", ["0x00000020  48 65 6c 6c 6f 2c 20 00 ff 1b 5b 32 4a 00 00 00  |Hello, ...[2J...|"]),
        ("break nowhere", ["breakpoint 2 at nowhere waits: no module seen so far has such a place"]),
        ("break haf", ["breakpoint 2 at haf waits: no module seen so far has such a place; did you mean half?"]),
        ("b main+1", ["breakpoint 2 at main+1"]),
        ("break", ["1  half  hits 1"]),
        ("breakpoints", ["1  half  hits 1"]),
        ("delete 1", ["deleted breakpoint 1"]),
        ("help step", ["step [N]: execute one line (or N), into calls"]),
        ("frame", ["#0 half in demo (byte 0x47)", "=>*     0  0x000047  block (;@1;)"]),
        ("# a comment", []),
        ("", []),
    ],
)
def test_what_commands_show(line: str, shown: list[str]) -> None:
    assert talk(f"{line}\ncontinue\n").splitlines()[2:-2] == [f"{PROMPT}{line}", *shown]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("locas", "unknown command `locas`: did you mean locals? `help` lists the commands"),
        ("qqq", "unknown command `qqq`: `help` lists the commands"),
        ("b1", "unknown command `b1`"),
        ("de", "deleted"),
        ("step x", "expected a number of steps from 0 to 1000000, found x"),
        ("next -1", "expected a number of steps"),
        ("continue now", "expected `continue`"),
        ("memory", "expected `memory ADDRESS [LENGTH]`"),
        ("memory 70000", "expected an address from 0 to 0xffff"),
        ("memory 0 99999999", "expected a length from 0 to 1000000"),
        ("print 1 +", "cannot read the expression '1 +' at its end"),
        ("print $1.x", "2 is a number, which has no members"),
        ("break main whenever", "expected `break LOCATION if EXPRESSION`"),
        ("list", "half has no source lines"),
        ("ignore 1", "expected `ignore N COUNT`"),
        ("log main", "expected `log LOCATION TEXT`"),
        ("watch", "expected `watch EXPRESSION`"),
        ("watch 1", "only a place can be watched"),
        ("set $number", "expected `set PLACE = EXPRESSION`"),
        ("set $number = 1 << 40", "$number stays as it is: 1099511627776 does not fit into i32"),
        ("return", "half has 1 results (i32), not 0"),
        ("catch all", "expected `catch trap|throw|load`"),
        ("enable 9", "there is no breakpoint 9: expected one of 1"),
        ("print", "expected `print EXPRESSION`"),
        ("print $zz", "there is no local $zz"),
        ("frame 7", "there is no frame 7: expected 0 to 1"),
        ("delete 9", "there is no breakpoint 9"),
        ("help locas", "unknown command `locas`"),
    ],
)
def test_a_wrong_command_says_what_was_expected_and_goes_on(line: str, message: str) -> None:
    lines = talk(f"{line}\ncontinue\n").splitlines()
    if line == "de":
        assert lines[3].startswith("error: there is no breakpoint 0")  # `delete` is the only command that begins so
    else:
        assert lines[3].startswith(f"error: {message}")
    assert lines[-1] == "result 42"


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("bre", ["break", "breakpoints"]),
        ("  tb", ["tbreak"]),
        ("break m", ["main"]),
        ("b ", ["main", "half"]),
        ("break half m", []),
        ("print $", ["$number", "$1"]),
        ("set $nu", ["$number"]),
        ("print 3+$n", ["3+$number"]),
        ("print *$1->$n", ["*$1->$number"]),
        ("qqq", []),
    ],
)
def test_the_last_word_is_completed(line: str, found: list[str]) -> None:
    seen = []

    class Asking(Terminal):
        def stopped(self, session: Session, stop: Stop) -> Resume:
            seen.append(completions(session.frame(), line))
            return Resume(Action.CONTINUE)

    session = Session(Asking(lambda prompt: "", print))
    session.add_breakpoint("half")
    guest = Guest(GUEST)
    session.attach("demo", guest.store)
    guest("main", 2)
    assert seen == [found]


def test_changes_watchpoints_and_early_returns() -> None:
    text = talk("set $number = 90\nwatch $number\nbreakpoints\ncontinue\ncontinue\n")
    assert "$number = 90 (0x5a)\n" in text
    assert "watchpoint 2 at $number, which is 90 (0x5a)\n" in text
    assert "1  half  hits 1\n2  watch $number  hits 0\n" in text
    assert "watchpoint 2 at $number ended with its call\nat main+3 in demo" in text
    assert text.endswith("result 45\n")
    text = talk("return 7\nlog main+4 the sum is {$stack[0]}\nbreakpoints\ncontinue\n")
    assert "returned to main+3 in demo" in text
    assert "2  main+4 log the sum is {$stack[0]}  hits 0\n" in text
    assert text.endswith("(zenowasm) continue\nthe sum is 7\nresult 7\n")


def test_stepping_to_the_end_of_a_function() -> None:
    text = talk("step 3\nstack\nfinish\nstack\nnext 2\ncontinue\n")
    assert "at half+3 in demo" in text
    assert "[1] i32 = 2\n[0] i32 = 84 (0x54)\n" in text
    assert "returned i32 42 (0x2a) to main+3 in demo" in text
    assert text.endswith("result 42\n")


def test_the_backtrace_marks_the_selected_frame() -> None:
    lines = talk("bt\nframe 1\nbt\nlocals\nc\n").splitlines()
    assert lines[3:5] == ["* #0  half in demo (byte 0x47)", "  #1  main+2 in demo (byte 0x59)"]
    assert lines[9:11] == ["  #0  half in demo (byte 0x47)", "* #1  main+2 in demo (byte 0x59)"]
    assert lines[12] == "$n: i32 = 2"


def test_disassembly_is_indented_and_marked() -> None:
    lines = talk("step 2\ndisassemble 1\nc\n").splitlines()
    assert lines[6:9] == [
        "        1  0x000049    local.get $number",
        "=>      2  0x00004b    local.get 1",
        "        3  0x00004d    i32.div_u",
    ]


def test_a_trap_is_shown_before_it_unwinds() -> None:
    text = talk("bt\nprint $1\nc\n", at="nowhere", argument=0)
    assert text.startswith("trap: integer divide by zero (in half at byte 0x4d)\nat half+3 in demo (byte 0x4d)\n")
    assert "#1  main+2" in text
    assert "$1: i32 = 0\n" in text
    assert text.endswith("ended by integer divide by zero\n")


@pytest.mark.parametrize("lines", ["quit\nlocals\n", "q\n", "", "locals\n"])
def test_quit_and_the_end_of_the_input_end_the_run(lines: str) -> None:
    text = talk(lines)
    assert text.endswith("quit\n")
    assert "result" not in text


def test_given_commands_come_before_those_that_are_read() -> None:
    lines = talk("stack\nc\n", commands=("print 1", "step")).splitlines()
    assert [line.removeprefix(PROMPT) for line in lines if line.startswith(PROMPT)] == ["print 1", "step", "stack", "c"]


def test_an_empty_line_repeats_stepping_only_where_asked() -> None:
    assert talk("step\n\n\nc\n", repeat=True).count("at half+") == 3
    assert talk("step\n\n\nc\n").count("at half+") == 1
    assert talk("step\nlocals\n\nc\n", repeat=True).count("$number: ") == 1


def test_every_command_is_found_by_its_name_and_shorthand_and_is_in_the_help() -> None:
    text = talk("help\nc\n")
    for command in COMMANDS:
        assert find_command(command.name) is command
        assert find_command(command.short) is command
        assert command.usage in text
    assert find_command("back") is find_command("bt")


def test_an_escape_sequence_of_the_guests_does_not_reach_the_terminal() -> None:
    assert "\x1b" not in talk("memory 32\nc\n")
    assert hexdump(0, b"\x1b\x7f\x80A")[0].endswith("|...A|")
