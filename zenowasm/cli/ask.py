"""``zenowasm ask``."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from zenowasm.cli import commands, options
from zenowasm.cli.debugged import DebuggedRecording
from zenowasm.cli.errors import CliError, user_errors
from zenowasm.display import visible

if TYPE_CHECKING:
    from zenowasm.debugger import Resume, Session, Stop
    from zenowasm.timetravel.questions import Answer


@commands.command(
    epilog=options.examples(
        "zenowasm ask production.zr 'calls plugin_execute'",
        "zenowasm ask --json production.zr 'who wrote items[1].count' 'values n at plugin.c:20'",
        "zenowasm ask --at 4711 production.zr 'when sum > 10'",
    )
)
@click.argument("recording", type=options.path)
@click.argument("questions", nargs=-1, required=True, metavar="QUESTION...")
@click.option(
    "--module", type=options.path, metavar="MODULE", help="A build of the recorded module, with debugging information."
)
@click.option(
    "--at",
    type=click.IntRange(min=0),
    metavar="TIME",
    help="The time at which names are looked up, by default the start.",
)
@options.source_maps
@options.as_json
def ask(
    recording: Path,
    questions: tuple[str, ...],
    module: Path | None,
    at: int | None,
    source_maps: tuple[str, ...],
    as_json: bool,
) -> None:
    r"""Answer questions about a whole recorded run, which is replayed for each of them.

    \b
    who wrote PLACE                  all writes of a variable or of $u32[ADDRESS]
    calls FUNCTION                   its calls, with arguments and results
    values EXPRESSION at LOCATION    the values there, as if it had been printed
    when EXPRESSION                  where it became true in the current function
    origin PLACE                     the moves of its value, back to what made it
    diff TIME TIME                   the bytes, globals and elements that differ
    """
    from zenowasm.debugger import DebuggerError, DebuggerQuit, Session

    asker = _Asker(list(questions), at)
    session = Session(asker, stop_at_start=True, source_maps=dict(map(options.source_map, source_maps)))
    with user_errors(DebuggerError), suppress(DebuggerQuit):
        DebuggedRecording(recording, module).travel(session)
    if not asker.answers:
        raise CliError("the replay ends before that time" if at is not None else "the recording has no call")
    if as_json:
        print(json.dumps([it.json() for it in asker.answers], indent=2))
        return
    for answer in asker.answers:
        for line in (answer.question, *str(answer).splitlines()):
            print(visible(line))


class _Asker:
    """A front that asks one question after the other, where the replay begins or at a time."""

    def __init__(self, questions: list[str], at: int | None) -> None:
        self.answers: list[Answer] = []
        self._questions = questions
        self._at = at

    def stopped(self, session: Session, stop: Stop) -> Resume:
        """Go to the time, then ask."""
        from zenowasm.debugger import Action, Reason, Resume

        timeline = session.timeline
        if timeline is None or stop.reason is Reason.END:
            return Resume(Action.QUIT)
        if self._at is not None:
            place, self._at = str(self._at), None
            return Resume(Action.GO_TO, place=place)
        self.answers = list(timeline.answers)
        if not self._questions:
            return Resume(Action.QUIT)
        return Resume(Action.ASK, question=timeline.question(self._questions.pop(0)))

    def logged(self, session: Session, text: str) -> None:
        """Leave the answer's lines to the end."""
