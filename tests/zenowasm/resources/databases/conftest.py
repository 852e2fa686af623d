"""A SQLite file with one table of one row."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest


@pytest.fixture
def file(tmp_path) -> Path:
    path = tmp_path / "main.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("CREATE TABLE item (id INTEGER PRIMARY KEY, name); INSERT INTO item VALUES (1, 'a')")
    return path
