"""The built-in slots of every script."""

from __future__ import annotations

from zenowasm.zenolang.builtins import control, data
from zenowasm.zenolang.slots import SlotRegistry


def default_registry() -> SlotRegistry:
    """Return a new registry with all built-in slots.

    Source: the ABI document, "ZenoLang, the part `run script.zl` needs".
    """
    return SlotRegistry((*control.SLOTS, *data.SLOTS))
