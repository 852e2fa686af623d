"""Creates the resources that a host provides to plugins with permission: databases, HTTP and a folder of files.

By default, and if the extras are installed, a host provides the database ``default`` (the SQLite file ``zeno.db`` in
the current folder, created when a plugin first uses it), HTTP, and the files below the current folder. A plugin can
use only the resources that its manifest requests. Modules that need an extra are imported when a resource is created.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, Generic, Protocol, TypeVar

from zenowasm.plugin.configuration.settings import DatabaseEntry, Http, Settings

if TYPE_CHECKING:
    from zenowasm.resources.databases.connections import Databases
    from zenowasm.resources.files.folder import Folder
    from zenowasm.resources.http.client import HttpClient

DEFAULT_DATABASE: Final = "default"
DEFAULT_URL: Final = "sqlite:///zeno.db"


class _Closable(Protocol):
    def close(self) -> None: ...


T = TypeVar("T", bound=_Closable)


class Provision(Generic[T]):
    """A resource that is created at its first use; ``None`` means not available.

    Most plugins use no resource, and importing the modules for one takes longer than running a short script.
    """

    def __init__(self, make: Callable[[], T | None]) -> None:
        self._make = make
        self._made: T | None = None
        self._is_made = False
        self._lock = Lock()

    def __call__(self) -> T | None:
        """Return the resource; raises ``SettingsError`` if it cannot be created."""
        with self._lock:
            if not self._is_made:
                self._made = self._make()
                self._is_made = True
            return self._made

    def close(self) -> None:
        """Close the resource, if it was created."""
        if self._made is not None:
            self._made.close()


class Provisions:
    """The resources that a host provides, and closes after its plugins.

    Resources from the settings are created at once, so that the operator learns of mistakes; the defaults are created
    when a plugin first uses them. Raises ``SettingsError``. ``variables`` are the environment.
    """

    def __init__(self, settings: Settings, variables: Mapping[str, str]) -> None:
        self.databases = Provision(partial(_databases, settings, variables))
        self.http = Provision(partial(_http, settings))
        self.files = Provision(partial(_files, settings))
        try:
            self.files()  # the current folder may change before a plugin's first use
            if settings.databases is not None:
                self.databases()
            if settings.line("http"):
                self.http()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the resources that were created."""
        for it in (self.databases, self.http, self.files):
            it.close()


def _databases(settings: Settings, variables: Mapping[str, str]) -> Databases | None:
    if settings.databases is None and find_spec("sqlalchemy") is None:
        return None
    from zenowasm.resources.databases.connections import Databases, DatabaseSettings, DatabaseSettingsError

    def connection(name: str, entry: DatabaseEntry) -> DatabaseSettings:
        bounds = _given(max_rows=entry.max_rows, max_bytes=entry.max_bytes, max_seconds=entry.max_seconds)
        try:
            made = DatabaseSettings(settings.database_url(name, variables), entry.read_only, **bounds)
            Databases({name: made}).close()  # raises an error if a module for this kind is not installed
        except (DatabaseSettingsError, ValueError) as error:
            raise settings.error("databases", name, message=str(error)) from error
        return made

    if settings.databases is None:
        return Databases({DEFAULT_DATABASE: DatabaseSettings(DEFAULT_URL)})
    return Databases({name: connection(name, entry) for name, entry in settings.databases.items()})


def _http(settings: Settings) -> HttpClient | None:
    wanted = settings.http
    if not wanted.enabled or (wanted == Http() and find_spec("httpcore") is None):
        return None
    from zenowasm.resources.http.client import HttpClient, HttpSettings
    from zenowasm.resources.http.errors import HttpSettingsError

    given = _given(
        seconds=wanted.max_seconds,
        request_bytes=wanted.max_request,
        response_bytes=wanted.max_response,
        redirects=wanted.max_redirects,
        ca_file=None if wanted.ca_file is None else Path(wanted.ca_file),
    )
    try:
        return HttpClient(HttpSettings(**given))
    except (HttpSettingsError, ValueError) as error:
        raise settings.error("http", message=str(error)) from error


def _files(settings: Settings) -> Folder | None:
    from zenowasm.resources.files.folder import Folder

    root = settings.files.root
    try:
        return Folder.open(root)
    except OSError as error:
        if not settings.line("files"):  # the settings do not request files
            return None
        message = f"cannot open the folder {root}: {error.strerror}"
        raise settings.error("files", "root", message=message) from error


def _given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
