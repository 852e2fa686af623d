"""``zenowasm dap``."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from zenowasm.cli import commands, options
from zenowasm.cli.debugged import Debugged, DebuggedRecording, Runnable, reporting, run_under
from zenowasm.cli.errors import CliError, read_file, user_errors
from zenowasm.cli.listening import listening, streams, tell
from zenowasm.debugger import Session
from zenowasm.frontends.dap.adapter import Adapter, Run
from zenowasm.frontends.dap.arguments import Launch
from zenowasm.frontends.dap.errors import RequestError
from zenowasm.frontends.dap.wire import Wire

_STDIN, _STDOUT, _STDERR = 0, 1, 2


@commands.command(
    epilog=options.examples("zenowasm dap", "zenowasm dap --port 4711"),
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    metavar="PORT",
    help="Wait for one client at this TCP port of the loopback interface; 0 selects any free port.",
)
def dap(port: int | None) -> None:
    """Debug plugins and modules from an editor, by the Debug Adapter Protocol.

    The client speaks through stdin and stdout, or through a TCP connection with --port. Its `launch` request names what
    to run: see docs/editors.md.
    """
    with _stdio() if port is None else _connection(port) as wire:
        Adapter(wire, prepare).serve()


@contextmanager
def _stdio() -> Iterator[Wire]:
    """Keep stdin and stdout for the client alone: whatever else is printed goes to stderr."""
    with os.fdopen(os.dup(_STDIN), "rb") as reader, os.fdopen(os.dup(_STDOUT), "wb", buffering=0) as writer:
        os.dup2(_STDERR, _STDOUT)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, _STDIN)
        os.close(nothing)

        def write(data: bytes) -> None:
            left = memoryview(data)
            while left:
                left = left[writer.write(left) :]

        yield Wire(reader, write)


@contextmanager
def _connection(port: int) -> Iterator[Wire]:
    """Accept one client."""
    with listening(port) as server:
        tell(server)
        connection, _ = server.accept()
    with streams(connection) as reader:
        yield Wire(reader, connection.sendall)


def prepare(launch: Launch) -> Run:
    """Return the run of what a client launches; raises ``RequestError`` if it cannot be run."""
    try:
        runnable = _launched(launch) if launch.replay is None else _recording(launch, Path(launch.replay))
    except CliError as error:
        raise RequestError(error.message) from error

    def run(session: Session | None) -> int:
        return runnable.run(lambda owner, store: None) if session is None else run_under(session, runnable)

    return reporting(run)


def _recording(launch: Launch, path: Path) -> Runnable:
    """Return a recording that can be read."""
    from zenowasm.recordings.errors import RecordingError  # few runs are replays
    from zenowasm.recordings.recording import Recording

    if launch.export or launch.args or launch.dirs or launch.env or launch.plugin_dir or launch.config:
        raise RequestError("replay takes only a module as program: all else is in the recording")
    with user_errors(RecordingError), Recording(path):
        return DebuggedRecording(path, None if launch.program is None else Path(launch.program))


def _launched(launch: Launch) -> Runnable:
    """Return a script or module; raises ``CliError`` and ``RequestError``."""
    if launch.program is None:
        raise RequestError("expected program, a script or module, or replay, a recording")
    file = Path(launch.program)
    data = read_file(file)
    takes_words = launch.export is not None
    debugged = Debugged(
        file,
        data,
        launch.export,
        arguments=tuple(launch.args) if takes_words else (),
        dirs=tuple(launch.dirs),
        env=tuple(f"{name}={value}" for name, value in launch.env.items()),
        args=() if takes_words else tuple(launch.args),
        plugin_dir=None if launch.plugin_dir is None else Path(launch.plugin_dir),
        config=None if launch.config is None else Path(launch.config),
    )
    if debugged.is_module and (launch.plugin_dir or launch.config):
        raise RequestError("pluginDir and config are for scripts: a module has no plugins")
    if not debugged.is_module and (launch.export or launch.args or launch.dirs or launch.env):
        raise RequestError("export, args, dirs and env are for modules: a script takes none")
    return debugged
