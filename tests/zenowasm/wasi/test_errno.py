"""The host's errors as numbers of WASI; the numbers are those of the C library that guests are built with."""

from __future__ import annotations

import errno
import re
from importlib.util import find_spec
from pathlib import Path

import pytest

from zenowasm.wasi.errno import Errno, errno_of


def test_the_numbers_are_those_of_the_c_library():
    spec = find_spec("ziglang")
    assert spec is not None
    assert spec.origin is not None
    (header,) = (Path(spec.origin).parent / "lib" / "libc" / "include").glob("*wasi*/wasi/api.h")
    pattern = r"#define __WASI_ERRNO_(\w+) \(UINT16_C\((\d+)\)\)"
    found = {name: int(number) for name, number in re.findall(pattern, header.read_text())}
    found["TOOBIG"] = found.pop("2BIG")
    assert found == {member.name: member.value for member in Errno}


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        (errno.ENOENT, Errno.NOENT),
        (errno.EEXIST, Errno.EXIST),
        (errno.ENOTEMPTY, Errno.NOTEMPTY),
        (errno.EWOULDBLOCK, Errno.AGAIN),
        (errno.EOPNOTSUPP, Errno.NOTSUP),
        (errno.ENOTSUP, Errno.NOTSUP),
        (errno.E2BIG, Errno.TOOBIG),
        (0, Errno.IO),
        (999_999, Errno.IO),
    ],
)
def test_errors_of_the_host(host, expected):
    assert errno_of(OSError(host, "words")) is expected


def test_an_error_without_a_number_is_one_of_input_and_output():
    assert errno_of(OSError("words")) is Errno.IO
