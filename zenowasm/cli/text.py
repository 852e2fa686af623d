"""``zenowasm wat2wasm``, ``zenowasm wasm2wat`` and ``zenowasm validate``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from attrs import evolve, frozen

from zenowasm.cli import commands, options
from zenowasm.cli.errors import EXIT_ERROR, EXIT_OK, CliError, report
from zenowasm.cli.modules import STDIN, module_errors, read_module, read_source, unhurried
from zenowasm.cli.output import output, write_bytes, write_lines
from zenowasm.interp.binary import Names, decode, decode_names, encode
from zenowasm.interp.binary.custom import NAME_SECTION
from zenowasm.interp.errors import ParseError, WasmError
from zenowasm.interp.features import WASM_3, Feature
from zenowasm.interp.text.diagnosis import diagnose
from zenowasm.interp.text.naming import with_generated
from zenowasm.interp.text.places import TextPlaces
from zenowasm.interp.text.printer import Form, ModulePrinter
from zenowasm.interp.text.sources import ModuleSource
from zenowasm.tools.checking import Kind, problems
from zenowasm.tools.features import parse_features

_features = click.option(
    "-f",
    "--features",
    metavar="LIST",
    callback=options.measure(parse_features),
    help="Allow only these features: groups (mvp, wasm1, wasm2, wasm3), names, and names to exclude (-simd).",
)


@commands.command(
    epilog=options.examples("zenowasm wat2wasm add.wat", "echo '(module)' | zenowasm wat2wasm - -o empty.wasm")
)
@click.argument("file", type=options.path)
@output("Write the module here; without it, to FILE's name with .wasm, in this folder.")
@click.option("--no-check", is_flag=True, help="Write the module even if it is invalid.")
@click.option("--no-debug-names", is_flag=True, help="Omit the name section.")
def wat2wasm(file: Path, output: Path | None, no_check: bool, no_debug_names: bool) -> None:
    """Assemble the text FILE into a binary module; - is stdin, whose module goes to stdout.

    Errors show the line.
    """
    source = read_source(file, as_text=True)
    if not no_check:
        found = next(_of_source(file, source, WASM_3, every=False), None)
        if found is not None:
            raise found.error
    binary = source.binary
    if no_debug_names:
        module = decode(binary)
        binary = encode(evolve(module, customs=tuple(it for it in module.customs if it.name != NAME_SECTION)))
    if output is None and str(file) != STDIN:
        output = Path(f"{file.stem}.wasm")
        if output.resolve() == file.resolve():
            raise CliError(f"{file} would be overwritten: name another file with -o FILE")
    write_bytes(output, binary)


@commands.command(
    epilog=options.examples(
        "zenowasm wasm2wat plugin.wasm | less", "zenowasm wasm2wat --fold-exprs plugin.wasm -o plugin.wat"
    )
)
@click.argument("file", type=options.path)
@output("Write the text here, not to stdout.")
@click.option(
    "-f", "--fold-exprs", "--fold-instructions", "fold", is_flag=True, help="Nest operands inside their instructions."
)
@click.option("--skeleton", is_flag=True, help="Print `...` for function bodies and data.")
@click.option("--no-debug-names", is_flag=True, help="Print indices instead of the names in the module.")
@click.option("--generate-names", "--name-unnamed", "generate", is_flag=True, help="Make up missing names.")
def wasm2wat(file: Path, output: Path | None, fold: bool, skeleton: bool, no_debug_names: bool, generate: bool) -> None:
    """Print the module FILE in the text format; - is stdin. A text module is printed in this form again.

    The text contains the custom sections and assembles to the same module: to the same bytes if the module encodes
    integers in the shortest form and its name section comes last. The module need not be valid.
    """
    if fold and skeleton:
        raise click.UsageError("--fold-exprs and --skeleton cannot be combined")
    form = Form.FOLDED if fold else Form.SKELETON if skeleton else Form.FLAT
    binary = read_module(file)
    with module_errors(file):
        module = decode(binary, progress=unhurried())
        names = Names() if no_debug_names else decode_names(module)
        if no_debug_names:
            module = evolve(module, customs=tuple(it for it in module.customs if it.name != NAME_SECTION))
        if generate:
            names = with_generated(module, names)
            module = evolve(module, customs=tuple(it for it in module.customs if it.name != NAME_SECTION))
        write_lines(output, ModulePrinter(module, names, form=form).module_text())


@commands.command(
    epilog=options.examples("zenowasm validate plugin.wasm", "zenowasm validate --all --features wasm2,-simd *.wasm")
)
@click.argument("files", nargs=-1, required=True, type=options.path)
@_features
@click.option("--all", "every", is_flag=True, help="Show every error, but only the first one of each function.")
@options.as_json
@click.pass_context
def validate(
    context: click.Context, files: tuple[Path, ...], features: Feature | None, every: bool, as_json: bool
) -> None:
    """Check that the modules FILES, binary or text, are valid; - is stdin. Valid ones print nothing."""
    reports = {file: list(_findings(file, features, every)) for file in files}
    if as_json:
        options.print_json(
            [
                {"file": str(file), "valid": not found, "errors": [it.fields for it in found]}
                for file, found in reports.items()
            ]
        )
    else:
        for error in (it.error for found in reports.values() for it in found):
            report(error)
    context.exit(EXIT_ERROR if any(reports.values()) else EXIT_OK)


@frozen
class _Finding:
    """A problem of a module, as text and as data."""

    error: CliError
    fields: dict[str, Any]


def _findings(file: Path, features: Feature | None, every: bool) -> Iterator[_Finding]:
    """Yield the problems of the module in a file; raises ``CliError`` for a file that cannot be read."""
    try:
        source = read_source(file)
    except CliError as error:
        cause = error.__cause__
        if not isinstance(cause, WasmError) and cause is not None:
            raise
        if isinstance(cause, ParseError):
            yield _Finding(error, _fields(Kind.MALFORMED, cause.message, line=cause.line, column=cause.column))
        else:
            yield _Finding(error, _fields(Kind.MALFORMED, error.message))
        return
    yield from _of_source(file, source, WASM_3 if features is None else features, every=every)


def _of_source(file: Path, source: ModuleSource, features: Feature, *, every: bool) -> Iterator[_Finding]:
    """Yield the problems of a module: in text with the line of the instruction, in a binary with the offset."""
    places = None if source.text is None else TextPlaces(source.text, source.binary)
    for problem in problems(source.binary, features, every=every, progress=unhurried()):
        shown = problem if places is None else evolve(problem, offset=None)
        place: dict[str, int | None] = {"offset": shown.offset}
        error = CliError(f"{file}: {shown}")
        if places is not None and source.text is not None:
            found = places.error(problem.message, problem.function, problem.offset)
            if found is not None:
                text = diagnose(source.text, found)
                error = CliError(f"{file}:{text.line}:{text.column}: {shown}", excerpt=text.excerpt)
                place = {"line": text.line, "column": text.column}
        fields = _fields(problem.kind, problem.message, function=problem.function, name=problem.name, **place)
        yield _Finding(error, fields)


def _fields(kind: Kind, message: str, **more: int | str | None) -> dict[str, Any]:
    known = dict.fromkeys(("function", "name", "offset", "line", "column"))
    return {"kind": kind.value, "message": message, **known, **more}
