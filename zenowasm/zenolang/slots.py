"""Slots, the commands of the language, and their registry."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

from attrs import define, field, frozen

from zenowasm.display import nearest
from zenowasm.zenolang.errors import Position, SlotRegistrationError
from zenowasm.zenolang.scope import Scope
from zenowasm.zenolang.syntax import Statement

if TYPE_CHECKING:
    from zenowasm.zenolang.evaluator import Evaluator

# Words that have a meaning only inside another slot; a slot with such a name would be ambiguous.
STRUCTURAL = frozenset({"then", "else", "do", "catch", "case", "default", "as", "async"})

_NAME = re.compile(r"[^\W\d]\w*([.-]\w+)*")


@define(kw_only=True)
class SlotCall:
    """One call of a slot in a script, passed to the slot's function.

    `value` is the slot's own value, None if absent; `has_value` distinguishes this from nil. `parameters` are the
    children's values in order, without `as` and `async`; if two have the same name, the last one counts. `node` is the
    parsed statement. For a raw slot, `value` and `parameters` are empty, and no part of `node` is evaluated in advance.
    """

    name: str
    value: object | None
    has_value: bool
    parameters: dict[str, object]
    as_name: str | None
    is_async: bool
    scope: Scope
    position: Position
    node: Statement
    evaluator: Evaluator

    def bind(self, result: object, default: str) -> None:
        """Set the result in the scope, under the name after `as` or else under the default name."""
        self.scope.set(self.as_name or default, result)


SlotFunction: TypeAlias = Callable[[SlotCall], None]


def _frozen_copy(inputs: Mapping[str, str]) -> Mapping[str, str]:
    return MappingProxyType(dict(inputs))


@frozen(kw_only=True)
class Slot:
    """A registered slot. The function of a `raw` slot reads the children itself, as code."""

    name: str
    function: SlotFunction
    description: str = ""
    inputs: Mapping[str, str] = field(factory=dict, converter=_frozen_copy)
    builtin: bool = False
    raw: bool = False


class SlotRegistry:
    """The slots that a script can use."""

    def __init__(self, builtins: Iterator[Slot] | tuple[Slot, ...] = ()) -> None:
        self._slots = {slot.name: slot for slot in builtins}

    def register(
        self,
        name: str,
        function: SlotFunction,
        *,
        description: str = "",
        inputs: Mapping[str, str] | None = None,
        replace: bool = False,
    ) -> None:
        """Add a slot.

        Parameters: the name in scripts; the function; its description; the declared type of each parameter, of which
        `string` keeps unquoted text as written (`id: 007` is "007"); and whether to replace an existing slot of that
        name, which must not be a built-in. Raises SlotRegistrationError. Source: the ABI document, "From a script".
        """
        if _NAME.fullmatch(name) is None:
            raise SlotRegistrationError(f"`{name}` is not a slot name", hint="expected words joined by dots")
        if name in STRUCTURAL:
            raise SlotRegistrationError(f"`{name}` is a word of the language and cannot be a slot's name")
        self._refuse_builtin(name)
        if name in self._slots and not replace:
            raise SlotRegistrationError(f"slot `{name}` is already registered", hint="each slot has one owner")
        self._slots[name] = Slot(name=name, function=function, description=description, inputs=inputs or {})

    def unregister(self, name: str) -> None:
        """Remove a slot; raises SlotRegistrationError if it is a built-in or unknown."""
        self._refuse_builtin(name)
        if self._slots.pop(name, None) is None:
            raise SlotRegistrationError(f"slot `{name}` is not registered")

    def get(self, name: str) -> Slot | None:
        """Return the slot with this name, or None."""
        return self._slots.get(name)

    def nearest(self, name: str) -> str | None:
        """Return the most similar known name, or None if none is similar."""
        return nearest(name, self._slots)

    def __contains__(self, name: str) -> bool:
        return name in self._slots

    def __iter__(self) -> Iterator[Slot]:
        return iter(list(self._slots.values()))

    def _refuse_builtin(self, name: str) -> None:
        slot = self._slots.get(name)
        if slot is not None and slot.builtin:
            raise SlotRegistrationError(f"slot `{name}` is built in and cannot be replaced or removed")
