"""``zenowasm profile``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import cast

import click

from zenowasm.backends.protocol import SteppingStore, Store
from zenowasm.cli import commands, options
from zenowasm.cli.debugged import Runnable, observed, run_and_report
from zenowasm.cli.output import write_lines
from zenowasm.display import visible


# Arguments such as -1 are not options.
@commands.command(
    context_settings={"ignore_unknown_options": True},
    epilog=options.examples(
        "zenowasm profile script.zl --plugin-dir plugins --speedscope profile.json",
        "zenowasm profile --trace trace.json plugin.wasm total 3",
        "zenowasm profile --replay production.zr",
    ),
)
@observed
@options.source_maps
@click.option("--speedscope", type=options.path, metavar="FILE", help="Write the tree of calls for speedscope.")
@click.option("--trace", type=options.path, metavar="FILE", help="Write single calls as a Chrome trace, by fuel.")
@click.option(
    "--timeline", type=options.path, metavar="FILE", help="Write slot, guest and host calls as a Chrome trace, by time."
)
@click.option("--top", type=click.IntRange(min=1), default=20, show_default=True, help="Functions to list.")
def profile(
    run: Runnable,
    title: str,
    source_maps: tuple[str, ...],
    speedscope: Path | None,
    trace: Path | None,
    timeline: Path | None,
    top: int,
) -> None:
    """Run the ZenoLang script FILE, or the module FILE as `exec` does, and show which functions consumed its fuel.

    Fuel is an exact clock, so each run has the same profile. It is written also if the run fails. --replay runs a
    recording again instead.
    """
    from zenowasm.profiling.call_reports import dropped, to_chrome, to_speedscope, to_text
    from zenowasm.profiling.calls import CallProfile
    from zenowasm.profiling.timeline import Timeline
    from zenowasm.profiling.together import Together

    maps = dict(map(options.source_map, source_maps))
    calls, times = CallProfile(), Timeline()

    def attach(owner: str, store: Store) -> None:
        observer = calls.observer(owner)
        if timeline is not None:
            observer = Together(observer, times.observer(owner))
        cast(SteppingStore, store).probe = observer

    def report() -> None:
        functions = calls.functions(maps)
        notes = []
        if speedscope is not None:
            write_lines(speedscope, [json.dumps(to_speedscope(calls.stores, functions, title))])
        if trace is not None:
            write_lines(trace, [json.dumps(to_chrome(calls.stores, functions))])
            notes.append(dropped(calls.stores))
        if timeline is not None:
            write_lines(timeline, [json.dumps(times.to_chrome())])
            notes.append(f"the timeline lacks the last {times.dropped:,} calls" if times.dropped else None)
        for line in to_text(calls.stores, functions, top):  # last, since it may go to a pipe that ends
            print(visible(line))
        for note in filter(None, notes):
            print(f"note: {note}")

    run_and_report(run, attach, report)
