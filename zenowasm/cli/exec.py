"""``zenowasm exec``."""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TextIO

import click
from attrs import frozen

from zenowasm.backends import registry
from zenowasm.backends.cache import ModuleCache
from zenowasm.backends.protocol import (
    Budget,
    Capability,
    Closable,
    Engine,
    EngineOptions,
    Extern,
    FuncType,
    Instance,
    Module,
    Store,
    Validation,
    Value,
)
from zenowasm.backends.registry import BackendError
from zenowasm.cli import commands, options, wasi
from zenowasm.cli.errors import CliError, user_errors
from zenowasm.cli.modules import module_errors, read_module
from zenowasm.host.linker import Linker
from zenowasm.interp.errors import Trap, WasmError
from zenowasm.interp.text.values import parse_number, readable_text
from zenowasm.interp.types import NumType, ValType, VecType
from zenowasm.recordings.errors import RecordingError
from zenowasm.wasi.context import LineBuffer, WasiContext
from zenowasm.wasi.errors import ProcExit
from zenowasm.wasi.preview1 import Preview1
from zenowasm.wasi.streams import HostInput, HostOutput

if TYPE_CHECKING:
    from zenowasm.plugin.observing.redaction import Redactor
    from zenowasm.recordings.recorder import Recorder

_INITIALIZE: Final = "_initialize"
_START: Final = "_start"
_LAST_EXIT_CODE: Final = 255
_STDIN, _STDOUT, _STDERR = 0, 1, 2
_TRAP_HINT: Final = (
    "`zenowasm debug FILE EXPORT ARGS` stops where the guest traps, and shows its calls, locals and memory"
)


# Arguments such as -1 are not options.
@commands.command("exec", context_settings={"ignore_unknown_options": True})
@click.argument("file", type=options.path)
@click.argument("export", required=False)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[ARGS]...")
@wasi.options
@options.backend
@click.option("--fuel", type=click.IntRange(min=0), help="Fuel limit, in units of the instruction table.")
@click.option("--seconds", type=float, callback=options.positive_seconds, help="Time limit in seconds.")
@options.lazy_validation
@options.record
@options.coredump
@options.as_json
@click.pass_context
def exec_(
    click_context: click.Context,
    file: Path,
    export: str | None,
    arguments: tuple[str, ...],
    dirs: tuple[str, ...],
    env: tuple[str, ...],
    args: tuple[str, ...],
    backend: str,
    fuel: int | None,
    seconds: float | None,
    lazy_validation: bool,
    record: Path | None,
    coredump: Path | None,
    as_json: bool,
) -> None:
    """Call the function EXPORT of the module FILE, binary or text, with ARGS, and print its results, one per line.

    Integers may be signed, unsigned or hexadecimal; floats decimal or hexadecimal, inf, nan, nan:0x with a payload;
    vectors hexadecimal; references null. A reactor is initialised first.

    Without EXPORT, FILE runs as a program: the command calls its _start, passes on stdin, stdout and stderr, and exits
    with the program's exit code.

    The module may import WASI preview 1. It can access only the folders, variables and arguments given with --dir,
    --env and --arg.
    """
    if export is None and as_json:
        raise click.UsageError("--json needs an EXPORT: the output of a program is its own")
    with user_errors(BackendError):
        validation = Validation.LAZY if lazy_validation else Validation.AHEAD
        # Ctrl-C ends this process at once, so only a time limit and a recording, which must be ended, need interrupts.
        wanted = EngineOptions(
            ModuleCache.of(os.environ),
            validation,
            fuel=fuel is not None or as_json,
            interrupts=seconds is not None or record is not None,
        )
        engine = registry.engine(backend, wanted)
    binary = read_module(file)
    granted = wasi.Granted(file, dirs, env, args, wasi.remaining(seconds))
    streams = own_streams() if export is None else line_streams()
    with ExitStack() as stack:
        recorder = None if record is None else _recorder(record, stack)
        engine = engine if recorder is None else recorder.engine(engine)
        hint = options.core_hint(coredump) or _TRAP_HINT
        run = stack.enter_context(prepared(file, binary, engine, granted, streams, hint))
        if recorder is not None:
            recorder.describe(run.store, file.stem, _secrets(env))
        if coredump is not None:
            _write_coredump(coredump, run, engine, _secrets(env))
        run.store.set_budget(Budget(fuel, seconds))
        code = run.run(export, arguments, as_json)
    click_context.exit(code)


def _recorder(file: Path, stack: ExitStack) -> Recorder:
    """Return a recorder, which ``stack`` closes; raises ``CliError``."""
    from zenowasm.recordings.recorder import Recorder  # few runs are recorded

    with user_errors(RecordingError):
        return stack.enter_context(Recorder(file))


