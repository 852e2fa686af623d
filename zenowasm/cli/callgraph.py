"""``zenowasm callgraph``."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import click

from zenowasm.cli import commands, options
from zenowasm.cli.errors import CliError
from zenowasm.cli.modules import module_errors, read_module, unhurried
from zenowasm.cli.output import output, write_bytes, write_lines
from zenowasm.interp.binary import decode, decode_names
from zenowasm.interp.syntax.module import Module
from zenowasm.tools.callgraph import Graph, call_graph, reachable, to_dot
from zenowasm.tools.naming import find_function, function_names


@commands.command(
    epilog=options.examples(
        "zenowasm callgraph plugin.wasm --from plugin_execute --depth 3 | dot -Tpdf -o calls.pdf",
        "zenowasm callgraph plugin.wasm --to panic --svg -o panics.svg",
    )
)
@click.argument("file", type=options.path)
@output("Write the graph here, not to stdout.")
@click.option("--svg", is_flag=True, help="Draw the graph with Graphviz's `dot`, which must be installed.")
@click.option("--from", "from_", metavar="NAME", help="Show only the direct and indirect callees of this function.")
@click.option("--to", metavar="NAME", help="Show only the direct and indirect callers of this function.")
@click.option("--depth", type=click.IntRange(min=0), help="Number of levels to follow from --from or --to.")
@click.option("--direct", is_flag=True, help="Omit calls through tables and references.")
@options.as_json
def callgraph(
    file: Path,
    output: Path | None,
    svg: bool,
    from_: str | None,
    to: str | None,
    depth: int | None,
    direct: bool,
    as_json: bool,
) -> None:
    """Print the call graph of the module FILE in Graphviz's DOT language; - is stdin.

    Exports have a double line, imports are boxes. A call through a table leads to a diamond with its type, from which
    dashed lines lead to the functions of this type in tables.
    """
    if svg and as_json:
        raise click.UsageError("--svg and --json cannot be combined")
    if depth is not None and from_ is None and to is None:
        raise click.UsageError("--depth needs --from or --to")
    binary = read_module(file)
    with module_errors(file):
        module = decode(binary, progress=unhurried())
        graph = call_graph(module, indirect=not direct)
        names = function_names(module, decode_names(module))
        for wanted, backwards in ((from_, False), (to, True)):
            if wanted is not None:
                graph = reachable(graph, [_find(module, names, wanted, file)], backwards=backwards, depth=depth)
    if as_json:
        options.print_json(_document(graph))
    elif svg:
        write_bytes(output, _draw("\n".join(to_dot(graph))))
    else:
        write_lines(output, to_dot(graph))


def _find(module: Module, names: list[str], wanted: str, file: Path) -> int:
    try:
        return find_function(module, names, wanted)
    except ValueError as error:
        raise CliError(f"{file} has {error}") from error


def _document(graph: Graph) -> dict[str, object]:
    return {
        "nodes": [
            {
                "index": it.index,
                "name": it.name,
                "kind": "type" if it.index < 0 else "function",
                "size": it.size,
                "imported": it.imported,
                "exported": it.exported,
            }
            for it in graph.nodes.values()
        ],
        "edges": [
            {"caller": it.caller, "callee": it.callee, "way": it.way.value, "count": it.count} for it in graph.edges
        ],
    }


def _draw(dot: str) -> bytes:
    program = shutil.which("dot")
    if program is None:
        raise CliError("--svg needs Graphviz: install `dot`, or print the graph without --svg")
    done = subprocess.run([program, "-Tsvg"], input=dot.encode(), capture_output=True, check=False)
    if done.returncode:
        raise CliError("Graphviz could not draw the graph", details=done.stderr.decode(errors="replace")[:500])
    return done.stdout
