"""Permissions: denied by default, bound to the plugin's instance, matched by parts and never by prefix.

The manifest lists them (ABI document, section "Permissions"). ``url_rules`` matches URLs, ``path_rules`` paths.
"""

from __future__ import annotations

from collections.abc import Iterable

from attrs import field, frozen

from zenowasm.plugin.access.path_rules import PathRule
from zenowasm.plugin.access.url_rules import UrlRule
from zenowasm.resources.http.url import parse_url

SCOPE_FORMS = ("read", "write")


@frozen
class NetworkGrant:
    """A permission for a URL. ``literal_host`` is true if the manifest names the host itself rather than ``*``."""

    literal_host: bool


@frozen
class Permissions:
    """The parsed permissions of one plugin. The defaults deny everything.

    ``withheld`` names the kinds of permission that the manifest grants but the host's settings deny.
    """

    network: tuple[UrlRule, ...] = ()
    filesystem: tuple[PathRule, ...] = ()
    env: frozenset[str] = frozenset()
    database: frozenset[str] = frozenset()
    scope: frozenset[str] = field(default=frozenset())
    withheld: frozenset[str] = field(default=frozenset())

    @classmethod
    def of(
        cls,
        *,
        network: Iterable[str] = (),
        filesystem: Iterable[str] = (),
        env: Iterable[str] = (),
        database: Iterable[str] = (),
        scope: Iterable[str] = (),
    ) -> Permissions:
        """Return the permissions in a manifest's lists; raises ``RuleError`` if an entry cannot grant anything."""
        return cls(
            tuple(map(UrlRule.parse, network)),
            tuple(map(PathRule.parse, filesystem)),
            frozenset(env),
            frozenset(database),
            frozenset(scope),
        )

    def network_grant(self, url: str) -> NetworkGrant | None:
        """Return the grant for ``url``, ``None`` if it is denied. A rule that names the host overrides ``*``."""
        if not self.network:
            return None
        parsed = parse_url(url)
        if parsed is None:
            return None
        matching = [rule for rule in self.network if rule.matches(parsed)]
        if not matching:
            return None
        return NetworkGrant(literal_host=any(rule.host is not None for rule in matching))

    def why_denied(self, kind: str) -> str:
        """Return the text to append to a denial of this kind, empty unless the host's settings caused the denial."""
        return f" (the host's settings deny it: wasm.security.allow_{kind})" if kind in self.withheld else ""

    @property
    def whole_network(self) -> bool:
        """Whether the plugin may request every URL."""
        return any(rule.target is None for rule in self.network)

    def may_access_file(self, path: str, *, write: bool) -> bool:
        """Return whether the plugin may read, or write, a file under the root; ``path`` is relative to the root."""
        return any(rule.matches(path, write=write) for rule in self.filesystem)

    def may_read_env(self, name: str) -> bool:
        """Return whether the plugin may read the environment variable ``name``."""
        return name in self.env

    def may_use_database(self, connection: str) -> bool:
        """Return whether the plugin may use the database connection."""
        return connection in self.database

    @property
    def may_read_scope(self) -> bool:
        """Whether the plugin may read the calling script's variables."""
        return "read" in self.scope

    @property
    def may_write_scope(self) -> bool:
        """Whether the plugin may set the calling script's variables."""
        return "write" in self.scope