def _write_coredump(file: Path, run: Run, engine: Engine, secrets: Redactor) -> None:
    """Write a coredump if the guest traps; raises ``CliError``."""
    from zenowasm.coredumps.errors import CoredumpError  # few runs write one
    from zenowasm.coredumps.writing import CoredumpWriter, check_engine

    with user_errors(CoredumpError):
        check_engine(engine)
        CoredumpWriter(file).watch(run.store, run.file.name, run.file, secrets)


def _secrets(env: tuple[str, ...]) -> Redactor:
    """Return a redactor of the environment's values, as the plugin host has for its plugins."""
    from zenowasm.plugin.observing.redaction import Redactor  # few runs are recorded

    return Redactor(dict(it.split("=", 1) for it in env))


@contextmanager
def prepared(
    file: Path, binary: bytes, engine: Engine, granted: wasi.Granted, streams: dict[str, Any], trap_hint: str = ""
) -> Iterator[Run]:
    """Compile a module and link it to WASI; raises ``CliError`` if either fails or the module is invalid."""
    with wasi.context(granted, streams) as context, Preview1(context) as preview1, module_errors(file):
        module = engine.compile(binary)
        store = engine.new_store()
        linker = Linker()
        linker.define(preview1.functions())
        try:
            yield Run(file, binary, engine, store, module, linker, context, trap_hint)
        finally:
            if isinstance(store, Closable):
                store.close()  # the engine may keep the compiled module


@frozen
class Run:
    """A module that is ready to be linked and instantiated."""

    file: Path
    binary: bytes
    engine: Engine
    store: Store
    module: Module
    linker: Linker
    wasi: WasiContext
    trap_hint: str

    def run(self, export: str | None, arguments: Sequence[str], as_json: bool = False) -> int:
        """Run the program, or call an export and print its results; return the exit code."""
        type_ = _function_type(self.module, export or _START, self.file)
        values = parse_arguments(type_, arguments)
        imports = self.linker.resolve(self.store, self.module)
        if export is None:
            return self.program(imports)
        self.call(imports, type_, export, values, as_json)
        return 0

    def program(self, imports: dict[tuple[str, str], Extern]) -> int:
        """Run ``_start`` and return the exit code, limited to the highest that a process can have."""
        try:
            with user_errors(WasmError, trap_hint=self.trap_hint, binary=self.binary), _interruptible(self.engine):
                start: Any = self.store.instantiate(self.module, imports).exports[_START]
                start.call()
        except CliError as error:
            if isinstance(error.__cause__, ProcExit):
                return min(error.__cause__.code, _LAST_EXIT_CODE)
            raise
        finally:
            self.wasi.flush()
        return 0

    def call(
        self,
        imports: dict[tuple[str, str], Extern],
        type_: FuncType,
        export: str,
        values: list[Value],
        as_json: bool,
    ) -> None:
        """Call an export and print its results."""
        outcome: dict[str, Any] = {}
        try:
            with user_errors(WasmError, trap_hint=self.trap_hint, binary=self.binary), _interruptible(self.engine):
                outcome["results"] = _call(self.store.instantiate(self.module, imports), type_, export, values)
        except CliError as error:
            trap = error.__cause__
            outcome["error"] = str(trap)
            outcome["trap"] = trap.code.value if isinstance(trap, Trap) else None
            outcome["calls"] = list(error.calls)
            raise
        finally:
            self.wasi.flush()
            if as_json and outcome:
                options.print_json({**outcome, "fuel": self.store.fuel_consumed})
        if not as_json:
            for result in outcome["results"]:
                print(result["value"])


def parse_arguments(type_: FuncType, texts: Sequence[str]) -> list[Value]:
    """Parse a function's arguments; raises ``click.UsageError`` if they do not fit its type."""
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
    if export == _START:
        hint = f"name the EXPORT to call; {hint}"
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
    """Let Ctrl-C end the process at once during native code without interrupts, where Python cannot handle signals."""
    if Capability.INTERRUPTS in engine.capabilities or signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        yield
        return
    former = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, former)


def own_streams() -> dict[str, Any]:
    """Return this process's own streams, for a program."""
    return {"stdin": HostInput(_STDIN), "stdout": HostOutput(_STDOUT), "stderr": HostOutput(_STDERR)}


def line_streams() -> dict[str, Any]:
    """Return empty input and line-buffered output streams, which mix with this process's own output."""
    return {"stdout": _lines(sys.stdout), "stderr": _lines(sys.stderr)}


def _lines(stream: TextIO) -> LineBuffer:
    return LineBuffer(lambda line: print(line.decode("utf-8", "backslashreplace"), file=stream))
