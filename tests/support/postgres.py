"""A PostgreSQL of the tests' own: a fresh cluster on loopback, gone when the tests are over."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

import pytest
from attrs import frozen

if TYPE_CHECKING:
    import psycopg

PASSWORD = "word-of-the-tests"
_SETTINGS = "-c listen_addresses=127.0.0.1 -c fsync=off -c synchronous_commit=off -c full_page_writes=off"
_ATTEMPTS = 5
_DROPPING = 60
"""Seconds until a database must be gone."""


@frozen
class PostgresServer:
    """A running server. The superuser is ``postgres``, with ``PASSWORD``."""

    port: int
    folder: Path

    def url(self, database: str = "postgres", user: str = "postgres", password: str = PASSWORD) -> str:
        return f"postgresql://{user}:{password}@127.0.0.1:{self.port}/{database}"


def _programs() -> Path:
    """The folder of PostgreSQL's programs; Debian keeps those of a server out of PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    on_path = shutil.which("initdb")
    if not found and on_path is None:
        pytest.fail("PostgreSQL is not installed; .ci/services.sh installs it from Debian")
    return found[-1].parent if found else Path(str(on_path)).parent


@contextmanager
def running_server() -> Iterator[PostgresServer]:
    """Start a server on a free port and stop it at the end."""
    programs = _programs()
    # PostgreSQL refuses to run as root; the user is the one that its package makes.
    user = "postgres" if os.getuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="zenowasm-postgres-"))
    try:
        if user is not None:
            account = pwd.getpwnam(user)
            os.chown(folder, account.pw_uid, account.pw_gid)
        password = folder / "password"
        password.write_text(PASSWORD)
        password.chmod(0o644)

        def run(program: str, *arguments: str, check: bool = True) -> bool:
            # A server that starts keeps its standard streams, so they must not be pipes that are waited for.
            with (folder / "output").open("w") as output:
                command = [str(programs / program), *arguments]
                done = subprocess.run(command, stdout=output, stderr=output, user=user, cwd=folder, check=False)
            if check and done.returncode:
                pytest.fail(f"{program} failed: {(folder / 'output').read_text()}")
            return done.returncode == 0

        data = str(folder / "data")
        run("initdb", "-D", data, "-U", "postgres", "-A", "scram-sha-256", f"--pwfile={password}", "-E", "UTF8",
            "--locale=C", "--no-sync")  # fmt: skip
        for attempt in range(_ATTEMPTS):
            port = _free_port()
            options = f"-p {port} -k {folder} {_SETTINGS}"
            last = attempt == _ATTEMPTS - 1  # another program can take the port in between
            if run("pg_ctl", "start", "-w", "-D", data, "-l", str(folder / "log"), "-o", options, check=last):
                break
        try:
            yield PostgresServer(port, folder)
        finally:
            run("pg_ctl", "stop", "-w", "-m", "immediate", "-D", data)
    finally:
        shutil.rmtree(folder)


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One server for each worker, started by the first test that asks."""
    with running_server() as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """The URL of an empty database of the test's own."""
    import psycopg

    name = "test"
    with psycopg.connect(postgres_server.url(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    yield postgres_server.url(name)
    with psycopg.connect(postgres_server.url(), autocommit=True) as connection:
        _drop(connection, name)


def _drop(connection: psycopg.Connection, name: str) -> None:
    """Drop a database whose sessions may be busy.

    PostgreSQL itself waits 5 s for the sessions that it ends, and then gives up. One that builds a ``jsonb`` of 18
    million numbers takes 4 s on an idle machine until it looks for interrupts, whether its client is there or not.
    """
    import psycopg

    until = monotonic() + _DROPPING
    while True:
        try:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
        except psycopg.errors.ObjectInUse:
            if monotonic() > until:
                raise
        else:
            return
