"""The resources of the plugins in a test: files, a database, variables and settings, all deleted afterwards."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from importlib.util import find_spec
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import yaml
from attrs import evolve, field, frozen

from zenowasm.plugin import AuditRecord, HostEnvironment, PluginError
from zenowasm.plugin.configuration.limits import CONFIG_FILE
from zenowasm.plugin.configuration.manifest import FILE_NAME, plugin_folders, read_manifest
from zenowasm.plugin.configuration.settings import Files, Http, Settings, parse_settings
from zenowasm.testing.log import CapturedLog
from zenowasm.testing.on_demand import Engines, OnDemandHost

if TYPE_CHECKING:
    from zenowasm.backends.protocol import Store
    from zenowasm.resources.databases.connections import Databases
    from zenowasm.testing.web import FakeWeb


@frozen
class Database:
    """A SQLite file, which plugins access under every connection name that a manifest lists."""

    path: Path

    def execute(self, sql: str, *parameters: Any) -> None:
        """Execute a statement and commit it."""
        with closing(sqlite3.connect(self.path)) as connection, connection:
            connection.execute(sql, parameters)

    def rows(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Return the rows of a query, which do not include a plugin's uncommitted changes."""
        with closing(sqlite3.connect(self.path)) as connection:
            return list(connection.execute(sql, parameters))


@frozen
class World:
    """The resources that the plugins of a test can access if their manifests permit it; ``None`` means not available.

    ``plugins`` is a folder with one subfolder per plugin, or the folder of a single plugin. ``settings`` are the
    settings below ``wasm`` in ``config/plugins.yaml``.
    """

    plugins: Path
    files: Path
    environment: Mapping[str, str]
    settings: Mapping[str, Any]
    database: Database | None = None
    web: FakeWeb | None = None
    engines: Engines = field(factory=Engines)

    def copied(self, folder: Path) -> Self:
        """Return a copy of this world, with copies of its present files and database in ``folder``."""
        shutil.copytree(self.files, folder / "files", symlinks=True)
        database = self.database
        if database is not None:
            database = Database(folder / database.path.name)
            if self.database is not None and self.database.path.exists():
                shutil.copy(self.database.path, database.path)
        return evolve(self, files=folder / "files", database=database)

    @contextmanager
    def host(
        self,
        backend: str,
        log: CapturedLog,
        audit: list[AuditRecord],
        on_store: Callable[[str, Store], None] | None = None,
    ) -> Iterator[OnDemandHost]:
        """Open a host on an engine; raises the errors of a manifest, or of the only plugin.

        ``on_store`` is that of ``HostServices``.
        """
        text = yaml.safe_dump({"wasm": dict(self.settings)})
        settings = evolve(
            parse_settings(text, Path(CONFIG_FILE)),
            enabled=False,
            http=Http(enabled=False),
            files=Files(str(self.files)),
        )
        with ExitStack() as stack:
            resources: dict[str, Any] = {"databases": self._databases()}
            if self.web is not None:
                from zenowasm.testing.web import FakeHttpClient

                resources["http"] = FakeHttpClient(self.web)
            for it in resources.values():
                if it is not None:
                    stack.callback(it.close)
            resources["on_store"] = on_store
            yield stack.enter_context(self._open(backend, settings, log, audit, resources))

    def _open(
        self,
        backend: str,
        settings: Settings,
        log: CapturedLog,
        audit: list[AuditRecord],
        resources: Mapping[str, Any],
    ) -> OnDemandHost:
        folders = _folders(self.plugins)
        if not folders:
            raise PluginError(f"{self.plugins} has no plugins: set zenowasm_plugin_dir, or zeno_plugin_dir")
        host = OnDemandHost(
            folders,
            backend=self.engines[backend],
            lazy=False,
            environment=HostEnvironment(self.environment),
            config=settings,
            log=log,
            audit=audit.append,
            **resources,
        )
        if len(folders) == 1:
            try:
                host.need_all()
            except PluginError:
                host.close(0)
                raise
        return host

    def _databases(self) -> Databases | None:
        if find_spec("sqlalchemy") is None and self.database is None:
            return None
        from zenowasm.resources.databases.connections import Databases, DatabaseSettings

        if self.database is None:
            return _no_database()
        made = DatabaseSettings(f"sqlite:///{self.database.path}")
        return Databases(dict.fromkeys(("default", *_connections(self.plugins)), made))


def _no_database() -> Databases:
    """Return a ``Databases`` without connections, whose error explains how a test gets one."""
    from zenowasm.resources.databases.connections import Databases, Transaction, UnknownDatabaseError

    class NoDatabase(Databases):
        def begin(self, name: str, deadline: float = inf) -> Transaction:
            raise UnknownDatabaseError(
                f"database connection not found: {name} (this test does not use the fixture zeno_database)"
            )

    return NoDatabase({})


def _folders(plugins: Path) -> Sequence[Path]:
    if (plugins / FILE_NAME).exists():
        return [plugins]
    return plugin_folders(plugins) if plugins.is_dir() else []


def _connections(plugins: Path) -> Iterable[str]:
    for folder in _folders(plugins):
        yield from read_manifest(folder).permissions.database
