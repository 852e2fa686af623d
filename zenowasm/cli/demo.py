"""``zenowasm demo``."""

from __future__ import annotations

from pathlib import Path

import click

from zenowasm.backends import registry
from zenowasm.cli import color, commands, options
from zenowasm.cli.errors import CliError


@commands.command()
@click.option("--save", "folder", type=options.path, help="Copy the script and its plugin to this folder instead.")
def demo(folder: Path | None) -> None:
    """Run a script with a plugin on every installed engine, and compare the results.

    The script and the plugin are part of the package. Exits with 1 if the engines disagree.
    """
    # Importing rich and the plugin host would delay the help.
    from rich.table import Table

    from zenowasm.demo import comparison

    if folder is not None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            comparison.save(folder)
        except OSError as error:
            raise CliError(f"cannot save the demonstration: {error.strerror or error}") from error
        print(f"run it: zenowasm run {folder / 'hello.zl'} --plugin-dir {folder / 'plugins'}")
        return
    console = color.console()
    console.print(comparison.SCRIPT.read_text("utf-8"), highlight=False, markup=False)
    runs = {name: comparison.run(name) for name in registry.installed()}
    table = Table(show_lines=True)
    for heading in ("", *runs):
        table.add_column(heading)
    table.add_row("output", *("\n".join(it.output) for it in runs.values()))
    table.add_row("plugin's log", *("\n".join(it.log) for it in runs.values()))
    table.add_row("variables", *(str(it.variables) for it in runs.values()))
    table.add_row("fuel", *(f"{it.fuel:,}" for it in runs.values()))
    console.print(table, markup=False)
    if not comparison.agree(list(runs.values())):
        raise CliError("the engines disagree")
    for missing in set(registry.names()) - set(runs):
        console.print(f"The engine {missing} is not installed: {registry.install_command(missing)}", markup=False)
    if len(runs) > 1:
        console.print("The engines agree.", style="bold green")
