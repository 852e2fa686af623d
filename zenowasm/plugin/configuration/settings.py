"""A host's settings file, ``config/plugins.yaml``: read and checked, with file, line and field in every error.

::

    wasm:
      enabled: true                 # overridden by the variable ZENO_PLUGINS_ENABLED
      plugin_dir: ./plugins         # overridden by ZENO_PLUGIN_DIR
      limits: {max_memory: 100MB, max_execution_time: 30s, max_cpu: 0.5}
      drain_seconds: 10s
      security: {strict_mode: false, allow_network: true, allow_filesystem: true, allow_sidecar: false}
      whitelist: [hello]            # without it every plugin may load
      plugins: {hello: {limits: {max_fuel: 10_000_000}}}
      databases: {default: {url: "${DATABASE_URL}", read_only: true, max_rows: 1000}}   # see ``provisions``
      files: {root: ./data}
      http: {ca_file: ./ca.pem}
      audit: {file: ./audit.jsonl, max_bytes: 16MiB, keep: 4}    # see ``audit``
      telemetry: {enabled: true, propagate: false}               # see ``telemetry``
      validation: ahead                                          # or lazy, see ``Validation``
      count_fuel: false                                          # these three: see ``Settings``
      interruptible: true
      deterministic: true
      cache: {enabled: true, max_bytes: 1GiB}                    # see ``zenowasm.cache``

``limits`` and ``plugins`` accept the keys of ``PluginLimits``. Their values override the defaults, higher or lower;
the limits of a manifest can only lower them. Paths are relative to the current folder. Keys outside ``wasm`` are
ignored. An unknown key inside ``wasm`` is an error, because a misspelt ``allow_network`` would allow network access.
Reloads and the shutdown wait up to ``drain_seconds`` for running calls.
Source: the ABI document, section "Lifecycle"; ``drain_seconds``, ``plugins``, ``databases``, ``files``, ``http``,
``audit``, ``telemetry``, ``cache``, ``validation``, ``count_fuel``, ``interruptible`` and ``deterministic`` are this
project's additions.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from attrs import evolve, field, frozen

from zenowasm.backends.cache import ModuleCache
from zenowasm.backends.protocol import EngineOptions, Validation
from zenowasm.plugin.access.policy import HostPolicy
from zenowasm.plugin.configuration.document import MAX_BYTES, DocumentError, EmptyDocumentError, MappingNode, Node, load
from zenowasm.plugin.configuration.environment import HostEnvironment
from zenowasm.plugin.configuration.files import read_bounded
from zenowasm.plugin.configuration.limits import CONFIG_FILE, TIME_LIMITS, LimitSettings, LimitSource, PluginLimits
from zenowasm.plugin.configuration.typed import NOT_IN_FILE, FieldError, Reader, expected, one_of, unknown_keys
from zenowasm.plugin.configuration.units import Count, Duration, Size
from zenowasm.plugin.errors import SettingsError

CONFIG: Final = "ZENO_PLUGINS_CONFIG"
"""The variable that names another settings file."""
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


@frozen
class Security:
    """The security settings for every plugin, which manifests cannot override.

    With ``strict_mode``, a plugin does not load if its manifest causes a warning, for example by an unknown key or a
    permission that grants nothing. Without ``allow_network`` or ``allow_filesystem``, permissions of that kind grant
    nothing, and sidecars do not load, because the host cannot confine a process. Without ``allow_sidecar``, sidecars
    never load.
    """

    strict_mode: bool = False
    allow_network: bool = True
    allow_filesystem: bool = True
    allow_sidecar: bool = False


@frozen
class DatabaseEntry:
    """A database connection: ``url``, in which ``${NAME}`` refers to a variable, or ``url_env``, a variable's name.

    ``max_rows`` and ``max_bytes`` bound a result, ``max_seconds`` a statement.
    """

    url: str | None = field(default=None, repr=False)
    url_env: str | None = None
    read_only: bool = False
    max_rows: Count | None = None
    max_bytes: Size | None = None
    max_seconds: Duration | None = None


@frozen
class Files:
    """The settings for plugins' files. Permissions can cover only files below ``root``."""

    root: str = "."


@frozen
class Http:
    """The limits on HTTP requests, redirects included; ``ca_file`` contains additional trusted certificates, in PEM."""

    enabled: bool = True
    ca_file: str | None = None
    max_seconds: Duration | None = None
    max_request: Size | None = None
    max_response: Size | None = None
    max_redirects: int | None = None


