"""Runs what the commands ``debug`` and ``dap`` step through: a script with its plugins, or a module."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias, TypeVar

import click
from attrs import frozen

from zenowasm.backends import registry
from zenowasm.backends.protocol import Store
from zenowasm.cli import options, wasi
from zenowasm.cli.errors import CliError, read_file, report, user_errors
from zenowasm.cli.exec import line_streams, prepared
from zenowasm.cli.modules import as_module, read_module
from zenowasm.cli.script import STDIN, run_script
from zenowasm.interp.binary.sections import MAGIC
from zenowasm.interp.text.sources import is_text
from zenowasm.recordings.errors import RecordingError, ReplayStopError

if TYPE_CHECKING:
    from zenowasm.debugger import Session
    from zenowasm.recordings.replaying import Replay, Replayed


@frozen
class Debugged:
    """A file to step through, with the options that apply to its kind.

    A module has an ``export``, its ``arguments``, and what WASI grants; a script has a plugin folder and settings.
    """

    file: Path
    data: bytes
    export: str | None = None
    arguments: tuple[str, ...] = ()
    dirs: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    plugin_dir: Path | None = None
    config: Path | None = None

    @property
    def is_module(self) -> bool:
        """Whether the file is a module, binary or text, and not a script."""
        return self.data.startswith(MAGIC) or is_text(self.data)

    def run(self, on_store: Callable[[str, Store], None]) -> int:
        """Run the file on an engine that can step, and return the exit code; raises ``CliError``.

        ``on_store`` is called with the displayed name of each new store before anything runs in it. A module's input is
        empty, since the debugger reads stdin.
        """
        if not self.is_module:
            run_script(self.file, self.plugin_dir, lazy=False, config=self.config, timed=False, on_store=on_store)
            return 0
        binary, granted = as_module(self.data, self.file), wasi.Granted(self.file, self.dirs, self.env, self.args)
        with prepared(self.file, binary, registry.engine("reference"), granted, line_streams()) as run:
            on_store(self.file.stem, run.store)
            return run.run(self.export, self.arguments)


@frozen
class DebuggedCoredump:
    """A coredump to look into; ``module`` is the file of a module to use instead of those that it names, if any."""

    coredump: Path
    module: Path | None = None
    is_module: ClassVar = True

    def run(self, on_store: Callable[[str, Store], None]) -> int:
        """Show the trap to the observer of a store that can step, and return the exit code; raises ``CliError``."""
        from zenowasm.coredumps.errors import CoredumpError  # few runs are coredumps
        from zenowasm.coredumps.post_mortem import PostMortem
        from zenowasm.coredumps.reading import read_coredump

        with user_errors(CoredumpError):
            dump = read_coredump(read_file(self.coredump))
            PostMortem(dump, self._read).run(registry.engine("reference"), on_store)
        return 0

    def _read(self, name: str) -> bytes:
        if self.module is not None:
            return read_module(self.module)
        try:
            return read_module(Path(name))
        except CliError as error:
            raise CliError(f"{error}: name the module that trapped as FILE") from error


@frozen
class DebuggedRecording:
    """A recording to step through; ``module`` is the file of a module to use instead of the recorded one, if any."""

    recording: Path
    module: Path | None = None
    is_module: ClassVar = True

    def run(self, on_store: Callable[[str, Store], None]) -> int:
        """Replay the recording on an engine that can step, and return the exit code; raises ``CliError``."""
        with self._replay() as replay:
            print(replay.run(on_store))
        return 0

    def travel(self, session: Session) -> Replayed:
        """Replay the recording under a session, which may go back; raises ``CliError``."""
        from zenowasm.timetravel import TimeMachine

        with self._replay() as replay:
            return TimeMachine(replay, session).run()

    @contextmanager
    def _replay(self) -> Iterator[Replay]:
        from zenowasm.recordings.recording import Recording  # few runs are replays
        from zenowasm.recordings.replaying import Replay

        with user_errors(RecordingError, ReplayStopError), Recording(self.recording) as recording:
            if self.module is not None:
                recording.replace_module(read_module(self.module))
            yield Replay(recording, registry.engine("reference"))


Runnable: TypeAlias = Debugged | DebuggedRecording
_Observer = TypeVar("_Observer")


def reporting(run: Callable[[_Observer], int]) -> Callable[[_Observer], int]:
    """Return a run that prints errors of the user and returns 1, instead of raising them."""

    def wrapped(observer: _Observer) -> int:
        try:
            return run(observer)
        except click.UsageError as error:
            report(CliError(error.format_message()))
        except CliError as error:
            report(error)
        sys.stderr.flush()
        return 1

    return wrapped


def run_under(session: Session, debugged: Runnable | DebuggedCoredump) -> int:
    """Run under a debugging session, and return the exit code; raises ``CliError``."""
    if isinstance(debugged, DebuggedRecording):
        print(debugged.travel(session))
        return 0
    return debugged.run(session.attach)


def runnable(
    file: Path | None,
    export: str | None,
    arguments: tuple[str, ...],
    granted: tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]],
    plugin_dir: Path | None,
    config: Path | None,
    replay: Path | None,
) -> Runnable:
    """Return what a command runs under an observer, from its arguments and options.

    ``granted`` are the folders, variables and arguments of a program. Raises ``CliError`` and ``click.UsageError``.
    """
    if str(file) == STDIN:
        raise CliError("expected a file as FILE, and not stdin")
    if replay is not None:
        if export or any(granted) or plugin_dir or config:
            raise click.UsageError("--replay takes only a module as FILE: all else is in the recording")
        return DebuggedRecording(replay, file)
    if file is None:
        raise click.UsageError("expected a FILE, or --replay RECORDING")
    found = Debugged(file, read_file(file), export, arguments, *granted, plugin_dir, config)
    if found.is_module and (plugin_dir or config):
        raise click.UsageError("--plugin-dir and --config are for scripts: a module has no plugins")
    if not found.is_module and export is not None and export.startswith("-"):
        raise click.NoSuchOption(export)
    if not found.is_module and (export or any(granted)):
        raise click.UsageError("EXPORT, ARGS, --dir, --env and --arg are for modules: a script takes none")
    return found


def observed(command: Callable[..., None]) -> Callable[..., None]:
    """Add the arguments and options that say what to run; the command gets ``run`` and its displayed ``title``."""

    @wraps(command)
    def invoke(
        file: Path | None,
        export: str | None,
        arguments: tuple[str, ...],
        dirs: tuple[str, ...],
        env: tuple[str, ...],
        args: tuple[str, ...],
        plugin_dir: Path | None,
        config: Path | None,
        replay: Path | None,
        **rest: Any,
    ) -> None:
        run = runnable(file, export, arguments, (dirs, env, args), plugin_dir, config, replay)
        command(run=run, title=str(file or replay), **rest)

    decorated: Callable[..., None] = invoke
    for option in (
        wasi.options,
        options.config,
        options.plugin_dir,
        options.replay,
        click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[ARGS]..."),
        click.argument("export", required=False),
        click.argument("file", type=options.path, required=False),
    ):
        decorated = option(decorated)
    return decorated


def run_and_report(run: Runnable, on_store: Callable[[str, Store], None], report: Callable[[], None]) -> None:
    """Run a file, report, and then exit with the run's code, or raise its ``CliError``; Ctrl-C ends only the run."""
    failure: BaseException | None = None
    code = 0
    try:
        code = run.run(on_store)
    except (CliError, KeyboardInterrupt) as error:
        failure = error
    report()
    if failure is not None:
        raise failure
    click.get_current_context().exit(code)
