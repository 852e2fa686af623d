"""``zenowasm debug --tui``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence

from zenowasm.cli.errors import CliError, user_errors
from zenowasm.debugger import DebuggerError, Session


def show(
    run: Callable[[Session], int],
    locations: Sequence[str],
    commands: Sequence[str],
    source_maps: Mapping[str, str],
    *,
    post_mortem: bool,
) -> int:
    """Debug a run in the interface of panes, and return the exit code; raises ``CliError``."""
    try:
        from zenowasm.frontends.tui.app import DebuggerApp
        from zenowasm.frontends.tui.guest import Guest
    except ModuleNotFoundError as error:
        raise CliError("--tui needs Textual: pip install 'zenowasm[tui]'") from error
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise CliError("--tui needs a terminal as stdin and stdout")
    with user_errors(DebuggerError):
        app = DebuggerApp(
            lambda view: Guest(
                view, run, locations=locations, commands=commands, source_maps=source_maps, post_mortem=post_mortem
            )
        )
    return app.run() or 0
