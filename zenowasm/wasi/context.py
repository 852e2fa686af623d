"""A guest's view of its host through WASI: arguments, environment, clocks, randomness, streams and folders."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Final

from attrs import field, frozen

from zenowasm.resources.files.folder import Folder
from zenowasm.wasi.streams import BytesInput, Input, LineBuffer, Output, discard

__all__ = ["LineBuffer", "Preopen", "WasiContext", "WasiLimits"]

_GIB: Final = 1 << 30


@frozen
class Preopen:
    """A folder that is open when a guest starts, under the guest's path ``name``.

    The caller owns the folder and closes it; guests use a duplicate of its descriptor. The guest may change files and
    folders inside it only if ``writable`` is true.
    """

    name: bytes
    folder: Folder
    writable: bool = True


@frozen
class WasiLimits:
    """The limits on one guest's use of host resources.

    ``descriptors`` bounds the open descriptors, standard streams included; ``file_bytes`` bounds the size to which a
    guest can grow a file; ``folder_entries`` bounds the entries that one folder listing can have.
    """

    descriptors: int = 256
    file_bytes: int = 4 * _GIB
    folder_entries: int = 100_000


@frozen
class WasiContext:
    """One guest's view of the host. Clocks are in nanoseconds; ``sleep`` and ``remaining`` are in seconds.

    Every source of nondeterminism is a field of this class, so that a test can fix it. ``remaining`` returns the time
    that the running call has left, ``None`` if it has no limit; no wait of a guest takes longer.
    """

    arguments: tuple[bytes, ...] = ()
    environ: tuple[bytes, ...] = ()
    """Entries of the form ``NAME=value``."""
    stdin: Input = field(factory=BytesInput)
    stdout: Output = field(factory=lambda: LineBuffer(discard))
    stderr: Output = field(factory=lambda: LineBuffer(discard))
    preopens: tuple[Preopen, ...] = ()
    limits: WasiLimits = field(factory=WasiLimits)
    realtime: Callable[[], int] = time.time_ns
    monotonic: Callable[[], int] = time.monotonic_ns
    cpu: Callable[[], int] = time.process_time_ns
    random: Callable[[int], bytes] = os.urandom
    sleep: Callable[[float], None] = time.sleep
    remaining: Callable[[], float | None] = lambda: None

    def flush(self) -> None:
        """Flush output that has no newline yet."""
        for stream in (self.stdout, self.stderr):
            if stream.pending:
                stream.flush()
