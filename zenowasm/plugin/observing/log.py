"""A plugin's log: bounded by message and by call, whatever way the plugin writes to it."""

from __future__ import annotations

from zenowasm.host.memory import visible_text
from zenowasm.plugin.configuration.limits import PluginLimits
from zenowasm.plugin.observing.redaction import Redactor
from zenowasm.plugin.services import LOG_LEVELS, LogRecord, LogSink


class PluginLog:
    """Hands a plugin's messages to the host's sink until the call's allowance is used up.

    Secret values are redacted in what the plugin writes, and in what the host writes about it.
    """

    def __init__(self, plugin: str, sink: LogSink, limits: PluginLimits, redactor: Redactor | None = None) -> None:
        self._plugin = plugin
        self._sink = sink
        self._limits = limits
        self._redactor = redactor or Redactor()
        self._left = limits.log_bytes

    def begin_call(self) -> None:
        """Give the next call its whole allowance."""
        self._left = self._limits.log_bytes

    def write(self, level: str, message: bytes, cut: int = 0) -> None:
        """Log a message; levels that are not known are ``info``; bytes that are not UTF-8 stay visible.

        ``cut`` is the number of bytes that are already missing at the end. When the call's allowance is used up, one
        message says so, and what follows is dropped.
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
        """Log a message of the host about the plugin."""
        redactor = self._redactor
        self._sink(LogRecord(self._plugin, level, redactor.text(message) if redactor.redacts else message))
