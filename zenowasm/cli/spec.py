"""``zenowasm spec``: runs scripts of the official test suite on any engine, and downloads the suite."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from rich.progress import Progress

from zenowasm.backends import registry
from zenowasm.cli import color, commands, options
from zenowasm.cli.errors import user_errors
from zenowasm.cli.reports import reports, run_facts, write_report
from zenowasm.display import visible
from zenowasm.spec import report, suite
from zenowasm.spec.html import SUITE_URL, About, to_html
from zenowasm.spec.isolation import run_files
from zenowasm.spec.junit import to_junit
from zenowasm.spec.script import ScriptError
from zenowasm.spec.summary import SuiteResult

_PATH = click.Path(exists=True, path_type=Path)


@commands.command()
@click.argument("folder", type=click.Path(path_type=Path), default="spec-testsuite", metavar="[DIR]")
@click.option("--url", default=suite.URL, metavar="URL", show_default=True, help="The repository to fetch from.")
@click.option("--commit", default=suite.COMMIT, metavar="HASH", show_default=True, help="The commit to fetch.")
def fetch(folder: Path, url: str, commit: str) -> None:
    """Download the official suite at the commit that this project is tested with.

    DIR must be new or empty; without it, it is spec-testsuite in the current folder. Needs git.
    """
    with user_errors(suite.FetchError):
        suite.fetch(folder, url, commit)
    print(visible(f"{folder} is at commit {commit}"))
    variable = f"ZENOWASM_SPEC_TESTSUITE={shlex.quote(str(folder.absolute()))}"
    print(visible(f"To let this project's tests use it: export {variable}"))


class _PathsOrFetch(commands.Command):
    """A command that takes paths, or the word ``fetch`` unless there is such a path."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        if args[:1] == ["fetch"] and not Path("fetch").exists():
            return fetch.make_context(f"{info_name} fetch", args[1:], parent, **extra)
        return super().make_context(info_name, args, parent, **extra)


@commands.command(cls=_PathsOrFetch)
@click.argument("paths", nargs=-1, required=True, type=_PATH, metavar="PATH...")
@options.backends
@click.option("--failures", is_flag=True, help="List every failure with its line.")
@options.as_json
@reports
@click.option("--source-url", default=SUITE_URL, metavar="URL", help="Base URL of the HTML report's links.")
@click.option("--jobs", type=click.IntRange(1), default=os.cpu_count() or 1, help="Processes to run scripts in.")
@click.pass_context
def spec(
    context: click.Context,
    paths: tuple[Path, ...],
    backends: tuple[str, ...],
    failures: bool,
    as_json: bool,
    junit: Path | None,
    html: Path | None,
    source_url: str,
    jobs: int,
) -> None:
    """Run test scripts (.wast files, or folders of them) and check every command.

    `zenowasm spec fetch [DIR]` downloads the official suite.

    Exits with 0 if nothing failed, with 1 if something failed or the run was not possible, and with 2 on wrong usage.
    """
    scripts = _scripts(paths)
    with user_errors(registry.BackendError, ScriptError):
        suites = [_run(name, scripts, jobs) for name in dict.fromkeys(backends or (registry.DEFAULT,))]
    if junit is not None:
        write_report(junit, to_junit(suites))
    if html is not None:
        facts = {**run_facts(), "suite": suite.identity_of(scripts)}
        write_report(html, to_html(suites, About(source_url=source_url, facts=facts)).encode())
    if as_json:
        options.print_json(report.as_json(suites))
    else:
        color.console(piped_width=40 + 50 * len(suites)).print(report.table(suites))
        if failures:
            for result in suites:
                for line in report.failure_lines(result):
                    print(visible(line))
    context.exit(0 if all(it.counts.ok for it in suites) else 1)


def _scripts(paths: Sequence[Path]) -> list[Path]:
    found: dict[Path, None] = {}
    for path in paths:
        inside = sorted(path.rglob("*.wast")) if path.is_dir() else [path]
        if not inside:
            raise click.UsageError(f"{path}: there are no .wast files in this folder")
        found.update(dict.fromkeys(inside))
    return list(found)


def _run(backend: str, scripts: Sequence[Path], jobs: int) -> SuiteResult:
    # Before any process starts, so that a missing engine is reported once, as a user error.
    engine = registry.engine(backend)
    results = {}
    console = color.console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(backend, total=len(scripts))
        for result in run_files(scripts, backend, jobs):
            results[result.path] = result
            progress.advance(task)
    return SuiteResult(engine.name, engine.version, tuple(results[path] for path in scripts))
