"""Runs a ZenoLang script with its plugins, for the commands ``run`` and ``debug``."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from attrs import evolve

from zenowasm.backends import registry
from zenowasm.backends.protocol import Store, Validation
from zenowasm.backends.registry import BackendError
from zenowasm.cli.errors import CliError, read_file, read_stdin, user_errors
from zenowasm.coredumps.errors import CoredumpError
from zenowasm.display import visible
from zenowasm.plugin import AuditRecord, Host, LogRecord, PluginError, load_environment
from zenowasm.plugin.configuration.limits import LimitSettings, LimitSource
from zenowasm.plugin.configuration.settings import read_settings
from zenowasm.plugin.observing.trace import Decision
from zenowasm.recordings.errors import RecordingError
from zenowasm.zenolang import UnknownSlotError, ZenoError, parse

STDIN = "-"


def print_log(record: LogRecord) -> None:
    """Print a plugin's message to stderr, as one line."""
    sys.stdout.flush()  # keeps the order of both streams if they have the same destination
    owner = f"[{record.plugin}] " if record.plugin else ""
    # A single write: `print` makes two, between which another thread can write.
    sys.stderr.write(visible(f"{owner}{record.level}: {record.message}") + "\n")


class FailedCall:
    """An audit sink that keeps the last failed host call, for the error message of a script that a plugin ended."""

    def __init__(self) -> None:
        self._record: AuditRecord | None = None

    def __call__(self, record: AuditRecord) -> None:
        """Keep the record if its call failed."""
        if record.decision is not Decision.ALLOWED:
            self._record = record

    def __str__(self) -> str:
        record = self._record
        if record is None:
            return ""
        arguments = ", ".join(f"{name} {value}" for name, value in record.arguments.items())
        slot = f"slot {record.slot}" if record.slot else f"plugin {record.plugin}"
        return f"the last host call that failed, in {slot}: host_{record.function} ({arguments}): {record.error}"


def run_script(
    script: Path,
    plugin_dir: Path | None,
    *,
    backend: str = registry.DEFAULT,
    lazy: bool = True,
    validate_lazily: bool = False,
    config: Path | None = None,
    timed: bool = True,
    asked: LimitSettings | None = None,
    audit: Path | None = None,
    on_store: Callable[[str, Store], None] | None = None,
    record: Path | None = None,
    coredump: Path | None = None,
    trap_hint: str = "",
) -> None:
    """Run a script, or stdin for ``-``, with the plugins of ``plugin_dir`` or the environment's folder (see ``Host``).

    Each limit in ``asked`` overrides that of the settings. If ``timed`` is false, only manifests limit the time.
    Plugin logs go to stderr, the script's own output to stdout. Raises ``CliError``, and the exceptions of a probe.
    """
    source = _read_script(script)
    if plugin_dir is not None and not plugin_dir.is_dir():
        raise CliError(f"no plugin folder at {plugin_dir}: expected one subdirectory per plugin")
    failed = FailedCall()
    known = (BackendError, CoredumpError, PluginError, RecordingError, ZenoError)
    with user_errors(*known, trap_hint=trap_hint, details=failed):
        program = parse(source, "stdin" if str(script) == STDIN else str(script))
        environment = load_environment()
        settings = read_settings(environment, config)
        if validate_lazily:
            settings = evolve(settings, validation=Validation.LAZY)
        limits = settings.host_limits().overridden(asked or LimitSettings(), LimitSource.COMMAND)
        if not timed:
            limits = evolve(limits, seconds=None, sources={**limits.sources, "seconds": LimitSource.COMMAND})
        with Host(
            plugin_dir,
            backend=backend,
            lazy=lazy,
            environment=environment,
            config=settings,
            log=print_log,
            limits=limits,
            audit=failed if audit is None and settings.audit.file is None else audit,
            on_store=on_store,
            record=record,
            coredump=coredump,
        ) as host:
            try:
                host.run_script(program)
            except UnknownSlotError as error:
                if host.plugins:
                    raise
                raise CliError(f"{error}; no plugins are loaded: use --plugin-dir or ZENO_PLUGINS_ENABLED") from error


def _read_script(script: Path) -> str:
    data = read_stdin() if str(script) == STDIN else read_file(script)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise CliError(f"{script}:{line}: expected a script in UTF-8, found byte 0x{data[error.start]:02x}") from error
