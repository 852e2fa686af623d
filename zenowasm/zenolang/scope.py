"""The variables of a script."""

from __future__ import annotations

from collections.abc import Mapping


class Scope:
    """Variables by name, without the `$`, with the caller's scope as the outer one.

    Reading also searches the outer scopes, setting affects only this one: a function with arguments sees its caller's
    variables but does not change them. Values are never changed in place, so copies can share them.
    """

    def __init__(self, variables: Mapping[str, object] | None = None, parent: Scope | None = None) -> None:
        self._variables = dict(variables or {})
        self._parent = parent

    def __contains__(self, name: str) -> bool:
        return self._holder(name) is not None

    def get(self, name: str, default: object = None) -> object:
        """Return the variable's value, or the default if there is no such variable."""
        holder = self._holder(name)
        return default if holder is None else holder._variables[name]

    def set(self, name: str, value: object) -> None:
        """Set the variable in this scope."""
        self._variables[name] = value

    def unset(self, name: str) -> None:
        """Remove the variable from this scope, if it exists."""
        self._variables.pop(name, None)

    def child(self, variables: Mapping[str, object] | None = None) -> Scope:
        """Return a scope inside this one, with its own variables."""
        return Scope(variables, self)

    def variables(self) -> dict[str, object]:
        """Return all visible variables in a new dict."""
        outer = self._parent.variables() if self._parent else {}
        # Another thread may add a variable meanwhile: dict() copies a dict atomically.
        return outer | dict(self._variables)

    def copy(self) -> Scope:
        """Return a separate scope with the same variables, for work that runs concurrently with the script."""
        return Scope(self.variables())

    def _holder(self, name: str) -> Scope | None:
        scope: Scope | None = self
        while scope is not None and name not in scope._variables:
            scope = scope._parent
        return scope
