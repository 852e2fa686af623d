"""``zenowasm run``."""

from __future__ import annotations

from pathlib import Path

import click

from zenowasm.cli import commands, options
from zenowasm.cli.options import measure
from zenowasm.cli.script import run_script
from zenowasm.plugin.configuration.limits import LimitSettings
from zenowasm.plugin.configuration.units import Count, Duration, Size, parse_count, parse_duration, parse_size

_TRAP_HINT = "`zenowasm debug SCRIPT` stops where the guest traps, and shows its calls, locals and memory"


@commands.command()
@click.argument("script", type=options.path)
@options.backend
@options.plugin_dir
@options.config
@click.option(
    "--timeout", callback=measure(parse_duration), metavar="TIME", help="Time limit of a slot call, such as 30s."
)
@click.option("--fuel", callback=measure(parse_count), metavar="UNITS", help="Fuel limit of a slot call.")
@click.option(
    "--memory", callback=measure(parse_size), metavar="SIZE", help="Memory limit of an instance, such as 100MB."
)
@options.lazy_validation
@click.option("--audit", type=options.path, metavar="FILE", help="Write a record of each host call to this file.")
@options.record
@options.coredump
def run(
    script: Path,
    backend: str,
    plugin_dir: Path | None,
    config: Path | None,
    timeout: Duration | None,
    fuel: Count | None,
    memory: Size | None,
    lazy_validation: bool,
    audit: Path | None,
    record: Path | None,
    coredump: Path | None,
) -> None:
    """Run the ZenoLang file SCRIPT with its plugins; `-` is stdin.

    The script's output goes to stdout, the plugins' log to stderr. Limits given here override those in the settings; a
    plugin's manifest can only lower them.
    """
    asked = LimitSettings(max_execution_time=timeout, max_fuel=fuel, max_memory=memory)
    run_script(
        script,
        plugin_dir,
        backend=backend,
        validate_lazily=lazy_validation,
        config=config,
        asked=asked,
        audit=audit,
        record=record,
        coredump=coredump,
        trap_hint=options.core_hint(coredump) or _TRAP_HINT,
    )