@frozen
class Audit:
    """The audit log's file, its maximum size, and the number of older files to keep."""

    file: str | None = None
    max_bytes: Size | None = None
    keep: int | None = None


@frozen
class TelemetrySettings:
    """Whether calls are reported to OpenTelemetry, and whether plugins' HTTP requests carry the trace context."""

    enabled: bool = False
    propagate: bool = False


@frozen
class CacheSettings:
    """Whether slots and compiled modules are cached across processes, and the maximum size of the modules."""

    enabled: bool = True
    max_bytes: Size | None = None


@frozen
class ForPlugin:
    """The settings for one plugin, which override those for all plugins."""

    limits: LimitSettings = field(factory=LimitSettings)


@frozen
class Settings:
    """The contents of a settings file; ``None`` means not set. ``file`` is ``None`` without a file.

    Three settings slow guests down: ``count_fuel`` counts the fuel of every call, ``interruptible`` lets the time limit
    and Ctrl-C end calls, and ``deterministic`` gives the same results on every engine.
    """

    enabled: bool | None = None
    plugin_dir: str | None = None
    limits: LimitSettings = field(factory=LimitSettings)
    drain_seconds: Duration | None = None
    security: Security = field(factory=Security)
    whitelist: tuple[str, ...] | None = None
    plugins: Mapping[str, ForPlugin] = field(factory=dict)
    databases: Mapping[str, DatabaseEntry] | None = None
    files: Files = field(factory=Files)
    http: Http = field(factory=Http)
    audit: Audit = field(factory=Audit)
    telemetry: TelemetrySettings = field(factory=TelemetrySettings)
    cache: CacheSettings = field(factory=CacheSettings)
    validation: Validation = Validation.AHEAD
    count_fuel: bool = False
    interruptible: bool = True
    deterministic: bool = True
    file: Path | None = field(default=None, metadata={NOT_IN_FILE: True})
    document: Node | None = field(default=None, repr=False, eq=False, metadata={NOT_IN_FILE: True})

    def line(self, *keys: str) -> int:
        """Return the line of a key in ``wasm``, or of its innermost existing parent; 0 if there is neither."""
        line, node = 0, self.document
        for key in keys:
            if not isinstance(node, MappingNode) or key not in node:
                break
            line, node = node.key_lines[key], node[key]
        return line

    def error(self, *keys: str, message: str) -> SettingsError:
        """Return the error for the value of a key in ``wasm``."""
        return settings_error(self.file, self.line(*keys), ".".join(("wasm", *keys)), message)

    def plugins_enabled(self, environment: HostEnvironment) -> bool:
        """Return whether plugins are loaded: by the environment, else by the file, else false."""
        if environment.says_enabled or self.enabled is None:
            return environment.plugins_enabled
        return self.enabled

    def plugin_folder(self, environment: HostEnvironment) -> Path:
        """Return the plugin folder: from the environment, else from the file, else ``./plugins``."""
        if environment.says_plugin_dir or self.plugin_dir is None:
            return environment.plugin_dir
        return Path(self.plugin_dir)

    def engine_options(
        self, environment: HostEnvironment | None = None, limits: PluginLimits | None = None
    ) -> EngineOptions:
        """Return the options for creating the host's engine.

        ``limits`` are the host's, by default those of the settings. Without an ``environment`` there is no cache.
        """
        limits = self.host_limits() if limits is None else limits
        cache = None
        if environment is not None:
            cache = ModuleCache.of(environment.variables, self.cache.enabled, self.cache.max_bytes)
        return EngineOptions(
            cache=cache,
            validation=self.validation,
            fuel=self.count_fuel or limits.fuel is not None,
            interrupts=self.interruptible,
            deterministic=self.deterministic,
        )

    def host_limits(self) -> PluginLimits:
        """Return the limits of every plugin of the host."""
        return PluginLimits().overridden(self.limits, LimitSource.CONFIG)

    def policy(self) -> HostPolicy:
        """Return the host's policy, which manifests cannot override."""
        return HostPolicy(
            whitelist=None if self.whitelist is None else frozenset(self.whitelist),
            whitelist_place=f"{self.file}:{self.line('whitelist')}: wasm.whitelist",
            strict=self.security.strict_mode,
            allow_network=self.security.allow_network,
            allow_filesystem=self.security.allow_filesystem,
            allow_sidecars=self.security.allow_sidecar,
            interruptible=self.interruptible,
            limits={name: it.limits for name, it in self.plugins.items()},
        )

    def database_url(self, name: str, variables: Mapping[str, str]) -> str:
        """Return the URL of a connection, which is a secret; raises ``SettingsError`` if a variable is not set."""
        entry = (self.databases or {})[name]
        if entry.url is None:
            return self._variable(entry.url_env or "", name, "url_env", variables)
        return _VARIABLE.sub(lambda found: self._variable(found[1], name, "url", variables), entry.url)

    def _variable(self, variable: str, database: str, key: str, variables: Mapping[str, str]) -> str:
        value = variables.get(variable)
        if value is None:
            raise self.error("databases", database, key, message=f"set the environment variable {variable}")
        return value


