"""The captured log of plugins in a test."""

from __future__ import annotations

from attrs import define, field

from zenowasm.display import visible
from zenowasm.plugin import LogRecord


@define(eq=False)
class CapturedLog:
    """The messages of a host's plugins, in order; ``records`` contains all levels."""

    records: list[LogRecord] = field(factory=list)

    def __call__(self, record: LogRecord) -> None:
        """Record a message; this object is the host's log sink."""
        self.records.append(record)

    def messages(self, level: str | None = None) -> list[str]:
        """Return the message texts, optionally of one level: debug, info, warn or error."""
        return [record.message for record in self.records if level in (None, record.level)]

    def assert_logged(self, text: str, level: str | None = None) -> None:
        """Fail and show the log unless a message contains ``text``."""
        __tracebackhide__ = True
        if not any(text in message for message in self.messages(level)):
            raise AssertionError(f"expected a message{_of(level)} with {text!r}, found:\n{self}")

    def assert_silent(self, level: str | None = None) -> None:
        """Fail and show the log if it has a message."""
        __tracebackhide__ = True
        if self.messages(level):
            raise AssertionError(f"expected no message{_of(level)}, found:\n{self}")

    def clear(self) -> None:
        """Discard all messages so far."""
        self.records.clear()

    def __str__(self) -> str:
        return "\n".join(visible(f"  [{it.plugin}] {it.level}: {it.message}") for it in self.records) or "  nothing"


def _of(level: str | None) -> str:
    return "" if level is None else f" of the level {level}"
