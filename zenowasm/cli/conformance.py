"""``zenowasm conformance``: runs the scenarios of the plugin ABI on any engine."""

from __future__ import annotations

from pathlib import Path

import click
from rich.progress import track

from zenowasm.backends import registry
from zenowasm.cli import color, commands, options
from zenowasm.cli.errors import CliError, user_errors
from zenowasm.cli.reports import reports, run_facts, write_report
from zenowasm.conformance import report
from zenowasm.conformance.export import export
from zenowasm.conformance.runner import run_scenario
from zenowasm.conformance.scenario import ScenarioError, read_scenarios, scenario_files
from zenowasm.conformance.server import web_server
from zenowasm.conformance.world import check_extras
from zenowasm.display import visible
from zenowasm.resources.databases.settings import DatabaseSettingsError
from zenowasm.resources.http.errors import HttpSettingsError
from zenowasm.spec.html import About, to_html
from zenowasm.spec.junit import to_junit

_SCENARIOS = Path(__file__).parent.parent / "conformance" / "scenarios"


@commands.command()
@click.argument("paths", nargs=-1, type=options.path, metavar="[PATH...]")
@options.backends
@click.option("--only", metavar="TEXT", help="Run only scenarios whose name or chapter contains TEXT.")
@click.option(
    "--export", "target", type=options.path, metavar="DIR", help="Write the scenarios to this folder; run nothing."
)
@reports
@options.as_json
@click.pass_context
def conformance(
    context: click.Context,
    paths: tuple[Path, ...],
    backends: tuple[str, ...],
    only: str | None,
    target: Path | None,
    junit: Path | None,
    html: Path | None,
    as_json: bool,
) -> None:
    """Run the scenarios of the plugin ABI on engines and compare the results.

    PATH is a file of scenarios, or a folder of them; without it, the bundled scenarios run. Without --backend, they run
    on every installed engine. Exits with 0 if all expectations hold and all engines agree, else with 1. --export writes
    each scenario as a folder, to test a host in another language.
    """
    with user_errors(registry.BackendError, ScenarioError, DatabaseSettingsError, HttpSettingsError, OSError):
        engines = [registry.engine(name) for name in dict.fromkeys(backends or registry.installed())]
        scenarios = [it for path in scenario_files(paths or (_SCENARIOS,)) for it in read_scenarios(path)]
        if only is not None:
            scenarios = [it for it in scenarios if only.lower() in f"{it.chapter} {it.name}".lower()]
        if not scenarios:
            raise CliError("no scenario was found" + (f" whose name or chapter contains {only!r}" if only else ""))
        if target is not None:
            print(visible(f"{export(scenarios, target)} scenarios in {target}"))
            return
        check_extras()
        console = color.console(stderr=True)
        with web_server() as server:
            shown = track(scenarios, "", console=console, transient=True, disable=not console.is_terminal)
            verdicts = [run_scenario(it, engines, server) for it in shown]
    results = report.suites(verdicts, engines)
    if junit is not None:
        write_report(junit, to_junit(results, "ZenoEngine plugin ABI"))
    if html is not None:
        chapters = {it.file.name: it.chapter for it in scenarios}
        about = About("ZenoEngine plugin ABI", "file", "chapter", chapters.__getitem__, "", run_facts())
        write_report(html, to_html(results, about).encode())
    if as_json:
        options.print_json(report.as_json(verdicts, engines))
    else:
        color.console(piped_width=120).print(report.table(verdicts, engines))
        for line in report.lines(verdicts):
            print(visible(line))
    context.exit(0 if all(verdict.passed for verdict in verdicts) else 1)
