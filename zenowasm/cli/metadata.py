"""``zenowasm metadata``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import attrs
import click

from zenowasm.cli import commands, options
from zenowasm.cli.modules import module_errors, read_module
from zenowasm.display import visible
from zenowasm.tools.metadata import Metadata
from zenowasm.tools.metadata import metadata as read_metadata


@commands.command(epilog=options.examples("zenowasm metadata plugin.wasm"))
@click.argument("file", type=options.path)
@options.as_json
def metadata(file: Path, as_json: bool) -> None:
    """Show the metadata of the module FILE: names, producers, target features, build id; - is stdin."""
    with module_errors(file):
        found = read_metadata(read_module(file))
    if as_json:
        options.print_json(attrs.asdict(found))
        return
    for line in _lines(found):
        print(visible(line))


def _lines(found: Metadata) -> Iterator[str]:
    yield f"name: {found.name or 'none'}"
    yield "names: " + (", ".join(f"{count} {what}" for what, count in found.names.items()) or "none")
    yield "producers:" + ("" if found.producers else " none")
    yield from (f"  {it.field}: {it.name} {it.version}".rstrip() for it in found.producers)
    yield "target features:" + ("" if found.target_features else " none")
    yield from (f"  {it.prefix}{it.name} ({it.meaning})" for it in found.target_features)
    yield f"build id: {found.build_id or 'none'}"
    yield from (f"{what.replace('_', ' ')}: {text}" for what, text in found.texts.items())
    yield f"debug information: {', '.join(found.debug) or 'none'}"
    yield "custom sections:" + ("" if found.customs else " none")
    yield from (f"  {name}: {size} bytes" for name, size in found.customs)
    if found.malformed:
        yield f"malformed: {', '.join(found.malformed)}"
