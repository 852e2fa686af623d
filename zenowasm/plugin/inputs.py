"""Checks the parameters of a slot call against the slot's declared inputs (ABI document, "From a script")."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

from zenowasm.display import nearest
from zenowasm.plugin.errors import InputError
from zenowasm.plugin.guest.abi import InputDefinition
from zenowasm.plugin.guest.jsonvalue import JSONError, encode

VALUE: Final = "value"
SCOPE: Final = "_zeno_scope"
_ALWAYS_ALLOWED = (VALUE, SCOPE)

TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "int": (int,),
    "integer": (int,),
    "float": (float, int),
    "number": (float, int),
    "decimal": (float, int),
    "bool": (bool,),
    "boolean": (bool,),
    "list": (list,),
    "array": (list,),
    "map": (dict,),
    "object": (dict,),
}
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}


class Inputs:
    """A slot's declared inputs, prepared for checking parameters."""

    __slots__ = ("_declared", "_exact", "_slot")

    def __init__(self, slot: str, declared: Mapping[str, InputDefinition]) -> None:
        self._slot = slot
        self._declared = declared
        # The type that needs no conversion; None never matches.
        self._exact = {key: TYPES.get(wanted.type.lower(), (None,))[0] for key, wanted in declared.items()}

    def check(self, parameters: Mapping[str, object]) -> Mapping[str, object]:
        """Return the parameters with defaults filled in and values converted to the declared types.

        Without declared inputs, all parameters are returned unchanged. A value for a declared ``string`` becomes a
        string, and text that spells a declared number or boolean becomes one. Raises ``InputError`` if a parameter is
        not declared, a required one is missing, or a value is not of the declared type; nil has every type.
        """
        exact = self._exact
        if not exact:
            return parameters
        if len(parameters) == len(exact):
            for key, value in parameters.items():
                if exact.get(key) is not value.__class__:
                    break
            else:
                return parameters
        return self._converted(parameters)

    def _converted(self, parameters: Mapping[str, object]) -> dict[str, object]:
        slot, declared = self._slot, self._declared
        for key in parameters:
            if key not in declared and key not in _ALWAYS_ALLOWED:
                near = nearest(key, declared)
                hint = f"; did you mean {near}?" if near else ""
                raise InputError(f"unknown attribute '{key}' for slot '{slot}': it takes {', '.join(declared)}{hint}")
        checked = dict(parameters)
        for key, wanted in declared.items():
            if key in checked:
                checked[key] = _convert(slot, key, wanted, checked[key])
            elif wanted.has_default:
                checked[key] = wanted.default
            elif wanted.required:
                raise InputError(f"missing required attribute '{key}' for slot '{slot}'")
        return checked


def _convert(slot: str, key: str, wanted: InputDefinition, value: object) -> object:
    name = wanted.type.lower()
    types = TYPES.get(name)
    if types is None or value is None:
        return value
    if isinstance(value, types) and (isinstance(value, bool) is (bool in types)):
        return value
    if types == (str,) and isinstance(value, bool | int | float):
        return _text(value)
    if isinstance(value, str):
        converted = _from_text(types, value)
        if converted is not None:
            return converted
    if types == (int,) and isinstance(value, float) and value.is_integer():
        return int(value)
    raise InputError(
        f"type mismatch for '{key}' in slot '{slot}': expected {wanted.type}, found {type(value).__name__}"
    )


def _text(value: bool | int | float) -> str:
    try:
        return encode(value).decode()
    except JSONError:
        return str(value)


def _from_text(types: tuple[type, ...], text: str) -> object:
    """Return the number or boolean that ``text`` spells, ``None`` if it spells neither."""
    if types == (bool,):
        return _BOOLEANS.get(text.lower())
    digits = text.strip()
    if int in types and len(digits) <= 100 and digits.isascii() and digits.lstrip("+-").isdigit():
        try:
            return int(digits)
        except ValueError:  # such as "+-1"
            return None
    if float in types and len(digits) <= 100:
        try:
            number = float(digits)
        except ValueError:
            return None
        return number if math.isfinite(number) else None
    return None
