"""Bounded reads of regular files."""

from __future__ import annotations

import os

import pytest

from zenowasm.plugin.configuration.files import read_bounded


def test_reads_up_to_the_limit(tmp_path):
    file = tmp_path / "f"
    file.write_bytes(b"12345")
    assert read_bounded(file, 5) == b"12345"
    with pytest.raises(OSError, match="larger than the limit of 4 bytes"):
        read_bounded(file, 4)


def test_only_regular_files(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="not a regular file"):
        read_bounded(tmp_path / "pipe", 5)
    with pytest.raises(OSError):
        read_bounded(tmp_path, 5)
    with pytest.raises(FileNotFoundError):
        read_bounded(tmp_path / "none", 5)
