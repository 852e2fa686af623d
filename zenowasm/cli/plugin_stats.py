"""``zenowasm plugin stats``: statistics of plugins, from audit logs or a running host."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import click
from attrs import asdict
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from zenowasm.cli import color, commands, options
from zenowasm.cli.errors import CliError, user_errors
from zenowasm.display import visible
from zenowasm.frontends.admin.errors import AdminError
from zenowasm.frontends.admin.state import AdminState, default_state_file, read_state
from zenowasm.frontends.admin.token import TOKEN
from zenowasm.plugin import load_environment
from zenowasm.plugin.errors import PluginError
from zenowasm.plugin.observing.audit_stats import AuditStats, read_audit, rotated

_ADDRESS: Final = "/api/admin/stats"
_SECONDS: Final = 10.0
_MOST_BYTES: Final = 64 << 20


@commands.command()
@click.option(
    "--audit", "files", type=options.path, multiple=True, metavar="FILE", help="Audit log to count; may be repeated."
)
@click.option("--state", type=options.path, metavar="FILE", help="The state file that `serve` writes.")
@options.as_json
def stats(files: tuple[Path, ...], state: Path | None, as_json: bool) -> None:
    """Show plugin statistics: calls, failures, times and host calls.

    With --audit, the command counts the host calls in audit logs by decision, including rotated files (FILE.1 and so
    on). Otherwise it shows the statistics of the running `zenowasm serve` since its start.
    """
    if files:
        counted = _read(files)
        if as_json:
            options.print_json(asdict(counted))
        else:
            _show_audit(counted)
        return
    told = _ask(state)
    if as_json:
        options.print_json(told)
    else:
        _show_host(told)


def _read(files: tuple[Path, ...]) -> AuditStats:
    try:
        return read_audit(path for file in files for path in rotated(file))
    except (OSError, ValueError) as error:  # ValueError: a path with a NUL
        reason = f"{error.filename}: {error.strerror}" if isinstance(error, OSError) else str(error)
        raise CliError(f"cannot read the audit log {reason}") from error


def _ask(file: Path | None) -> Mapping[str, Any]:
    """Return the statistics of this user's running host."""
    with user_errors(AdminError, PluginError):
        variables = load_environment().variables
        state = read_state(default_state_file(variables) if file is None else file)
    status, body = _get(state, variables.get(TOKEN) or state.token)
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise CliError(f"the host at {state.url} returned something other than JSON") from error
    if status != HTTPStatus.OK or not isinstance(answer, dict):
        reason = answer.get("error", "") if isinstance(answer, dict) else ""
        raise CliError(f"the host at {state.url} answered {status}: {reason}")
    return answer


def _get(state: AdminState, token: str) -> tuple[int, bytes]:
    address = urlsplit(state.url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=_SECONDS)
    try:
        connection.request("GET", _ADDRESS, headers={"Authorization": f"Bearer {token}"})
        response = connection.getresponse()
        return response.status, response.read(_MOST_BYTES)
    except (OSError, http.client.HTTPException) as error:
        raise CliError(f"the host at {state.url} does not answer: is it still running?") from error
    finally:
        connection.close()


def _show_audit(stats: AuditStats) -> None:
    print(visible(f"{stats.records} records from {stats.first or '-'} to {stats.last or '-'}"))
    if stats.unreadable:
        print(f"{stats.unreadable} lines are no records")
    rows = (
        (it.plugin, it.function, *_decisions(it.decisions), *_times(asdict(it.time)), it.bytes_in, it.bytes_out)
        for it in stats.functions
    )
    _show(("plugin", "function", *_DECISIONS, *_TIMES, "bytes in", "bytes out"), rows)


def _show_host(told: Mapping[str, Any]) -> None:
    for plugin in told.get("plugins", ()):
        instances = f"{plugin['instances_made']} instances, {plugin['instances_recycled']} recycled"
        reloads = f"{plugin['reloads']} reloads, {plugin['failed_reloads']} failed"
        print(visible(f"{plugin['plugin']} on {told['backend']}: {instances}; {reloads}"))
        calls = [*plugin["slots"], *plugin["phases"]]
        _show(("slot or phase", "calls", "failed", *_TIMES, "waited p99", "fuel"), map(_call, calls))
        asked = [(call["name"], function, *_decisions(counts)) for call in calls
                 for function, counts in call["host_calls"].items()]  # fmt: skip
        if asked:
            _show(("slot or phase", "function", *_DECISIONS), iter(asked))
        failures = (f"{call['name']}: {name} {count}" for call in calls for name, count in call["failures"].items())
        for line in failures:
            print(visible(f"  failed: {line}"))
    if not told.get("plugins"):
        print("No plugin has been called.")


def _call(call: Mapping[str, Any]) -> tuple[object, ...]:
    failed = call["calls"] - call["successes"]
    waited = _seconds(call["waiting"]["p99"])
    fuel = "-" if call["fuel"] is None else call["fuel"]
    return (call["name"], call["calls"], failed, *_times(call["time"]), waited, fuel)


_DECISIONS: Final = ("allowed", "denied", "unavailable", "failed", "limit")
_TIMES: Final = ("p50", "p99", "longest")


def _decisions(counts: Mapping[str, int]) -> tuple[int, ...]:
    return tuple(counts.get(decision, 0) for decision in _DECISIONS)


def _times(times: Mapping[str, float]) -> tuple[str, ...]:
    return tuple(_seconds(times[name]) for name in _TIMES)


def _seconds(seconds: float) -> str:
    for factor, unit in ((1, "s"), (1e3, "ms")):
        if seconds * factor >= 1:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds * 1e6:.3g} µs"


def _show(columns: tuple[str, ...], rows: Iterator[tuple[object, ...]]) -> None:
    table = Table(box=SIMPLE_HEAD)
    for column in columns:
        table.add_column(column, justify="left" if column in ("plugin", "function", "slot or phase") else "right")
    for row in rows:
        table.add_row(*(Text(visible(str(cell))) for cell in row))
    color.console(piped_width=200).print(table)
