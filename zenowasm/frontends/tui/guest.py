"""The thread that runs the guest under a session, whose frontend is the debugger's terminal."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import redirect_stderr, redirect_stdout
from queue import SimpleQueue
from typing import Final, Protocol, TypeAlias

from zenowasm.debugger import Cell, DebuggerError, DebuggerQuit, Session, shown
from zenowasm.display import visible
from zenowasm.frontends.output import OutputStream
from zenowasm.frontends.terminal import Terminal, find_command
from zenowasm.frontends.tui.panes import Panes, panes

Run: TypeAlias = Callable[[Session], int]
"""Run a program to its end under a session, and return the exit code; errors of the user are printed."""
_PATIENCE: Final = 2.0
_SHOWS_MEMORY: Final = "memory"


class View(Protocol):
    """What shows a guest; it is called in the guest's thread."""

    def stopped(self, shown: Panes) -> None:
        """Show a stopped guest, also after a command that may have changed what there is to see."""
        ...

    def said(self, line: str) -> None:
        """Show a line of the debugger."""
        ...

    def called(self, line: str) -> None:
        """Show a call of a host function."""
        ...

    def printed(self, text: str) -> None:
        """Show what the guest or its host has printed: whole lines, or the rest at the end."""
        ...

    def ended(self, code: int | None) -> None:
        """Show that the run has ended; without a code, the user has ended it."""
        ...


class Guest:
    """A run of a guest, and the lines that its debugger is to execute."""

    def __init__(
        self,
        view: View,
        run: Run,
        *,
        locations: Iterable[str] = (),
        commands: Iterable[str] = (),
        source_maps: Mapping[str, str],
        post_mortem: bool = False,
    ) -> None:
        """Prepare a run; raises ``DebuggerError`` if one of the ``locations``, which become breakpoints, is none."""
        self._view = view
        self._run = run
        self._lines: SimpleQueue[str | Callable[[], None] | None] = SimpleQueue()
        self._terminal = Terminal(self._read, view.said, commands, repeat=True)
        locations = list(locations)
        self.session = Session(
            self._terminal, stop_at_start=not locations, source_maps=source_maps, post_mortem=post_mortem
        )
        for location in locations:
            self.session.add_breakpoint(location)
        self.session.on_host_call = self._called
        self._address = "0"
        self._is_quitting = False
        self.is_waiting = False
        """Whether the guest is stopped, and its debugger waits for a line."""
        # A host call that does not return must not keep the process alive.
        self._thread = threading.Thread(target=self._execute, name="guest", daemon=True)

    # -- in the guest's thread --

    def _execute(self) -> None:
        code: int | None = 1
        stdout, stderr = OutputStream(self._view.printed), OutputStream(self._view.printed)
        try:
            with redirect_stdout(stdout), redirect_stderr(stderr):
                code = self._run(self.session)
        except DebuggerQuit:
            code = None
        finally:
            stdout.flush()
            stderr.flush()
            self._say_unresolved()
            self._view.ended(code)

    def _say_unresolved(self) -> None:
        for it in self.session.breakpoints:
            if not it.resolved:
                self._view.said(f"breakpoint {it.number}: no module that ran has {it.location}")

    def _read(self, prompt: str) -> str:
        self._view.stopped(panes(self.session, self._address))
        self.is_waiting = True
        while True:
            item = self._lines.get()
            if item is None or self._is_quitting:
                raise EOFError
            if isinstance(item, str):
                self.is_waiting = False
                self._note_memory(item)
                self._view.said(f"{prompt}{item}")
                return item
            item()

    def _note_memory(self, line: str) -> None:
        """Let the pane show the memory that a command shows."""
        name, *words = line.split() or [""]
        try:
            if words and find_command(name).name == _SHOWS_MEMORY:
                self._address = words[0]
        except DebuggerError:
            pass  # the terminal will say so

    def _called(self, name: str, arguments: Sequence[Cell]) -> None:
        self._view.called(visible(f"{name}({', '.join(map(shown, arguments))})"))

    # -- in the view's thread --

    def start(self) -> None:
        """Start the run."""
        self._thread.start()

    def execute(self, line: str) -> None:
        """Execute a command of the debugger's terminal at this stop, or else at the next one."""
        self._lines.put(line)

    def completions(self, line: str) -> Future[Sequence[str]]:
        """Return what the last word of a line may become; that is known only at a stop."""
        found: Future[Sequence[str]] = Future()
        self._lines.put(lambda: found.set_result(self._completions(line)))
        return found

    def _completions(self, line: str) -> Sequence[str]:
        try:
            return self._terminal.completions(line)
        except DebuggerError:
            return []  # at the end of a replay, no function runs

    def pause(self) -> None:
        """Stop the guest as soon as possible, unless it is stopped."""
        if not self.is_waiting:
            self.session.interrupt()

    def quit(self) -> None:
        """End the run, and wait a moment for that."""
        if not self._is_quitting:
            self._is_quitting = True
            self._lines.put(None)
            self.session.interrupt()
        if self._thread.ident is not None:
            self._thread.join(_PATIENCE)
