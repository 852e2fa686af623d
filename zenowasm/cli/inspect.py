"""``zenowasm inspect``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from zenowasm.cli import commands, options
from zenowasm.cli.errors import CliError
from zenowasm.cli.modules import module_errors, read_module, unhurried
from zenowasm.display import visible
from zenowasm.interp.binary import Names, decode, decode_names
from zenowasm.interp.syntax.module import ExternKind, Import, Module
from zenowasm.interp.text.printer import ModulePrinter
from zenowasm.interp.validation import Context, operands_of, validate_structure

_STACK_COLUMN = 40


@commands.command()
@click.argument("file", type=options.path)
@click.option("--disassemble", is_flag=True, help="Print the whole module in the text format instead.")
@click.option("--function", "wanted", metavar="NAME", help="Disassemble only this function, by name or index.")
@click.option("--stack", is_flag=True, help="Disassemble with the types on the operand stack after each instruction.")
@options.as_json
def inspect(file: Path, disassemble: bool, wanted: str | None, stack: bool, as_json: bool) -> None:
    """Show the sections, imports and exports of the module FILE, binary or text, or its code.

    Offsets are byte offsets in the file, or for text in the assembled module. Only --stack validates, and only what it
    shows; `zenowasm validate` checks the whole module.
    """
    binary = read_module(file)
    with module_errors(file):
        module = decode(binary, progress=unhurried())
        names = decode_names(module)
        printer = ModulePrinter(module, names)
        if wanted is None and not disassemble and not stack:
            if as_json:
                options.print_json(describe(module, printer, names))
            else:
                for line in _summary(file, len(binary), module, printer, names):
                    print(visible(line))
            return
        chosen = _functions(module, names, wanted, file)
        context = validate_structure(module) if stack else None
        if as_json:
            functions = [_function_json(module, names, printer, index, context) for index in chosen]
            options.print_json({"functions": functions})
            return
        if context is not None:
            lines = _with_stack(module, printer, chosen, context)
        else:
            lines = printer.module_text() if wanted is None else _each(printer, chosen)
        for line in lines:
            print(visible(line))


def describe(module: Module, printer: ModulePrinter, names: Names) -> dict[str, Any]:
    """Return the document that ``inspect --json`` prints; types are in the text format."""
    return {
        "name": names.module,
        "sections": [{"name": s.name, "offset": s.offset, "size": s.size, "count": s.count} for s in module.sections],
        "imports": [
            {"module": entry.module, "name": entry.name, "type": type_} for entry, type_ in _imports(module, printer)
        ],
        "exports": [
            {"name": entry.name, "type": printer.extern_type(entry.kind, entry.index)} for entry in module.exports
        ],
    }


def _imports(module: Module, printer: ModulePrinter) -> Iterator[tuple[Import, str]]:
    indexes = dict.fromkeys(ExternKind, 0)
    for entry in module.imports:
        yield entry, printer.extern_type(entry.kind, indexes[entry.kind])
        indexes[entry.kind] += 1


def _summary(file: Path, size: int, module: Module, printer: ModulePrinter, names: Names) -> Iterator[str]:
    yield f"{file}: {size} bytes" + (f", module {names.module}" if names.module else "")
    yield "sections"
    for section in module.sections:
        count = "" if section.count is None else f"  {section.count} entries"
        yield f"  {section.name:20}  offset 0x{section.offset:06x}  size {section.size:>8}{count}"
    yield "imports"
    for entry, type_ in _imports(module, printer):
        yield f"  {entry.module}.{entry.name}  {type_}"
    yield "exports"
    for exported in module.exports:
        yield f"  {exported.name}  {printer.extern_type(exported.kind, exported.index)}"


def _functions(module: Module, names: Names, wanted: str | None, file: Path) -> list[int]:
    """Return the defined functions that match ``wanted`` by name, export or index; ``None`` selects all."""
    first = len(module.imported(ExternKind.FUNC))
    defined = range(first, first + len(module.codes))
    if wanted is None:
        return list(defined)
    exported = {(e.index, e.name) for e in module.exports if e.kind is ExternKind.FUNC}
    name = wanted.removeprefix("$")
    found = [i for i in defined if name == names.functions.get(i) or (i, name) in exported]
    if not found and name.isascii() and name.isdigit():
        found = [i for i in defined if str(i) == name]
    if not found:
        raise CliError(f"{file} defines no function {wanted!r}: expected a name or an index, see --disassemble")
    return found


def _each(printer: ModulePrinter, functions: list[int]) -> Iterator[str]:
    for function in functions:
        yield from printer.function(function)


def _with_stack(module: Module, printer: ModulePrinter, functions: list[int], context: Context) -> Iterator[str]:
    for index in functions:
        body = module.codes[index - len(module.imported(ExternKind.FUNC))].body()
        after = operands_of(context, index, body)[1:]
        yield f"(func {printer.function_name(index)} {context.functions[index].composite}"
        for line, operands in zip(printer.instructions(index, body), after, strict=True):
            yield f"{line.offset:08x}  {line.indented:<{_STACK_COLUMN}}  ;; {operands}"
        yield ")"


def _function_json(
    module: Module, names: Names, printer: ModulePrinter, index: int, context: Context | None
) -> dict[str, Any]:
    code = module.codes[index - len(module.imported(ExternKind.FUNC))]
    body = code.body()
    instructions: list[dict[str, Any]] = [
        {"pc": line.pc, "offset": line.offset, "depth": line.depth, "text": line.text}
        for line in printer.instructions(index, body)
    ]
    if context is not None:
        for entry, operands in zip(instructions, operands_of(context, index, body)[1:], strict=True):
            entry |= {"stack": [str(type_) for type_ in operands.types], "reachable": operands.reachable}
    return {
        "index": index,
        "name": names.functions.get(index),
        "offset": code.offset,
        "size": code.size,
        "instructions": instructions,
    }
