"""``zenowasm exec``."""

from __future__ import annotations

import re
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TextIO

import click

from zenowasm.backends import registry
from zenowasm.backends.protocol import Budget, Capability, Engine, FuncType, Instance, Module, Value
from zenowasm.backends.registry import BackendError
from zenowasm.cli import options
from zenowasm.cli.errors import CliError, module_errors, read_file, user_errors
from zenowasm.host.linker import Linker
from zenowasm.interp.errors import Trap, WasmError
from zenowasm.interp.text.values import parse_number, readable_text
from zenowasm.interp.types import NumType, ValType, VecType
from zenowasm.wasi.context import LineBuffer, WasiContext
from zenowasm.wasi.errors import ProcExit
from zenowasm.wasi.preview1 import Preview1

_INITIALIZE = "_initialize"


# Arguments such as -1 are no options.
@click.command("exec", context_settings={"ignore_unknown_options": True})
@click.argument("file", type=options.path)
@click.argument("export")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[ARGS]...")
@options.backend
@click.option("--fuel", type=click.IntRange(min=0), help="Most fuel to consume, in units of the instruction table.")
@click.option("--seconds", type=float, callback=options.positive_seconds, help="Most time to take.")
@options.as_json
def exec_(
    file: Path,
    export: str,
    arguments: tuple[str, ...],
    backend: str,
    fuel: int | None,
    seconds: float | None,
    as_json: bool,
) -> None:
    """Call the function EXPORT of the module FILE with ARGS, and print its results, one a line.

    Integers may be signed, unsigned or hexadecimal; floats decimal or hexadecimal, inf, nan, nan:0x with a payload;
    vectors hexadecimal; references null. The module may import WASI preview 1, without files; a reactor is
    initialised first.
    """
    with user_errors(BackendError):
        engine = registry.engine(backend)
    binary = read_file(file)
    with module_errors(file):
        module = engine.compile(binary)
        type_ = _function_type(module, export, file)
        values = parse_arguments(type_, arguments)
        store = engine.new_store()
        store.set_budget(Budget(fuel, seconds))
        wasi = WasiContext(stdout=_lines(sys.stdout), stderr=_lines(sys.stderr))
        linker = Linker()
        linker.define(Preview1(wasi).functions())
        imports = linker.resolve(store, module)
    outcome: dict[str, Any] = {}
    try:
        with user_errors(WasmError), _interruptible(engine):
            outcome["results"] = _call(store.instantiate(module, imports), type_, export, values)
    except CliError as error:
        trap = error.__cause__
        outcome["error"] = str(trap)
        outcome["trap"] = trap.code.value if isinstance(trap, Trap) else None
        raise
    finally:
        wasi.flush()
        if as_json and outcome:
            options.print_json({**outcome, "fuel": store.fuel_consumed})
    if not as_json:
        for result in outcome["results"]:
            print(result["value"])


def parse_arguments(type_: FuncType, texts: Sequence[str]) -> list[Value]:
    """Return a function's arguments; raises ``click.UsageError`` when they are not of its type."""
    for text in texts:
        if text.startswith("--"):
            raise click.UsageError(f"no such option {text}")
    if len(texts) != len(type_.parameters):
        raise click.UsageError(f"expected {len(type_.parameters)} arguments for {type_}, found {len(texts)}")
    values: list[Value] = []
    for number, (valtype, text) in enumerate(zip(type_.parameters, texts, strict=True), start=1):
        try:
            values.append(_parse(valtype, text))
        except ValueError as error:
            raise click.UsageError(f"argument {number}: {error}") from error
    return values


def _parse(type_: ValType, text: str) -> Value:
    if isinstance(type_, NumType):
        return parse_number(type_, text)
    if isinstance(type_, VecType):
        if re.fullmatch("0x[0-9a-fA-F]{1,32}", text) is None:
            raise ValueError(f"expected {type_}, 0x and up to 32 digits with lane 0 last, found {text!r}")
        return int(text, 16)
    if text != "null":
        raise ValueError(f"expected null, the only {type_} that can be written, found {text!r}")
    return None


def _result(type_: ValType, value: Value) -> dict[str, str]:
    if isinstance(type_, NumType):
        text = readable_text(type_, value)
    elif isinstance(type_, VecType):
        text = f"0x{value:032x}"
    else:
        text = "null" if value is None else "reference"
    return {"type": str(type_), "value": text}


def _function_type(module: Module, export: str, file: Path) -> FuncType:
    functions = {entry.name: entry.type for entry in module.exports if isinstance(entry.type, FuncType)}
    if export in functions:
        return functions[export]
    near = get_close_matches(export[:100], functions, n=1)
    hint = f"did you mean {near[0]}?" if near else f"it exports {', '.join(functions) or 'none'}"
    raise CliError(f"{file} exports no function {export!r}: {hint}")


def _call(instance: Instance, type_: FuncType, export: str, values: list[Value]) -> list[dict[str, str]]:
    initialize: Any = instance.exports.get(_INITIALIZE)
    try:
        if initialize is not None and export != _INITIALIZE and initialize.type == FuncType():
            initialize.call()
        function: Any = instance.exports[export]
        results = function.call(*values)
    except ProcExit as exit_:
        if exit_.code:
            raise
        return []
    return [_result(valtype, value) for valtype, value in zip(type_.results, results, strict=True)]


@contextmanager
def _interruptible(engine: Engine) -> Iterator[None]:
    """Let Ctrl-C end the process at once while native code runs, in which Python would not notice it."""
    if Capability.STEPPING in engine.capabilities or signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        yield
        return
    former = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, former)


def _lines(stream: TextIO) -> LineBuffer:
    return LineBuffer(lambda line: print(line.decode("utf-8", "backslashreplace"), file=stream))
