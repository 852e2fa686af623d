"""The interface: panes, keys and a command line."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import ClassVar, Final

from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, ScrollableContainer, Vertical
from textual.message import Message
from textual.suggester import Suggester
from textual.widgets import Footer, Header, Input, RichLog, Static

from zenowasm.display import visible
from zenowasm.frontends.terminal import PROMPT
from zenowasm.frontends.tui.guest import Guest, View
from zenowasm.frontends.tui.panes import CURRENT, MEMORY, NAMES, SOURCE, Panes

_LOG: Final = "Log"
_LEFT: Final = (SOURCE, "Code", MEMORY)
_ENDED: Final = "ended"


class Pane(ScrollableContainer):
    """A pane with lines of text; it scrolls to its current line."""

    can_focus = True

    def __init__(self, name: str) -> None:
        super().__init__(id=name.lower())
        self.border_title = name
        self.lines: Sequence[str] = ()
        self._text = Static()

    def compose(self) -> ComposeResult:
        """Make the text."""
        yield self._text

    def show(self, lines: Sequence[str]) -> None:
        """Show other lines."""
        if lines == self.lines:
            return
        self.lines = lines
        current = next((at for at, line in enumerate(lines) if line.startswith(CURRENT)), None)
        styled = (Text(line, "reverse" if at == current else "", no_wrap=True) for at, line in enumerate(lines))
        self._text.update(Text("\n").join(styled))
        if current is not None:
            self.call_after_refresh(self.scroll_to, y=max(current - self.size.height // 2, 0), animate=False)


class Completer(Suggester):
    """Suggests the first completion of the command line, while the guest is stopped."""

    def __init__(self, guest: Guest) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._guest = guest

    async def get_suggestion(self, value: str) -> str | None:
        """Return the line with its last word completed."""
        if not self._guest.is_waiting:
            return None
        found = await asyncio.wrap_future(self._guest.completions(value))
        return value[: len(value) - len(value.rpartition(" ")[2])] + found[0] if found else None


class Stopped(Message):
    """Sent when the guest is stopped."""

    def __init__(self, shown: Panes) -> None:
        super().__init__()
        self.shown = shown


class Said(Message):
    """Sent with a line for the log."""

    def __init__(self, line: str, style: str = "") -> None:
        super().__init__()
        self.line = line
        self.style = style


class Ended(Message):
    """Sent when the run has ended."""

    def __init__(self, code: int | None) -> None:
        super().__init__()
        self.code = code


class DebuggerApp(App[int]):
    """The debugger of one guest. Its return code is the guest's exit code."""

    TITLE = "zenowasm"
    CSS = """
    Pane Static { width: auto; }
    Pane, RichLog { border: round $primary; scrollbar-size: 1 1; padding: 0 1; }
    Pane:focus, RichLog:focus { border: round $accent; }
    #left { width: 3fr; } #right { width: 2fr; }
    #source { height: 3fr; } #code, #memory { height: 2fr; }
    #variables { height: 3fr; } #calls, #operands, #globals { height: 2fr; }
    #top { height: 3fr; } #log { height: 1fr; } #command { border: round $primary; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f5", "execute('continue')", "Continue"),
        Binding("f6", "pause", "Pause"),
        Binding("f7", "execute('step')", "Step"),
        Binding("f8", "execute('next')", "Next"),
        Binding("f9", "execute('finish')", "Finish"),
        Binding("f2", "execute('up')", "Caller"),
        Binding("f3", "execute('down')", "Callee"),
        Binding("shift+f5", "execute('reverse-continue')", "Continue back", show=False),
        Binding("shift+f7", "execute('reverse-step')", "Step back", show=False),
        Binding("shift+f8", "execute('reverse-next')", "Next back", show=False),
        Binding("shift+f9", "execute('reverse-finish')", "Finish back", show=False),
        Binding("ctrl+q", "quit", "Quit", priority=True),
    ]

    def __init__(self, new_guest: Callable[[View], Guest]) -> None:
        """Prepare to show the guest that ``new_guest`` makes for this view."""
        super().__init__()
        self.guest = new_guest(self)
        self._code: int | None = None

    def compose(self) -> ComposeResult:
        """Make the panes."""
        yield Header()
        with Horizontal(id="top"):
            with Vertical(id="left"):
                yield from map(Pane, _LEFT)
            with Vertical(id="right"):
                yield from (Pane(name) for name in NAMES if name not in _LEFT)
        log = RichLog(id=_LOG.lower())
        log.border_title = "Host calls and log"
        yield log
        yield Input(placeholder="a command, such as: break plugin.c:20", id="command", suggester=Completer(self.guest))
        yield Footer()

    def on_mount(self) -> None:
        """Start the guest."""
        self.query_one(Input).focus()
        self.sub_title = "running"
        self.guest.start()

    # -- the view of the guest, in the guest's thread --

    def stopped(self, shown: Panes) -> None:
        """Show a stopped guest."""
        self.post_message(Stopped(shown))

    def said(self, line: str) -> None:
        """Show a line of the debugger."""
        self.post_message(Said(visible(line), "bold" if line.startswith(PROMPT) else ""))

    def called(self, line: str) -> None:
        """Show a call of a host function."""
        self.post_message(Said(line, "cyan"))

    def printed(self, text: str) -> None:
        """Show what the guest or its host has printed."""
        for line in text.splitlines():
            self.post_message(Said(visible(line), "green"))

    def ended(self, code: int | None) -> None:
        """Show that the run has ended."""
        self.post_message(Ended(code))

    # -- messages --

    def on_stopped(self, message: Stopped) -> None:
        """Fill the panes."""
        self.sub_title = "stopped"
        for name, lines in message.shown.items():
            self.query_one(f"#{name.lower()}", Pane).show(lines)

    def on_said(self, message: Said) -> None:
        """Add a line to the log."""
        self.query_one(RichLog).write(Text(message.line, message.style))

    def on_ended(self, message: Ended) -> None:
        """Say how the run has ended; everything stays visible until the user leaves."""
        self._code = message.code
        self.sub_title = _ENDED
        if message.code is not None:
            self.on_said(Said(f"the run has ended with the exit code {message.code}", "bold"))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Execute a command; an empty line repeats a step."""
        event.input.clear()
        self.action_execute(event.value)

    # -- keys --

    def action_execute(self, line: str) -> None:
        """Execute a command of the debugger's terminal."""
        if self.sub_title != _ENDED:
            self.sub_title = "running"
            self.guest.execute(line)

    def action_pause(self) -> None:
        """Stop the guest."""
        self.guest.pause()

    async def action_quit(self) -> None:
        """End the run and leave."""
        self.guest.quit()
        self.exit(self._code or 0)
