"""The demo: one script, one plugin, every engine, and what each of them made of it, side by side.

Run with ``make demo``. It exits with 1 when the engines disagree.
"""

from __future__ import annotations

import sys
from pathlib import Path

from attrs import define, field
from rich.console import Console
from rich.table import Table

from zenowasm.backends import registry
from zenowasm.backends.protocol import Store
from zenowasm.plugin import Host, LogRecord

EXAMPLES = Path(__file__).parent


@define
class Run:
    """What one engine made of the script."""

    output: list[str] = field(factory=list)
    log: list[str] = field(factory=list)
    stores: list[Store] = field(factory=list)
    variables: dict[str, object] = field(factory=dict)
    fuel: int = 0

    def note(self, record: LogRecord) -> None:
        """Keep a message of the plugin."""
        self.log.append(f"{record.level}: {record.message}")


def run(script: Path, backend: str) -> Run:
    """Run the script on one engine."""
    result = Run()
    with Host(
        EXAMPLES / "plugins",
        backend=registry.engine(backend),  # with all that it can do: fuel is compared
        lazy=False,  # every plugin is loaded, and what that takes counts in the fuel that is compared
        log=result.note,
        on_store=lambda _, store: result.stores.append(store),
    ) as host:
        result.variables = host.run_script(script, output=result.output.append)
    result.fuel = sum(store.fuel_consumed or 0 for store in result.stores)
    return result


def main() -> int:
    """Run the script on every engine, print a table, and say whether they agree."""
    console = Console()
    script = EXAMPLES / "hello.zl"
    console.print(f"[bold]{script.name}[/bold]\n{script.read_text('utf-8')}", highlight=False)
    runs = {backend: run(script, backend) for backend in registry.names()}
    table = Table(show_lines=True)
    table.add_column("")
    for backend in runs:
        table.add_column(backend)
    table.add_row("output", *("\n".join(result.output) for result in runs.values()))
    table.add_row("plugin's log", *("\n".join(result.log) for result in runs.values()))
    table.add_row("variables", *(str(result.variables) for result in runs.values()))
    table.add_row("fuel", *(f"{result.fuel:,}" for result in runs.values()))
    console.print(table, markup=False)
    first, *others = ((r.output, r.log, r.variables, r.fuel) for r in runs.values())
    agree = all(other == first for other in others)
    console.print(
        "The engines agree." if agree else "The engines DISAGREE.", style="bold green" if agree else "bold red"
    )
    return 0 if agree else 1


if __name__ == "__main__":
    sys.exit(main())
