"""What a guest sees of its host through WASI: arguments, environment, clocks, randomness, streams and folders."""

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
    """A folder that a guest finds open when it starts, under the path ``name``.

    The caller still owns the folder and closes it; guests use a copy of its descriptor. ``writable`` says whether files
    and folders in it may be changed.
    """

    name: bytes
    folder: Folder
    writable: bool = True


@frozen
class WasiLimits:
    """Bounds on what one guest may take from its host.

    ``descriptors`` are open ones, standard streams included; ``file_bytes`` is the size to which a guest may make a
    file grow; ``folder_entries`` is how many entries of one folder can be listed.
    """

    descriptors: int = 256
    file_bytes: int = 4 * _GIB
    folder_entries: int = 100_000


@frozen
class WasiContext:
    """One guest's view of the host. Clocks are in nanoseconds; ``sleep`` and ``remaining`` are in seconds.

    Everything that is not the same in every run comes in through here, so a test can fix it. ``remaining`` tells how
    long the running call may still take, ``None`` for ever: nothing that a guest waits for takes longer.
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
        """Hand on output that has no newline yet."""
        for stream in (self.stdout, self.stderr):
            if stream.pending:
                stream.flush()
