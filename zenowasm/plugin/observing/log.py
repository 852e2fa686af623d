"""A plugin's log, with limits per message and per call for everything that the plugin writes."""

from __future__ import annotations

from zenowasm.host.memory import visible_text
from zenowasm.plugin.configuration.limits import PluginLimits
from zenowasm.plugin.observing.redaction import Redactor
from zenowasm.plugin.services import LOG_LEVELS, LogRecord, LogSink


class PluginLog:
    """A log that passes a plugin's messages to the host's sink, up to a limit per call.

    Secret values are redacted in the plugin's messages and in the host's messages about the plugin.
    """

    def __init__(self, plugin: str, sink: LogSink, limits: PluginLimits, redactor: Redactor | None = None) -> None:
        self._plugin = plugin
        self._sink = sink
        self._limits = limits
        self._redactor = redactor or Redactor()
        self._left = limits.log_bytes

    def begin_call(self) -> None:
        """Reset the limit for the next call."""
        self._left = self._limits.log_bytes

    def write(self, level: str, message: bytes, cut: int = 0) -> None:
        """Log a message. An unknown level becomes ``info``; bytes that are not UTF-8 stay visible.

        ``cut`` is the number of bytes already removed from the end. Once the call's limit is used up, one message says
        so, and later messages are dropped.
        """
        if self._left <= 0:
            return
        size = len(message)
        self._left -= size + 1
        if self._left <= 0:
            limits = self._limits
            what = f"log output of this call exceeds {limits.log_bytes} bytes, the rest is dropped"
            self.note("warn", f"{what}; {limits.remedy('log_bytes', self._plugin)}")
            return
        excess = size - self._limits.log_message_bytes
        if excess > 0:
            message = message[: self._limits.log_message_bytes]
            cut += excess
        text = visible_text(message)
        if cut:
            text = f"{text}… ({cut} bytes cut)"
        self.note(level if level in LOG_LEVELS else "info", text)

    def note(self, level: str, message: str) -> None:
        """Log the host's message about the plugin."""
        redactor = self._redactor
        self._sink(LogRecord(self._plugin, level, redactor.text(message) if redactor.redacts else message))
