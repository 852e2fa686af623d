"""``zenowasm size``."""

from __future__ import annotations

from pathlib import Path

import click

from zenowasm import svg
from zenowasm.cli import commands, options
from zenowasm.cli.errors import CliError
from zenowasm.cli.modules import module_errors, read_module, unhurried
from zenowasm.cli.reports import OUTPUT, write_report
from zenowasm.display import visible
from zenowasm.tools.size import Grouping, grouped, sizes


@commands.command(
    epilog=options.examples(
        "zenowasm size --by package plugin.wasm",
        "zenowasm size --by function --top 50 plugin.wasm",
        "zenowasm size --html size.html plugin.wasm",
    )
)
@click.argument("file", type=options.path)
@click.option(
    "--by",
    type=click.Choice([it.value for it in Grouping]),
    default=Grouping.SECTION.value,
    show_default=True,
    help="What to group by. A package is a Rust crate, a Go package or a namespace.",
)
@click.option("--top", type=click.IntRange(min=1), default=20, show_default=True, help="Number of rows to show.")
@click.option("--html", type=OUTPUT, metavar="FILE", help="Write a page with a treemap (extra bench).")
@options.as_json
def size(file: Path, by: str, top: int, html: Path | None, as_json: bool) -> None:
    """Show how much of the module FILE each part takes; - is stdin. The bytes add up to the file's size."""
    if html is not None and not svg.is_installed():
        raise CliError("--html needs the package 'pygal': run `pip install 'zenowasm[bench]'`")
    binary = read_module(file)
    with module_errors(file):
        items = sizes(binary, unhurried())
    if html is not None:
        from zenowasm.tools.treemap import to_html

        write_report(html, to_html(file.name, items).encode())
        return
    rows = grouped(items, Grouping(by))
    if as_json:
        options.print_json(
            {"size": len(binary), "by": by, "items": [{"name": it, "size": bytes_} for it, bytes_ in rows]}
        )
        return
    shown = rows if len(rows) <= top else [*rows[:top], (f"{len(rows) - top} more", sum(it[1] for it in rows[top:]))]
    for name, bytes_ in [*shown, ("total", len(binary))]:
        print(visible(f"{bytes_:>10,} {bytes_ / len(binary):>6.1%}  {name}"))
