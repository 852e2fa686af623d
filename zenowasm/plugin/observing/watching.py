"""Makes what watches a host: what its maker gives it, else what its settings say."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from zenowasm.plugin.configuration.settings import Settings
from zenowasm.plugin.observing.audit import KEEP, MAX_BYTES, AuditError, AuditFile, AuditSink
from zenowasm.plugin.observing.watch import Watch

if TYPE_CHECKING:
    from zenowasm.plugin.observing.telemetry import Telemetry


def make_watch(
    settings: Settings,
    backend: str,
    audit: AuditSink | Path | str | None,
    telemetry: Telemetry | None,
    stack: ExitStack,
) -> Watch:
    """Return what watches a host; ``stack`` closes what is made for it.

    ``audit`` is a sink, or the path of a file, in the place of the one in the settings. Raises ``AuditError``, and
    ``SettingsError`` for what the settings say.
    """
    telemetry = _telemetry(settings) if telemetry is None else telemetry
    if audit is None and settings.audit.file is not None:
        try:
            audit = _file(settings, settings.audit.file, stack)
        except (AuditError, ValueError) as error:
            raise settings.error("audit", message=str(error)) from error
    elif isinstance(audit, str | Path):
        audit = _file(settings, audit, stack)
    return Watch(backend, audit, telemetry)


def _file(settings: Settings, path: Path | str, stack: ExitStack) -> AuditFile:
    wanted = settings.audit
    keep = KEEP if wanted.keep is None else wanted.keep
    made = AuditFile(Path(path), MAX_BYTES if wanted.max_bytes is None else wanted.max_bytes, keep)
    stack.callback(made.close)
    return made


def _telemetry(settings: Settings) -> Telemetry | None:
    if not settings.telemetry.enabled:
        return None
    from zenowasm.plugin.observing.telemetry import Telemetry, TelemetryError  # it imports what is in an extra

    try:
        return Telemetry(propagate=settings.telemetry.propagate)
    except TelemetryError as error:
        raise settings.error("telemetry", message=str(error)) from error
