"""The interface of panes, by Textual's pilot."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from attrs import define
from support.debugged import c_at
from support.wasm import wat
from textual.pilot import Pilot
from textual.widgets import Input, RichLog

from zenowasm.backends import registry
from zenowasm.cli.debugged import reporting, run_under, runnable
from zenowasm.debugger import DebuggerError
from zenowasm.frontends.tui.app import DebuggerApp, Pane
from zenowasm.frontends.tui.guest import Guest
from zenowasm.recordings.recorder import Recorder

_LOOKS = 1000
_SIZE = (100, 36)


@define
class Shown:
    """An application and its pilot."""

    app: DebuggerApp
    pilot: Pilot

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for a condition."""
        for _ in range(_LOOKS):
            await asyncio.sleep(0.01)  # the pilot would wait until the guest takes no processor time
            if condition():
                return
        raise AssertionError(f"it stays {self.app.sub_title}; the log is {self.log}")

    async def press(self, *keys: str, ends: bool = False) -> None:
        """Press keys that execute a command, and wait until the guest is stopped again, or has ended."""
        await self.pilot.press(*keys)
        await self.until(lambda: self.app.sub_title == ("ended" if ends else "stopped"))

    async def command(self, line: str, *, ends: bool = False) -> None:
        """Enter a command."""
        self.app.query_one(Input).value = line
        await self.press("enter", ends=ends)

    def pane(self, name: str) -> list[str]:
        return list(self.app.query_one(f"#{name}", Pane).lines)

    def current(self, name: str) -> str:
        """The text of the current line of a pane."""
        return next(it for it in self.pane(name) if it.startswith(("=>", "*")))

    @property
    def log(self) -> list[str]:
        return [strip.text.rstrip() for strip in self.app.query_one(RichLog).lines]


def drive(
    file: Path | None, *words: str, folder: Path | None = None, replay: Path | None = None, **options: Any
) -> Callable[..., None]:
    """A decorator that runs a test with the interface of a program, and ends it."""

    def decorate(test: Callable[[Shown], Awaitable[None]]) -> None:
        found = runnable(file, *(words[:1] or (None,)), words[1:], ((), (), ()), folder, None, replay)

        async def main() -> None:
            app = DebuggerApp(
                lambda view: Guest(view, reporting(partial(run_under, debugged=found)), source_maps={}, **options)
            )
            try:
                async with app.run_test(size=_SIZE) as pilot:
                    shown = Shown(app, pilot)
                    await shown.until(lambda: app.sub_title != "running")
                    await test(shown)
            finally:
                app.guest.quit()

        asyncio.run(main())
        assert not [it for it in threading.enumerate() if it.name == "guest"]

    return decorate


def test_keys_step_through_the_source() -> None:
    @drive(c_at("-O0"), "run", "3", locations=("area",))
    async def _(shown: Shown) -> None:
        assert shown.current("source") == "=>    11      int w = p.x + 1;"
        assert shown.pane("variables")[0] == "p: point = {x = 2, y = -2}"
        calls = re.findall(r"^(..)#(\d)  (\w+)\+\d+ at (\S+) in ", "\n".join(shown.pane("calls")), re.MULTILINE)
        assert calls == [("* ", "0", "area", "records.c:11"), ("  ", "1", "run", "records.c:38")]
        await shown.press("f8")
        assert "    12  " in shown.current("source")
        assert "w: int = 3" in shown.pane("variables")
        await shown.press("f2")
        assert "    38  " in shown.current("source")
        assert shown.current("calls").startswith("* #1  run+")
        await shown.press("f3")
        await shown.press("f9")
        assert "    38  " in shown.current("source")
        await shown.press("f7")
        await shown.press("f7")
        assert "    37  " in shown.current("source")
        await shown.press("f5")
        assert "    11  " in shown.current("source")
        await shown.pilot.pause()
        # The pane has scrolled to the line.
        pane = shown.app.query_one("#source", Pane)
        assert 0 <= shown.pane("source").index(shown.current("source")) - pane.scroll_y < pane.size.height


def test_commands_of_the_terminal_and_their_answers() -> None:
    @drive(c_at("-O0"), "run", "3", locations=("records.c:34",))
    async def _(shown: Shown) -> None:
        await shown.command("print nodes[1].at")
        assert "(zenowasm) print nodes[1].at" in shown.log
        assert "nodes[1].at = {x = 1, y = -1}" in shown.log
        await shown.command("set total = 1000")
        assert "total: int = 1000" in shown.pane("variables")
        await shown.command("memory &nodes 16")
        assert shown.pane("memory")[0].endswith("|node0...........|")
        await shown.command("set nodes[0].name[0] = 78")
        assert shown.pane("memory")[0].endswith("|Node0...........|")
        await shown.command("print nothing")
        assert any(it.startswith("error: there is no variable nothing") for it in shown.log)
        await shown.command("wrong")
        assert any(it.startswith("error: unknown command `wrong`") for it in shown.log)
        await shown.command("until")
        assert "    35  " in shown.current("source")
        await shown.command("stepi")
        await shown.command("")  # repeats it
        assert [it for it in shown.log if it.startswith("(zenowasm)")][-2:] == ["(zenowasm) stepi", "(zenowasm)"]


