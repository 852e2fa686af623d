"""Matches URLs by scheme, host, port and path segments; refuses URLs that two parsers could read differently."""

from __future__ import annotations

from attrs import frozen

from zenowasm.resources.http.url import Url, parse_url


class RuleError(ValueError):
    """An entry of a permission list cannot grant anything."""


@frozen
class UrlRule:
    """One entry of ``permissions.network``.

    ``*`` matches every URL. ``X/*`` matches every URL with the scheme, host and port of ``X`` whose path is that of
    ``X`` or below it. Any other entry matches only that URL. ``host`` is ``None`` for ``*``.
    """

    text: str
    target: Url | None
    prefix: bool

    @property
    def host(self) -> str | None:
        """The host that the rule names."""
        return None if self.target is None else self.target.host

    @classmethod
    def parse(cls, text: str) -> UrlRule:
        """Parse a rule; raises ``RuleError`` if it cannot match any URL."""
        if text == "*":
            return cls(text, None, prefix=True)
        prefix = text.endswith("/*")
        bare = text[:-2] if prefix else text
        if "*" in bare:
            raise RuleError("`*` is valid only alone or as a final `/*`")
        target = parse_url(bare)
        if target is None:
            raise RuleError("not a URL of the form https://host[:port][/path][/*]")
        if target.has_user:
            raise RuleError("a URL in a permission has no user name")
        if target.ambiguous_path or (prefix and target.query is not None):
            raise RuleError("the path has dot segments or a query before `/*`")
        return cls(text, target, prefix)

    def matches(self, url: Url) -> bool:
        """Return whether the rule permits ``url``."""
        target = self.target
        if target is None:
            return True
        if url.has_user or url.ambiguous_path:
            return False
        if (url.scheme, url.host, url.port) != (target.scheme, target.host, target.port):
            return False
        if not self.prefix:
            return url.segments == target.segments and url.query == target.query
        base = () if target.segments == ("",) else target.segments
        return url.segments[: len(base)] == base
