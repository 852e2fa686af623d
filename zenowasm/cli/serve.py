"""``zenowasm serve``: a host that runs until it receives a signal."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path
from types import FrameType

import attrs
import click

from zenowasm.backends.registry import BackendError
from zenowasm.cli import commands, options
from zenowasm.cli.errors import CliError, user_errors
from zenowasm.cli.script import print_log
from zenowasm.display import visible
from zenowasm.frontends.admin.errors import AdminError
from zenowasm.frontends.admin.server import AdminServer
from zenowasm.frontends.admin.state import AdminState, default_state_file, removed_state, write_state
from zenowasm.frontends.admin.token import TOKEN, admin_token
from zenowasm.plugin import Host, PluginError, ShutdownReport, load_environment
from zenowasm.plugin.configuration.settings import read_settings


def _address(context: click.Context, option: click.Parameter, value: str) -> tuple[str, int]:
    address, separator, port = value.rpartition(":")
    address = address.removeprefix("[").removesuffix("]")
    try:
        ip_address(address)
        if not separator or not port.isascii() or not 0 <= int(port) < 1 << 16:
            raise ValueError
    except ValueError:
        raise click.BadParameter(f"expected ADDRESS:PORT such as 127.0.0.1:9000, found {value[:60]!r}") from None
    return address, int(port)


@commands.command()
@options.plugin_dir
@options.backend
@options.config
@click.option(
    "--admin",
    default="127.0.0.1:0",
    show_default=True,
    metavar="ADDRESS:PORT",
    callback=_address,
    help="Address to listen on; port 0 selects any free port.",
)
@click.option("--allow-remote", is_flag=True, help="Allow an --admin address that other machines can reach.")
@click.option("--watch", is_flag=True, help="Reload plugins when their files change.")
@click.option(
    "--state",
    type=options.path,
    metavar="FILE",
    help="File for the address and the token, which `plugin reload` reads.",
)
@click.option(
    "--drain",
    type=float,
    metavar="SECONDS",
    callback=options.positive_seconds,
    help="How long to wait for running calls at shutdown; without it, the settings, else 10.",
)
def serve(
    plugin_dir: Path | None,
    backend: str,
    config: Path | None,
    admin: tuple[str, int],
    allow_remote: bool,
    watch: bool,
    state: Path | None,
    drain: float | None,
) -> None:
    """Keep plugins loaded and answer HTTP requests until SIGTERM or Ctrl-C.

    Requests carry `Authorization: Bearer TOKEN`: `POST /api/slots/NAME` with the parameters as a JSON object,
    `POST /api/admin/plugins/reload`, `GET /api/admin/plugins`, `GET /api/admin/stats`. The token is that of
    ZENO_ADMIN_TOKEN, or a new one, which is written to the state file for this user alone.
    """
    if plugin_dir is not None and not plugin_dir.is_dir():
        raise CliError(f"no plugin folder at {plugin_dir}: expected one subdirectory per plugin")
    with user_errors(BackendError, PluginError, AdminError), _signals() as stopped:
        environment = load_environment()
        settings = read_settings(environment, config)
        if plugin_dir is None and not settings.plugins_enabled(environment):
            raise CliError("there are no plugins to serve: use --plugin-dir or ZENO_PLUGINS_ENABLED")
        token, generated = admin_token(environment.variables)
        file = default_state_file(environment.variables) if state is None else state
        with (
            Host(
                plugin_dir,
                backend=backend,
                environment=environment,
                config=settings,
                log=print_log,
                reload_on_change=watch,
            ) as host,
            AdminServer(
                host, token, *admin, allow_remote=allow_remote, stats=lambda: attrs.asdict(host.stats())
            ) as server,
        ):
            found = AdminState(server.url, token if generated else "", os.getpid())
            write_state(file, found)
            try:
                if not host.plugins:
                    _warn_of_none(settings.plugin_folder(environment) if plugin_dir is None else plugin_dir)
                print(f"Serving {len(host.plugins)} plugins at {server.url}")
                print(visible(f"The token is {f'in {file}' if generated else f'that of {TOKEN}'}"), flush=True)
                os.read(stopped, 1)
                _restore()
                print("Stopping", flush=True)
                report = host.close(drain)  # while the endpoint can still send the responses to calls in progress
            finally:
                removed_state(file, found)
    _tell(report)


def _warn_of_none(folder: Path) -> None:
    expected = "expected one subdirectory with a manifest.yaml per plugin"
    print(visible(f"warning: no plugin of {folder} is loaded: {expected}"), file=sys.stderr, flush=True)


@contextmanager
def _signals() -> Iterator[int]:
    """Yield a descriptor that becomes readable on SIGTERM or SIGINT."""
    readable, writable = os.pipe()

    def stop(number: int, frame: FrameType | None) -> None:
        os.write(writable, b".")

    try:
        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, stop)
        yield readable
    finally:
        _restore()
        os.close(readable)
        os.close(writable)


def _restore() -> None:
    """Restore the default handlers, so that the next signal ends the process at once."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _tell(report: ShutdownReport) -> None:
    for it in report.retirements:
        left = f", {it.abandoned} still under way" if it.abandoned else ""
        print(visible(f"{it.plugin} {it.version}: {it.drained} calls waited for{left}"))
        for failure in it.failures:
            print(visible(f"  {failure}"))
    if report.cancelled:
        print(f"{report.cancelled} asynchronous calls never began")
    if not report.clean:
        raise CliError("not every plugin shut down cleanly")
    print("Every call has ended, and every plugin has cleaned up")