_VALIDATIONS = {it.value: it for it in Validation}
_READER = Reader({Validation: lambda node, _: one_of(node, _VALIDATIONS, " or ".join(_VALIDATIONS))})


def read_settings(environment: HostEnvironment, file: Path | None = None) -> Settings:
    """Read the settings from ``file``, else from the file in ``ZENO_PLUGINS_CONFIG``, else ``config/plugins.yaml``.

    Only the last may be missing. Raises ``SettingsError``.
    """
    named = environment.variables.get(CONFIG)
    if file is None and named:
        file = Path(named)
    path = Path(CONFIG_FILE) if file is None else file
    try:
        data = read_bounded(path, MAX_BYTES)
    except OSError as error:
        if file is None and isinstance(error, FileNotFoundError | NotADirectoryError):
            return Settings()
        raise SettingsError(f"failed to read settings: {path}: {error.strerror}", file=path) from error
    try:
        return parse_settings(data.decode(), path)
    except UnicodeDecodeError as error:
        raise settings_error(path, data.count(b"\n", 0, error.start) + 1, "", "not UTF-8") from error


def parse_settings(text: str, file: Path) -> Settings:
    """Parse the settings in ``text``, which was read from ``file``; raises ``SettingsError``."""
    try:
        root = load(text)
        if not isinstance(root, MappingNode):
            raise expected(root, "a mapping")
        wasm = root.get("wasm")
        if wasm is None or wasm.is_null:
            return Settings(file=file)
        if not isinstance(wasm, MappingNode):
            raise expected(wasm, "a mapping")
        for key in unknown_keys(wasm, Settings):
            raise settings_error(file, key.line, key.path, f"unknown key; {key.hint}")
        settings = _READER.read(wasm, Settings)
        _check_databases(wasm.get("databases"), settings)
        if not settings.interruptible:
            _refuse_time_limits(wasm)
    except EmptyDocumentError:
        return Settings(file=file)
    except DocumentError as error:
        raise settings_error(file, error.line, error.field, str(error)) from error
    except FieldError as error:
        raise settings_error(file, error.node.line, error.node.path, str(error)) from error
    return evolve(settings, file=file, document=wasm)


def settings_error(file: Path | None, line: int, name: str, message: str) -> SettingsError:
    """Return the error for a line of a settings file."""
    file = Path(CONFIG_FILE) if file is None else file
    where = f"{file}:{line}" + (f": {name}" if name else "")
    return SettingsError(f"failed to parse settings: {where}: {message}", file=file, line=line, field=name)


def _check_databases(node: Node | None, settings: Settings) -> None:
    """Raise ``FieldError`` if a connection does not have exactly one of ``url`` and ``url_env``."""
    if settings.databases is None or not isinstance(node, MappingNode):
        return
    for name, entry in settings.databases.items():
        if (entry.url is None) is (entry.url_env is None):
            raise FieldError(node[name], "expected either url or url_env")


def _refuse_time_limits(wasm: MappingNode) -> None:
    """Raise ``FieldError`` if a time limit is set."""
    plugins = wasm.get("plugins")
    for part in (wasm, *(plugins.values() if isinstance(plugins, MappingNode) else ())):
        limits = part.get("limits") if isinstance(part, MappingNode) else None
        asked: Mapping[str, Node] = limits if isinstance(limits, MappingNode) else {}
        for key in TIME_LIMITS:
            node = asked.get(key)
            if node is not None and not node.is_null:
                raise FieldError(node, "interruptible is false, so that no call can end by its time: drop one of them")
