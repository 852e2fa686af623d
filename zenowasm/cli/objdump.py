"""``zenowasm objdump``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from zenowasm.cli import commands, options
from zenowasm.cli.errors import CliError
from zenowasm.cli.modules import module_errors, read_module, unhurried
from zenowasm.display import visible
from zenowasm.tools.objdump import Listing


@commands.command(
    context_settings={"help_option_names": ["--help"]},
    epilog=options.examples(
        "zenowasm objdump -h plugin.wasm",
        "zenowasm objdump -s -j producers plugin.wasm",
        "zenowasm objdump -d plugin.wasm | less",
    ),
)
@click.argument("file", type=options.path)
@click.option("-h", "--headers", is_flag=True, help="List the sections. The default.")
@click.option("-x", "--details", is_flag=True, help="List the contents of each section.")
@click.option("-s", "--full-contents", is_flag=True, help="Show the bytes of each section in hexadecimal.")
@click.option("-d", "--disassemble", is_flag=True, help="Show the code beside its bytes.")
@click.option("-r", "--reloc", is_flag=True, help="Show the relocations of an object file in the code.")
@click.option("-j", "--section", metavar="NAME", help="Show only the section of this name: type, code, producers, ...")
@options.as_json
def objdump(
    file: Path,
    headers: bool,
    details: bool,
    full_contents: bool,
    disassemble: bool,
    reloc: bool,
    section: str | None,
    as_json: bool,
) -> None:
    """List the sections of the module FILE, their contents and their code; - is stdin.

    Offsets are byte offsets in the file. The module need not be valid.
    """
    if as_json and (details or full_contents or disassemble or reloc):
        raise click.UsageError("--json lists sections; `zenowasm inspect --function NAME --json` has instructions")
    binary = read_module(file)
    with module_errors(file):
        listing = Listing(binary, section, unhurried())
        if section is not None and not listing.chosen:
            there = dict.fromkeys(it.name or it.title.lower() for it in listing.sections)
            raise CliError(f"{file} has no section {section!r}: expected one of {', '.join(there)}")
        if as_json:
            options.print_json(listing.headers_data())
            return
        print(visible(f"{file}: {len(binary)} bytes"))
        shown: list[tuple[str, Iterator[str]]] = []
        if headers or not (details or full_contents or disassemble or reloc):
            shown.append(("Sections:", listing.headers()))
        if details:
            shown.append(("Section Details:", listing.details()))
        if disassemble or reloc:
            shown.append(("Code Disassembly:", listing.disassembly(with_relocations=reloc)))
        if full_contents:
            shown.append(("", listing.contents()))
        for title, lines in shown:
            print(f"\n{title}\n" if title else "")
            for line in lines:
                print(visible(line))
