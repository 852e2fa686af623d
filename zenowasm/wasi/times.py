"""Setting the times of files (``witx/typenames.witx``, ``$fstflags``)."""

from __future__ import annotations

import os
from collections.abc import Callable

from zenowasm.wasi.errno import Errno
from zenowasm.wasi.errors import WasiError
from zenowasm.wasi.state import State
from zenowasm.wasi.types import FstFlags

_BOTH_ACCESS = FstFlags.ATIM | FstFlags.ATIM_NOW
_BOTH_MODIFICATION = FstFlags.MTIM | FstFlags.MTIM_NOW
_MAX_TIME = (1 << 63) - 1


def new_times(
    state: State, flags: int, access: int, modification: int, found: Callable[[], os.stat_result]
) -> tuple[int, int]:
    """Return a file's new times in nanoseconds; times that do not change come from ``found``.

    Raises ``WasiError`` (``INVAL``) if the flags contradict each other or a time exceeds 2 ** 63.
    """
    wanted = FstFlags(flags)
    if flags > _BOTH_ACCESS | _BOTH_MODIFICATION or _BOTH_ACCESS in wanted or _BOTH_MODIFICATION in wanted:
        raise WasiError(Errno.INVAL)
    now = state.context.realtime()
    times = (
        access if FstFlags.ATIM in wanted else now if FstFlags.ATIM_NOW in wanted else found().st_atime_ns,
        modification if FstFlags.MTIM in wanted else now if FstFlags.MTIM_NOW in wanted else found().st_mtime_ns,
    )
    if max(times) > _MAX_TIME:
        raise WasiError(Errno.INVAL)
    return times
