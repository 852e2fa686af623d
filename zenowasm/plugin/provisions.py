"""Makes what a host provides to plugins that are permitted to use it: databases, HTTP, a folder of files.

Where the settings file is silent a host provides, as far as the extras are installed: the database ``default``, which
is the SQLite file ``zeno.db`` in the current folder, made when a plugin first uses it; HTTP; and the files below the
current folder. All of it is denied to a plugin whose manifest does not ask for it. What needs an extra is imported when
it is made.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from attrs import frozen

from zenowasm.plugin.configuration.settings import DatabaseEntry, Http, Settings, settings_error

if TYPE_CHECKING:
    from zenowasm.resources.databases.connections import Databases
    from zenowasm.resources.files.folder import Folder
    from zenowasm.resources.http.client import HttpClient

DEFAULT_DATABASE: Final = "default"
DEFAULT_URL: Final = "sqlite:///zeno.db"


@frozen
class Provisions:
    """What was made for one host, which closes it after its plugins; ``None`` is what there is not."""

    databases: Databases | None = None
    http: HttpClient | None = None
    files: Folder | None = None

    def close(self) -> None:
        """Close all of it."""
        for it in (self.databases, self.http, self.files):
            if it is not None:
                it.close()


def provide(settings: Settings, variables: Mapping[str, str]) -> Provisions:
    """Make what ``settings`` provide; ``variables`` are the environment. Raises ``SettingsError``."""
    return Provisions(_databases(settings, variables), _http(settings), _files(settings))


def _databases(settings: Settings, variables: Mapping[str, str]) -> Databases | None:
    if settings.databases is None and find_spec("sqlalchemy") is None:
        return None
    from zenowasm.resources.databases.connections import Databases, DatabaseSettings, DatabaseSettingsError

    def connection(name: str, entry: DatabaseEntry) -> DatabaseSettings:
        bounds = _given(max_rows=entry.max_rows, max_bytes=entry.max_bytes, max_seconds=entry.max_seconds)
        try:
            made = DatabaseSettings(settings.database_url(name, variables), entry.read_only, **bounds)
            Databases({name: made}).close()  # it says whether all that this kind needs is installed
        except (DatabaseSettingsError, ValueError) as error:
            raise settings_error(settings.file, entry.line, f"wasm.databases.{name}", str(error)) from error
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
        raise settings_error(settings.file, settings.http_line, "wasm.http", str(error)) from error


def _files(settings: Settings) -> Folder | None:
    from zenowasm.resources.files.folder import Folder

    root = settings.files.root
    try:
        return Folder.open(root)
    except OSError as error:
        if settings.files_line == 0:  # nobody has asked for files
            return None
        message = f"cannot open the folder {root}: {error.strerror}"
        raise settings_error(settings.file, settings.files_line, "wasm.files.root", message) from error


def _given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
