"""Permissions: denied by default, bound to the plugin's instance, matched by parts and never by prefix.

The lists are those of the manifest (ABI document, section "Permissions"). Matching URLs is in ``url_rules``, matching
paths in ``path_rules``.
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
    """A URL is permitted. ``literal_host`` tells that the manifest names the host itself rather than ``*``."""

    literal_host: bool


@frozen
class Permissions:
    """The permissions of one plugin, ready to be asked. Without arguments everything is denied.

    ``withheld`` names the kinds that the manifest grants and the host's settings deny.
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
        """Return permissions from a manifest's lists; raises ``RuleError`` when an entry can grant nothing."""
        return cls(
            tuple(map(UrlRule.parse, network)),
            tuple(map(PathRule.parse, filesystem)),
            frozenset(env),
            frozenset(database),
            frozenset(scope),
        )

    def network_grant(self, url: str) -> NetworkGrant | None:
        """Return what permits ``url``, a rule that names its host before one that does not; ``None`` when denied."""
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
        """Return what to add to the words for a denial of this kind: nothing when the manifest does not grant it."""
        return f" (the host's settings deny it: wasm.security.allow_{kind})" if kind in self.withheld else ""

    @property
    def whole_network(self) -> bool:
        """Whether every URL may be requested."""
        return any(rule.target is None for rule in self.network)

    def may_access_file(self, path: str, *, write: bool) -> bool:
        """Return whether a file under the root may be read, or written; ``path`` is relative to the root."""
        return any(rule.matches(path, write=write) for rule in self.filesystem)

    def may_read_env(self, name: str) -> bool:
        """Return whether the environment variable ``name`` may be read."""
        return name in self.env

    def may_use_database(self, connection: str) -> bool:
        """Return whether the database connection may be used."""
        return connection in self.database

    @property
    def may_read_scope(self) -> bool:
        """Whether variables of the calling script may be read."""
        return "read" in self.scope

    @property
    def may_write_scope(self) -> bool:
        """Whether variables of the calling script may be set."""
        return "write" in self.scope
