"""Facts about the machine, without which the figures are meaningless."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

_CPUINFO: Final = Path("/proc/cpuinfo")
_BUSY: Final = 0.25
"""The number of running processes per core from which figures are unsteady."""


def facts(versions: Mapping[str, str]) -> dict[str, str]:
    """Return date, CPU, cores, load, system and versions."""
    found = {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "CPU": _cpu(),
        "cores": str(os.cpu_count()),
        "load at the start": _load(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
    }
    return {**found, "versions": ", ".join(f"{label} {version}" for label, version in versions.items())}


def _cpu() -> str:
    if _CPUINFO.exists():
        for line in _CPUINFO.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown"


def _load() -> str:
    """Return the average number of runnable processes, which shows other work on the machine."""
    if not hasattr(os, "getloadavg"):
        return "unknown"
    one, five, fifteen = os.getloadavg()
    busy = "; the machine was busy, so repeat the run" if one > _BUSY * (os.cpu_count() or 1) else ""
    return f"{one:.2f} (1 min), {five:.2f} (5 min), {fifteen:.2f} (15 min){busy}"
