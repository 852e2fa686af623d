"""The temporary environment of a guest: a real folder with files, a database and variables."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any, Final

import yaml
from attrs import field, frozen

from zenowasm.conformance.scenario import Database, World
from zenowasm.plugin.configuration.limits import CONFIG_FILE
from zenowasm.plugin.configuration.settings import parse_settings
from zenowasm.plugin.services import given
from zenowasm.resources.databases.connections import Databases
from zenowasm.resources.databases.settings import DatabaseSettings
from zenowasm.resources.files.folder import Folder
from zenowasm.resources.http.client import HttpClient, HttpSettings

DATABASE: Final = "main"


def fill(text: str, server: str) -> str:
    """Replace ``${http}`` by the server's URL and ``${port}`` by its port."""
    return text.replace("${http}", server).replace("${port}", server.rpartition(":")[2])


def check_extras() -> None:
    """Raise ``DatabaseSettingsError`` or ``HttpSettingsError`` if the extra ``db`` or ``http`` is not installed.

    Without them, some scenarios would fail for reasons unrelated to the ABI.
    """
    Databases({DATABASE: DatabaseSettings("sqlite://")})
    HttpClient().close()


@frozen
class Resources:
    """The open resources of one scenario. ``services`` are arguments of ``HostServices``."""

    world: World
    folder: Path
    server: str
    services: dict[str, Any] = field(factory=dict)

    def fill(self, text: str) -> str:
        """Replace the placeholders for the server."""
        return fill(text, self.server)

    def neutral(self, text: str) -> str:
        """Replace the parts of a text that vary between runs, the folder and the server's address, by placeholders."""
        port = self.server.rpartition(":")[2]
        text = text.replace(self.server, "${http}").replace(f":{port}", ":${port}")
        return text.replace(str(self.folder), "${folder}")

    def afterwards(self) -> dict[str, Any]:
        """Return the current files and rows that the scenario checks."""
        return {
            "files": {name: self._content(name) for name in self.world.after_files},
            "rows": {sql: self._rows(sql) for sql in self.world.after_rows},
        }

    def _content(self, name: str) -> str | None:
        path = self.root / name
        return path.read_bytes().decode("utf-8", "backslashreplace") if path.is_file() else None

    def _rows(self, sql: str) -> list[Any]:
        # A separate connection, which does not see the host's uncommitted changes.
        with closing(sqlite3.connect(self.database)) as connection:
            return [list(row) for row in connection.execute(sql)]

    @property
    def database(self) -> Path:
        """The file of the database ``main``."""
        return self.folder / "main.db"

    @property
    def root(self) -> Path:
        """The root folder of the plugins' files."""
        return self.folder / "files"


@contextmanager
def open_resources(world: World, folder: Path, server: str) -> Iterator[Resources]:
    """Create a scenario's resources in an empty ``folder``; needs the extras ``db`` and ``http``."""
    resources = Resources(world, folder, server)
    resources.root.mkdir()
    for name, text in world.files.items():
        _place(resources.root / name).write_text(text, "utf-8")
    for name, target in world.links.items():
        _place(resources.root / name).symlink_to(target)
    services = resources.services
    settings = parse_settings(yaml.safe_dump({"wasm": dict(world.settings)}), Path(CONFIG_FILE))
    services["limits"] = settings.host_limits()
    services["policy"] = settings.policy()
    services["environment"] = dict(world.environment)
    with ExitStack() as stack:
        if world.http is not None:
            bounds = HttpSettings(seconds=world.http.seconds, response_bytes=world.http.response_bytes)
            services["http"] = given(stack.enter_context(HttpClient(bounds)))
        if world.has_files:
            services["files"] = given(stack.enter_context(Folder.open(resources.root)))
        if world.database is not None:
            with closing(sqlite3.connect(resources.database)) as connection:
                for statement in world.database.setup:
                    connection.execute(statement)
                connection.commit()
            databases = Databases({DATABASE: _settings(world.database, resources.database)})
            stack.callback(databases.close)
            services["databases"] = given(databases)
        yield resources


def _place(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _settings(database: Database, file: Path) -> DatabaseSettings:
    bounds = {name: getattr(database, name) for name in ("max_rows", "max_bytes", "max_seconds")}
    given = {name: value for name, value in bounds.items() if value is not None}
    return DatabaseSettings(f"sqlite:///{file}", read_only=database.read_only, **given)
