"""The variables a script sees."""

from __future__ import annotations

from collections.abc import Mapping


class Scope:
    """Variables by name, without the `$`, and after them those of the caller.

    Reading looks outwards, setting stays inside: a function with arguments sees its caller's variables
    and does not change them. Values are never changed in place, so a copy shares them safely.
    """

    def __init__(self, variables: Mapping[str, object] | None = None, parent: Scope | None = None) -> None:
        self._variables = dict(variables or {})
        self._parent = parent

    def __contains__(self, name: str) -> bool:
        return self._holder(name) is not None

    def get(self, name: str, default: object = None) -> object:
        """The variable's value, or the default if there is no such variable."""
        holder = self._holder(name)
        return default if holder is None else holder._variables[name]

    def set(self, name: str, value: object) -> None:
        """Set the variable in this scope."""
        self._variables[name] = value

    def unset(self, name: str) -> None:
        """Remove the variable from this scope, if it is there."""
        self._variables.pop(name, None)

    def child(self, variables: Mapping[str, object] | None = None) -> Scope:
        """A scope inside this one, with variables of its own."""
        return Scope(variables, self)

    def variables(self) -> dict[str, object]:
        """All variables that can be seen from here, in a new dict."""
        outer = self._parent.variables() if self._parent else {}
        # A pool thread may add a variable while this one reads: dict() of a dict is one step.
        return outer | dict(self._variables)

    def copy(self) -> Scope:
        """A scope of its own with the same variables, for work that goes on beside the script."""
        return Scope(self.variables())

    def _holder(self, name: str) -> Scope | None:
        scope: Scope | None = self
        while scope is not None and name not in scope._variables:
            scope = scope._parent
        return scope
