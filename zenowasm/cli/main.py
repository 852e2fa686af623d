"""The entry point of the command line: finds the command, and turns every outcome into an exit code."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from types import MappingProxyType
from typing import Any, TextIO

import click
from click.shell_completion import CompletionItem

from zenowasm import __version__
from zenowasm.cli import commands
from zenowasm.cli.color import Invocation, wanted_by
from zenowasm.cli.errors import EXIT_ERROR, EXIT_INTERRUPTED, EXIT_OK, EXIT_USAGE, CliError, fail, report
from zenowasm.display import nearest

_ALLOCATIONS_BETWEEN_COLLECTIONS = 50_000

# The commands by purpose, each with its summary and its location.
_SECTIONS: Mapping[str, Mapping[str, tuple[str, str, str]]] = MappingProxyType(
    {
        "Plugins": {
            "run": ("Run a ZenoLang script with its plugins.", "zenowasm.cli.run", "run"),
            "plugin": ("List, describe, validate and reload plugins.", "zenowasm.cli.plugin", "plugin"),
            "serve": ("Keep plugins loaded and answer over HTTP.", "zenowasm.cli.serve", "serve"),
            "demo": ("Run a script on every engine, and compare.", "zenowasm.cli.demo", "demo"),
            "debug": ("Run a script and step through its plugins.", "zenowasm.cli.debug", "debug"),
            "coverage": ("Show which lines a run executed.", "zenowasm.cli.coverage", "coverage"),
            "ask": ("Answer questions about a recorded run.", "zenowasm.cli.ask", "ask"),
            "profile": ("Show which functions a run's time went to.", "zenowasm.cli.profile", "profile"),
            "dap": ("Debug plugins and modules from an editor.", "zenowasm.cli.dap", "dap"),
        },
        "Modules": {
            "exec": ("Call an export of a WebAssembly module, or run a program.", "zenowasm.cli.exec", "exec_"),
            "inspect": ("Show what is in a WebAssembly module.", "zenowasm.cli.inspect", "inspect"),
            "wat2wasm": ("Turn text into a module.", "zenowasm.cli.text", "wat2wasm"),
            "wasm2wat": ("Print a module as text.", "zenowasm.cli.text", "wasm2wat"),
            "validate": ("Check modules, and show every error.", "zenowasm.cli.text", "validate"),
            "objdump": ("List a module's sections, entries, bytes and code.", "zenowasm.cli.objdump", "objdump"),
            "strip": ("Remove custom sections.", "zenowasm.cli.strip", "strip"),
            "size": ("Show what takes a module's bytes.", "zenowasm.cli.size", "size"),
            "diff": ("Compare two modules by function.", "zenowasm.cli.diff", "diff"),
            "callgraph": ("Draw which function calls which.", "zenowasm.cli.callgraph", "callgraph"),
            "grep": ("Search for instructions.", "zenowasm.cli.grep", "grep"),
            "metadata": ("Show names, producers, target features, build id.", "zenowasm.cli.metadata", "metadata"),
        },
        "Engines": {
            "engines": ("List engines and what they compile into guests.", "zenowasm.cli.engines", "engines"),
            "cache": ("Show or clear the cache of compiled modules and plugins.", "zenowasm.cli.cache", "cache"),
            "conformance": (
                "Run the scenarios of the plugin ABI on any engine.",
                "zenowasm.cli.conformance",
                "conformance",
            ),
            "spec": ("Run a script of the official test suite.", "zenowasm.cli.spec", "spec"),
            "bench": ("Measure engines and plugin hosts side by side.", "zenowasm.cli.bench", "bench"),
        },
    }
)
_COMMANDS: Mapping[str, tuple[str, str, str]] = MappingProxyType(
    {name: command for section in _SECTIONS.values() for name, command in section.items()}
)


class LazyGroup(commands.Group):
    """A group that imports a command when it is used; its help imports none."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a command, or ``None``."""
        if cmd_name not in _COMMANDS:
            return None
        _, module, attribute = _COMMANDS[cmd_name]
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that the arguments name; for an unknown one, suggest a similar name."""
        is_unknown = args and args[0] not in _COMMANDS and not args[0].startswith("-")
        if is_unknown and not ctx.resilient_parsing:
            near = nearest(args[0], _COMMANDS)
            hint = f"did you mean {near}?" if near else f"expected one of {', '.join(_COMMANDS)}"
            raise click.UsageError(f"unknown command {args[0]!r}: {hint}", ctx)
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Return the commands and options with that prefix."""
        found = {name: summary for name, (summary, _, _) in _COMMANDS.items() if name.startswith(incomplete)}
        options = click.Command.shell_complete(self, ctx, incomplete)
        return [*(CompletionItem(name, help=summary) for name, summary in found.items()), *options]

    def sections(self, ctx: click.Context) -> Mapping[str, Mapping[str, str]]:
        """Return the commands listed in the help, with their summaries, by heading."""
        return {
            title: {name: summary for name, (summary, _, _) in section.items()} for title, section in _SECTIONS.items()
        }


@commands.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(__version__, prog_name="zenowasm")
def cli() -> None:
    """Run, check, debug and measure ZenoEngine's WebAssembly plugins.

    Exit codes: 0 for success, 1 for an error, 2 for wrong usage, 130 after Ctrl-C. Messages go to stderr.
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line with these arguments, or the process's, and exit with the command's code."""
    # A module consists of many long-lived objects: with Python's default threshold, garbage collections double the time
    # to the first result of a Go plugin.
    gc.set_threshold(_ALLOCATIONS_BETWEEN_COLLECTIONS, *gc.get_threshold()[1:])
    _open_missing_output()
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        _tolerate(stream)
    code = _run(arguments)
    # The process ends here: without this call, Python collects garbage among all these objects three more times, which
    # takes a tenth of a short script's time.
    gc.freeze()
    sys.exit(code)


def _run(arguments: Sequence[str] | None) -> int:
    run = Invocation(tuple(sys.argv[1:] if arguments is None else arguments), wanted_by(os.environ))
    try:
        # Outside standalone mode, click returns the value that a command passes to ``ctx.exit``, otherwise None.
        code: Any = cli.main(run.words, prog_name="zenowasm", standalone_mode=False, obj=run, color=run.color)
        sys.stdout.flush()
    except click.exceptions.NoArgsIsHelpError as error:
        print(error.format_message(), file=sys.stderr)
        return EXIT_USAGE
    except click.UsageError as error:
        path = error.ctx.command_path if error.ctx is not None else "zenowasm"
        return fail(f"{error.format_message().rstrip('.')}; see `{path} --help`", EXIT_USAGE, color=run.color)
    except CliError as error:
        report(error, color=run.color)
        return EXIT_ERROR
    except click.ClickException as error:
        return fail(error.format_message(), EXIT_ERROR, color=run.color)
    except (click.Abort, KeyboardInterrupt):
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        _discard_output()
        return EXIT_ERROR
    except OSError as error:  # from stdout itself, such as a full disk; commands report errors of files they open
        _discard_output()
        return fail(f"cannot write the output: {error.strerror}", EXIT_ERROR, color=run.color)
    return code if isinstance(code, int) else EXIT_OK


def _open_missing_output() -> None:
    """Discard output to streams that were closed before the start (``>&-``), for which Python has ``None``."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8"))


def _tolerate(stream: TextIO | Any) -> None:
    """Escape characters that a stream's encoding lacks, instead of ending the command."""
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="backslashreplace")


def _discard_output() -> None:
    """Redirect stdout to the null device: otherwise Python retries to write the buffered output at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
