"""``zenowasm run``."""

from __future__ import annotations

from pathlib import Path

import click

from zenowasm.cli import options
from zenowasm.cli.script import run_script


@click.command()
@click.argument("script", type=options.path)
@options.backend
@options.plugin_dir
def run(script: Path, backend: str, plugin_dir: Path | None) -> None:
    """Run the ZenoLang file SCRIPT with its plugins.

    What the script logs and prints goes to stdout, what plugins log to stderr.
    """
    run_script(script, plugin_dir, backend=backend)