def test_commands_before_the_first_one() -> None:
    @drive(c_at("-O0"), "run", "3", commands=("break area", "continue", "print p.x"))
    async def _(shown: Shown) -> None:
        assert shown.log[-1] == "p.x = 2"
        assert "    11  " in shown.current("source")


def test_a_word_is_completed() -> None:
    @drive(c_at("-O0"), "run", "3", locations=("records.c:41",))
    async def _(shown: Shown) -> None:
        command = shown.app.query_one(Input)
        command.value = "print to"
        await shown.pilot.press("end", "t")
        await shown.until(lambda: command._suggestion == "print total")
        await shown.press("right", "enter")
        assert any(it.startswith("total = ") for it in shown.log)


def test_the_plugins_of_a_script_with_host_calls_and_output(examples) -> None:
    @drive(examples / "hello.zl", folder=examples / "plugins", locations=("greet",))
    async def _(shown: Shown) -> None:
        assert shown.pane("source")[0].startswith("greet has no source lines")
        assert "=>*" in shown.current("code")
        await shown.press("f5", ends=True)
        calls = [it for it in shown.log if it.startswith("env.host_")]
        assert [it.split("(")[0] for it in calls] == ["env.host_scope_get", "env.host_log"]
        assert calls[1].endswith(f", {len('Greeting: Hello, World!')} (0x17))")
        assert "[hello] info: Greeting: Hello, World!" in shown.log
        assert "[INFO]: Hello, World!" in shown.log
        assert shown.log[-1] == "the run has ended with the exit code 0"
        await shown.pilot.press("f5")  # does nothing any more
        assert shown.app.sub_title == "ended"


LOOP = r"""(module
  (memory 1)
  (func $spin (export "spin") (param $left i32)
    (loop $again (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1))))))
  (func $fail (export "fail") unreachable)
  (func $"a\u{1b}[2Jb" (export "named") nop))"""


@pytest.fixture
def loop(tmp_path) -> Path:
    file = tmp_path / "loop.wasm"
    file.write_bytes(wat(LOOP))
    return file


def test_a_loop_is_paused(loop) -> None:
    @drive(loop, "spin", "-1")
    async def _(shown: Shown) -> None:
        assert shown.pane("variables") == ["$left: i32 = -1"]
        await shown.pilot.press("f6")  # at a stop, it does nothing
        await shown.pilot.press("f5")
        assert shown.app.sub_title == "running"
        await shown.press("f6")
        assert any(it.startswith("interrupted at spin") for it in shown.log)
        assert shown.pane("variables") != ["$left: i32 = -1"]
        await shown.pilot.press("f5")  # it ends with the interface


def test_keys_go_back_in_a_replay(tmp_path) -> None:
    with Recorder(tmp_path / "run.zr") as recorder:
        engine = recorder.engine(registry.engine("reference"))
        store = engine.new_store()
        store.instantiate(engine.compile(c_at("-O0").read_bytes()), {}).exports["run"].call(3)

    @drive(None, replay=tmp_path / "run.zr", locations=("records.c:41",))
    async def _(shown: Shown) -> None:
        assert "total: int = 4" in shown.pane("variables")
        await shown.command("watch total")
        await shown.press("shift+f5")
        assert "total: int = 2" in shown.pane("variables")
        assert "    38  " in shown.current("source")
        await shown.press("shift+f8")  # to where the line begins
        await shown.press("shift+f8")
        assert "    37  " in shown.current("source")
        await shown.command("delete 2")
        await shown.press("f5")
        await shown.press("f5")
        assert shown.log[-1] == "the replay ends here"
        assert shown.pane("variables") == shown.pane("code")  # both say how to go back
        shown.app.query_one(Input).value = "print tota"
        await shown.pilot.press("end", "l")  # there is nothing to complete
        await shown.press("shift+f5")
        assert "    41  " in shown.current("source")


def test_a_trap_and_the_exit_code(loop) -> None:
    @drive(loop, "fail", locations=("fail",))
    async def _(shown: Shown) -> None:
        await shown.press("f5")
        assert "trap: unreachable (in fail at byte 0x" in "".join(shown.log)
        await shown.press("f5", ends=True)
        assert any(it.startswith("error: unreachable") for it in shown.log)
        await shown.pilot.press("ctrl+q")
        assert shown.app.return_value == 1


def test_leaving_ends_the_run(loop) -> None:
    @drive(loop, "spin", "-1")
    async def _(shown: Shown) -> None:
        await shown.command("quit", ends=True)
        assert not any("exit code" in it for it in shown.log)
        await shown.pilot.press("ctrl+q")
        assert shown.app.return_value == 0


def test_names_of_the_guest_cannot_drive_the_terminal(loop) -> None:
    @drive(loop, "named", commands=("break nowhere:3",))
    async def _(shown: Shown) -> None:
        assert shown.current("calls").startswith("* #0  a\\x1b[2Jb")
        assert "\x1b" not in "".join(shown.log)
        await shown.press("f5", ends=True)
        assert "breakpoint 1: no module that ran has nowhere:3" in shown.log


def test_a_place_that_is_none_is_refused_at_once() -> None:
    with pytest.raises(DebuggerError, match="expected a function or a line"):
        DebuggerApp(lambda view: Guest(view, lambda session: 0, locations=(" ",), source_maps={}))
