"""``host_log``: needs no permission (ABI document, section "Imports")."""

from __future__ import annotations

from typing import Any

from attrs import define

from zenowasm.plugin.host_functions.context import HostContext
from zenowasm.plugin.observing.audit_arguments import Shown


@define(eq=False)
class Message:
    """A message that a plugin logs; ``cut`` is the number of bytes already removed from the end of ``text``."""

    level: str
    text: bytes
    cut: int = 0


def write(context: HostContext, message: Message) -> None:
    """Write a message to the host's log, within the call's limit."""
    context.log.write(message.level, message.text, message.cut)


def describe(message: Message, shown: Shown) -> dict[str, Any]:
    """Return the audit log's record of a message."""
    return {"level": shown(message.level), "size": len(message.text) + message.cut}
