"""A profile as text, as a file for speedscope, and in the Chrome trace-event format."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from zenowasm import __version__
from zenowasm.profiling.calls import ProfiledFunction, StoreCalls, totals, walk

_SCHEMA: Final = "https://www.speedscope.app/file-format-schema.json"
_OTHERS: Final = ProfiledFunction("(other calls)")


def to_text(stores: Sequence[StoreCalls], functions: Sequence[ProfiledFunction], top: int) -> Iterator[str]:
    """Yield the ``top`` functions by the fuel that they consumed themselves."""
    found = totals(stores)
    whole = sum(it.own for it in found)
    yield f"{'self':>14} {'':>6} {'total':>14} {'':>6} {'calls':>11}  function"
    for it in found[:top]:
        name = _named(functions, it.function)
        at = f" at {name.line}" if name.line is not None else ""
        own, total = f"{it.own:>14,} {_share(it.own, whole)}", f"{it.total:>14,} {_share(it.total, whole)}"
        yield f"{own} {total} {it.calls:>11,}  {name.name}{at}"
    calls, functions_ = sum(it.calls for it in found), f"{len(found)} function{'' if len(found) == 1 else 's'}"
    yield f"{whole:>14,} {_share(whole, whole)} {'':>21} {calls:>11,}  units of fuel in {functions_}"


def to_speedscope(stores: Sequence[StoreCalls], functions: Sequence[ProfiledFunction], title: str) -> dict[str, Any]:
    """Return a file for speedscope: the whole tree of each store, in which equal paths are one call."""
    return {
        "$schema": _SCHEMA,
        "name": title,
        "exporter": f"zenowasm {__version__}",
        "shared": {"frames": [_frame(it) for it in (*functions, _OTHERS)]},
        "profiles": [_profile(it, len(functions)) for it in stores if it.root.children],
    }


def to_chrome(stores: Sequence[StoreCalls], functions: Sequence[ProfiledFunction]) -> dict[str, Any]:
    """Return a trace of the single calls, each store a thread; a microsecond of the trace is a unit of fuel."""
    events: list[dict[str, Any]] = [_metadata("process_name", 0, "fuel: 1 µs is one unit")]
    for number, store in enumerate(stores, start=1):
        events.append(_metadata("thread_name", number, store.owner))
        for span in sorted(store.spans, key=lambda it: (it.start, -it.end)):
            function = _named(functions, span.function)
            times = {"ts": span.start, "dur": span.end - span.start}
            event = {"name": function.name, "cat": function.kind, "ph": "X", **times, "pid": 1, "tid": number}
            if function.line is not None:
                event["args"] = {"source": f"{function.line.file}:{function.line.line}"}
            events.append(event)
    return {"traceEvents": events, "displayTimeUnit": "ms"}


def dropped(stores: Sequence[StoreCalls]) -> str | None:
    """Return a sentence if the trace lacks short calls, otherwise ``None``."""
    shortest = max((it.shortest for it in stores), default=0)
    return f"the trace has only calls of at least {shortest:,} units of fuel" if shortest else None


def _metadata(name: str, thread: int, value: str) -> dict[str, Any]:
    return {"name": name, "ph": "M", "pid": 1, "tid": thread, "args": {"name": value}}


def _profile(store: StoreCalls, others: int) -> dict[str, Any]:
    events = []
    at = 0
    for node, begins in walk(store.root):
        frame = node.function if node.function >= 0 else others
        events.append({"type": "O" if begins else "C", "frame": frame, "at": at})
        if begins:
            at += node.own
    return {"type": "evented", "name": store.owner, "unit": "none", "startValue": 0, "endValue": at, "events": events}


def _frame(function: ProfiledFunction) -> dict[str, Any]:
    line = function.line
    return {"name": function.name} if line is None else {"name": function.name, "file": line.file, "line": line.line}


def _named(functions: Sequence[ProfiledFunction], number: int) -> ProfiledFunction:
    return functions[number] if number >= 0 else _OTHERS


def _share(part: int, whole: int) -> str:
    return f"{part / whole if whole else 0:>6.1%}"
