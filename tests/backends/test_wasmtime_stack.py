"""How much stack a thread has left for a guest."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable

import pytest

pytest.importorskip("wasmtime")

from zenowasm.backends.wasmtime.stack import ThreadStacks
from zenowasm.interp.errors import HostExhaustion


def in_thread(kib: int, action: Callable[[], object]) -> list[object]:
    """Run ``action`` on a thread with a stack of so many KiB; return what it returned, or the exception."""
    results: list[object] = []

    def run() -> None:
        try:
            results.append(action())
        except HostExhaustion as error:
            results.append(error)

    before = threading.stack_size(kib << 10)
    try:
        thread = threading.Thread(target=run)
        thread.start()
    finally:
        threading.stack_size(before)
    thread.join()
    return results


@pytest.mark.parametrize("kib", [256, 1024, 4096])
def test_what_is_left_is_nearly_the_whole_stack_of_a_new_thread(kib: int) -> None:
    (left,) = in_thread(kib, ThreadStacks().left)  # the C library may give it a larger one that another thread had
    assert isinstance(left, int)
    assert left > (kib - 64) << 10


def test_a_process_whose_threads_are_all_small_sees_no_more_than_they_have() -> None:
    program = (
        "import threading; from zenowasm.backends.wasmtime.stack import ThreadStacks; threading.stack_size(256 << 10)\n"
        "thread = threading.Thread(target=lambda: print(ThreadStacks().left() < 256 << 10)); thread.start()"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ended.stdout == "True\n"


def test_calls_through_c_take_stack() -> None:
    stacks = ThreadStacks()

    def sorted_deeply(depth: int) -> int | None:
        return stacks.left() if depth == 0 else max([depth], key=lambda it: 0) and next(map(sorted_deeply, [depth - 1]))

    def measure() -> int:
        shallow, deep = sorted_deeply(0), sorted_deeply(50)
        assert shallow is not None and deep is not None
        return shallow - deep

    (taken,) = in_thread(4096, measure)
    assert isinstance(taken, int)
    assert taken > 50 * 200


def test_too_little_is_an_error_that_says_what_to_do() -> None:
    stacks = ThreadStacks()
    assert in_thread(1024, lambda: stacks.require(700 << 10)) == [None]
    (error,) = in_thread(512, lambda: stacks.require(1 << 40))
    assert isinstance(error, HostExhaustion)
    assert "KiB of stack left, and a guest needs 1073741824 KiB" in str(error)
    assert "threading.stack_size" in str(error)
