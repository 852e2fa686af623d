"""``zenowasm plugin new`` and ``zenowasm plugin build``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from zenowasm.backends import registry
from zenowasm.backends.registry import BackendError
from zenowasm.cli import commands, options
from zenowasm.cli.errors import CliError, user_errors
from zenowasm.display import visible, visible_lines
from zenowasm.plugin import PluginError, load_environment
from zenowasm.plugin.validate import Level, validate_plugin
from zenowasm.toolchains.build import build_plugin
from zenowasm.toolchains.errors import CompileError, ToolchainError
from zenowasm.toolchains.languages import LANGUAGES
from zenowasm.toolchains.templates import new_plugin

_LANGUAGE = click.Choice(list(LANGUAGES))


@commands.command()
@click.argument("name")
@click.option("--lang", "language", type=_LANGUAGE, required=True, help="Language of the plugin.")
@click.option(
    "--dir", "parent", type=options.path, default=Path(), metavar="DIR", help="Parent folder of the new folder."
)
def new(name: str, language: str, parent: Path) -> None:
    """Write the plugin NAME, with one working slot, to a new folder."""
    with user_errors(ToolchainError):
        folder = new_plugin(LANGUAGES[language], name, parent)
    for file in sorted(folder.iterdir()):
        print(visible(str(file)))
    print(visible(f"Build it with: zenowasm plugin build {folder}"))


@commands.command()
@click.argument("path", type=options.path)
@click.option("--lang", "language", type=_LANGUAGE, help="Language; without it, the language of the folder's files.")
@click.option(
    "--compiler", metavar="NAME", help="Compiler: zig or ppci for C; without it, the best one that is installed."
)
@click.option("--debug", is_flag=True, help="Do not optimise; add debug information if the compiler can.")
@options.backend
@options.as_json
def build(path: Path, language: str | None, compiler: str | None, debug: bool, backend: str, as_json: bool) -> None:
    """Build the plugin in the folder PATH, and check the result as `plugin validate` does."""
    with user_errors(BackendError, PluginError, ToolchainError):
        engine = registry.engine(backend)
        try:
            built = build_plugin(path, language, compiler, debug=debug)
        except CompileError as error:
            print(visible_lines(error.output), end="\n" if error.output else "", file=sys.stderr)
            raise
        report = validate_plugin(path, engine, load_environment().variables)
    problems = [check for check in report.checks if check.level is not Level.OK]
    if as_json:
        options.print_json(
            {
                "file": str(built.file),
                "size": built.size,
                "sha256": built.sha256,
                "language": built.language,
                "compiler": built.toolchain,
                "valid": report.ok,
                "problems": [{"subject": c.subject, "level": c.level.value, "message": c.message} for c in problems],
            }
        )
    else:
        print(visible(f"{built.file}: {built.size} bytes, {built.language}, {built.toolchain}"))
        print(f"sha256 {built.sha256}")
        for check in problems:
            print(visible(f"{check.level.value}: {check.subject}: {check.message}"))
    if not report.ok:
        raise CliError(f"{path} was built but is not a valid plugin: {report.count(Level.ERROR)} errors")
