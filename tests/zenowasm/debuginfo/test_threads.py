"""Debugging information that several threads read at the same time."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from support.debugged import c_at

from zenowasm.debuginfo.errors import DebugInfoError
from zenowasm.debuginfo.info import DebugInfo
from zenowasm.interp.binary import decode


@pytest.fixture
def _eager_switches() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("_eager_switches")
def test_threads_take_turns_at_the_sections() -> None:
    module = decode(c_at("-O0").read_bytes())
    expected = everything(DebugInfo.of(module))
    assert len(expected[1]) > 10
    for _ in range(8):
        info = DebugInfo.of(module)
        with ThreadPoolExecutor(3) as threads:
            found = list(threads.map(everything, [info] * 3))
        assert found == [expected] * 3


def everything(info: DebugInfo) -> object:
    """The files, and the variables with their types at many places, or what went wrong."""
    try:
        found = [(it.name, it.type.name) for at in range(400, 2400, 50) for it in info.variables_at(at)]
        return info.files(), found
    except DebugInfoError as error:
        return str(error)
