"""Takes workers out of pools."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from math import inf

from zenowasm.plugin.lifecycle.pool import InstancePool, PooledWorker


@contextmanager
def lent(pool: InstancePool, deadline: float = inf) -> Iterator[PooledWorker]:
    """Have a worker lent meanwhile."""
    worker = pool.lend(deadline)
    try:
        yield worker
    finally:
        worker.give_back()
