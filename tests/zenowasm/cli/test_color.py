"""``--color`` of every command, and what the environment says of colour."""

from __future__ import annotations

import os
import pty
import re
from collections.abc import Iterator

import click
import pytest
from support.wasm import wat

from zenowasm.cli.color import wanted_by
from zenowasm.cli.main import cli

RED = "\x1b[31m"


def commands(group: click.Group, context: click.Context) -> Iterator[click.Context]:
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        inner = click.Context(command, info_name=name, parent=context)
        yield inner
        if isinstance(command, click.Group):
            yield from commands(command, inner)


def test_every_command_has_the_option() -> None:
    # A command keeps its help option as the first context names it, so this one must name it as programs do.
    root = click.Context(cli, info_name="zenowasm", **cli.context_settings)
    found = [root, *commands(cli, root)]
    assert "zenowasm plugin stats" in [it.command_path for it in found]
    for context in found:
        options = [option for it in context.command.get_params(context) for option in it.opts]
        assert options.count("--color") == 1, context.command_path


@pytest.mark.parametrize(
    ("variables", "wanted"),
    [
        ({}, None),
        ({"TERM": "xterm"}, None),
        ({"TERM": "dumb"}, False),
        ({"NO_COLOR": "1"}, False),
        ({"NO_COLOR": ""}, None),
        ({"FORCE_COLOR": "1", "TERM": "dumb"}, True),
        ({"FORCE_COLOR": ""}, None),
        ({"NO_COLOR": "0", "FORCE_COLOR": "1"}, False),
    ],
)
def test_the_environment(variables: dict[str, str], wanted: bool | None) -> None:
    assert wanted_by(variables) is wanted


@pytest.mark.parametrize(
    ("arguments", "variables", "coloured"),
    [
        (["validate", "FILE"], {}, False),
        (["validate", "FILE", "--color", "always"], {}, True),
        (["--color", "always", "validate", "FILE"], {}, True),
        (["--color", "always", "validate", "FILE", "--color", "never"], {}, False),
        (["validate", "FILE"], {"FORCE_COLOR": "1"}, True),
        (["validate", "FILE", "--color", "auto"], {"FORCE_COLOR": "1"}, True),
        (["validate", "FILE", "--color", "never"], {"FORCE_COLOR": "1"}, False),
        (["validate", "FILE", "--color", "always"], {"NO_COLOR": "1"}, True),
        (["wasm2wat", "FILE", "--color", "always"], {}, True),  # the error is reported when the command has ended
        (["exec", "FILE", "f", "--color", "always"], {}, True),
        (["plugin", "stats", "--audit", "FILE/none", "--color", "always"], {}, True),
    ],
)
def test_errors(zenowasm, write, arguments, variables, coloured) -> None:
    file = write("bad.wat", "(module (func i32.ad))")
    result = zenowasm(*(word.replace("FILE", str(file)) for word in arguments), variables=variables)
    assert result.code == 1
    assert result.err.startswith(f"{RED}\x1b[1merror:\x1b[0m " if coloured else "error: ")
    if "stats" not in arguments:
        mark = result.err.splitlines()[2]
        assert mark == ("\x1b[32m" * coloured + " " * 18 + "^" + "\x1b[0m" * coloured)


def test_wrong_usage_is_coloured_too(zenowasm) -> None:
    assert zenowasm("ruin", variables={"FORCE_COLOR": "1"}).err.startswith(RED)
    assert zenowasm("--color", "always", "ruin").err.startswith(RED)
    assert "'sometimes' is not one of 'auto', 'always', 'never'" in zenowasm("diff", "--color", "sometimes").error


def test_differences(zenowasm, write) -> None:
    before = write("a.wasm", wat('(module (func (export "f") nop) (func (export "g")))'))
    after = write("b.wasm", wat('(module (func (export "f") nop nop) (func (export "h")))'))
    plain, shown = zenowasm("diff", before, after), zenowasm("diff", before, after, "--color", "always")
    assert "\x1b" not in plain.out
    assert re.sub(r"\x1b\[\d+m", "", shown.out) == plain.out
    colors = {"+": 32, "-": 31, "~": 33}
    for line, bare in zip(shown.out.splitlines(), plain.out.splitlines(), strict=True):
        assert line == f"\x1b[{colors[bare[0]]}m{bare}\x1b[0m"
    assert "\x1b" not in zenowasm("diff", before, after, "--color", "always", "--json").out
    lines = zenowasm("diff", before, after, "--function", "f", "--color", "always").out.splitlines()
    assert "\x1b[32m+nop\x1b[0m" in lines


def test_engines_and_tables(zenowasm, write) -> None:
    assert "\x1b[1mreference\x1b[0m " in zenowasm("engines", "--color", "always").out
    script = write("good.wast", "(module)")
    assert "\x1b[" in zenowasm("spec", script, "--color", "always").out
    for result in (zenowasm("spec", script), zenowasm("spec", script, "--color", "always", "--json")):
        assert "\x1b" not in result.out + result.err


def test_a_table_has_no_colour_where_none_is_wanted(zenowasm, write) -> None:
    script = write("good.wast", "(module)")
    forced = zenowasm("spec", script, variables={"FORCE_COLOR": "1"})
    assert "\x1b[" in forced.out
    assert forced.err == ""  # no progress is drawn into a file
    assert "\x1b" not in zenowasm("spec", script, "--color", "never", variables={"FORCE_COLOR": "1"}).out


@pytest.mark.parametrize(
    ("options", "variables", "coloured"),
    [
        ([], {"TERM": "xterm"}, True),
        ([], {"TERM": "dumb"}, False),
        ([], {"TERM": "xterm", "NO_COLOR": "1"}, False),
        (["--color", "never"], {"TERM": "xterm"}, False),
    ],
)
def test_a_terminal(zenowasm, options, variables, coloured) -> None:
    ours, theirs = pty.openpty()
    with zenowasm.start("engines", *options, variables=variables, stdout=theirs) as process:
        os.close(theirs)
        assert process.wait(60) == 0
        shown = os.read(ours, 10_000)
    os.close(ours)
    assert b"reference" in shown
    assert (b"\x1b[" in shown) is coloured
