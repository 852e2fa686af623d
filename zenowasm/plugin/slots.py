"""Makes plugins' slots words of ZenoLang (ABI document, section "From a script")."""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping
from difflib import get_close_matches

from zenowasm.plugin.errors import InputError, PluginError, SlotConflictError
from zenowasm.plugin.guest.abi import InputDefinition, Response, SlotDefinition
from zenowasm.plugin.guest.jsonvalue import JSONError, JSONValue, encode, is_encodable
from zenowasm.plugin.lifecycle.generation import Generation
from zenowasm.plugin.lifecycle.manager import PluginManager
from zenowasm.plugin.lifecycle.reports import PluginProblem
from zenowasm.plugin.services import LogRecord
from zenowasm.plugin.worker import SlotRequest
from zenowasm.zenolang.errors import SlotError, SlotRegistrationError
from zenowasm.zenolang.scope import Scope
from zenowasm.zenolang.slots import SlotCall, SlotRegistry

VALUE = "value"
SCOPE = "_zeno_scope"
_ALWAYS_ALLOWED = (VALUE, SCOPE)
_SHOWN = 1000

_TYPES: dict[str, tuple[type, ...]] = {
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


def register_slots(manager: PluginManager, registry: SlotRegistry) -> None:
    """Register the slots of all loaded plugins, and from then on whatever comes and goes with a reload.

    One that cannot be registered is added to the manager's problems.
    """
    words = _Words(manager, registry)
    manager.on_change(words.follow)
    words.follow()


class _Words:
    """Keeps a registry in step with a manager's plugins."""

    def __init__(self, manager: PluginManager, registry: SlotRegistry) -> None:
        self._manager = manager
        self._registry = registry
        self._registered: dict[str, Generation] = {}
        self._refused: dict[str, Generation] = {}
        self._lock = threading.Lock()

    def follow(self) -> None:
        """Register what is new or has changed, and remove what is gone."""
        with self._lock:
            owners = self._manager.catalog.owners
            for name in self._registered.keys() - owners.keys():
                self._registry.unregister(name)
                del self._registered[name]
            for name, plugin in owners.items():
                if self._registered.get(name, self._refused.get(name)) is not plugin:
                    self._register(name, plugin)

    def _register(self, name: str, plugin: Generation) -> None:
        definition = plugin.slots[name]
        try:
            self._registry.register(
                name,
                PluginSlot(self._manager, plugin.name, name),
                description=definition.description,
                inputs={key: _language_type(given.type) for key, given in definition.inputs.items()},
                replace=name in self._registered,
            )
        except SlotRegistrationError as error:
            self._refused[name] = plugin
            problem = SlotConflictError(f"plugin {plugin.name}: {error}")
            self._manager.problems.append(PluginProblem(plugin.manifest.folder, problem))
            self._manager.services.log(LogRecord(plugin.name, "error", str(problem)))
        else:
            self._registered[name] = plugin


def _language_type(declared: str) -> str:
    """Return the language's own name of a declared type, ``any`` for one that it does not know."""
    names = {"integer": "int", "number": "float", "boolean": "bool", "array": "list", "object": "map"}
    name = declared.lower()
    return names.get(name, name if name in _TYPES else "any")


class PluginSlot:
    """One slot of a plugin as a word of the language."""

    def __init__(self, manager: PluginManager, plugin: str, name: str) -> None:
        self._manager = manager
        self._plugin = plugin
        self._name = name

    def __call__(self, call: SlotCall) -> None:
        """Run the slot for a script.

        On success every key of the answer's data is set in the scope, and ``as: $v`` binds the whole of it. With
        ``async: true`` that happens on a thread, in a copy of the scope, and the outcome is logged. Raises
        ``SlotError``: ``plugin execution failed: E`` or ``plugin error: MSG``.
        """
        parameters: dict[str, object] = {VALUE: call.value} if call.has_value else {}
        parameters.update(call.parameters)
        if not call.is_async:
            self._run(call.scope, call.as_name, parameters)
            return
        scope = call.scope.copy()
        as_name = call.as_name
        try:
            with self._manager.serving(self._name) as plugin:
                # What is wrong with them is this statement's error, not one of a thread's.
                checked_inputs(plugin, self._name, parameters)
            self._manager.submit(lambda: self._run_logged(scope, as_name, parameters))
        except PluginError as error:
            raise SlotError(f"plugin execution failed: {error}") from error

    def _run(self, scope: Scope, as_name: str | None, parameters: Mapping[str, object]) -> Response:
        try:
            with self._manager.serving(self._name) as plugin:
                checked = checked_inputs(plugin, self._name, parameters)
                if plugin.may_read_scope:
                    # What has no JSON form, such as an infinite number, is not the plugin's to see.
                    checked[SCOPE] = {key: value for key, value in scope.variables().items() if is_encodable(value)}
                response = plugin.execute(SlotRequest(self._name, checked, scope))
        except PluginError as error:
            raise SlotError(f"plugin execution failed: {error}") from error
        if not response.success:
            raise SlotError(f"plugin error: {response.error or ''}")
        for key, value in (response.data or {}).items():
            scope.set(key, value)
        if as_name is not None:
            scope.set(as_name, response.data)
        return response

    def _run_logged(self, scope: Scope, as_name: str | None, parameters: Mapping[str, object]) -> None:
        try:
            response = self._run(scope, as_name, parameters)
        except SlotError as error:
            self._log("error", f"async {self._name} failed: {error}")
        else:
            self._log("info", f"async {self._name} finished: {_shown(response.data)}")

    def _log(self, level: str, message: str) -> None:
        self._manager.services.log(LogRecord(self._plugin, level, message))


def checked_inputs(plugin: Generation, slot: str, parameters: Mapping[str, object]) -> dict[str, object]:
    """Return the parameters of a call that has begun, as ``check_inputs`` does; what is refused counts as failed."""
    try:
        return check_inputs(plugin.slots[slot], parameters)
    except InputError as error:
        plugin.refused(slot, error)
        raise


def check_inputs(definition: SlotDefinition, parameters: Mapping[str, object]) -> dict[str, object]:
    """Return the parameters as the slot's declared inputs want them: defaults filled in, types converted.

    A slot without declared inputs takes everything as it is. A declared ``string`` is a string, and text that spells
    a declared number or boolean becomes one. Raises ``InputError`` for a parameter that is not declared, a required
    one that is missing, and a value that is not of the declared type; nil is of every type.
    """
    inputs = definition.inputs
    if not inputs:
        return dict(parameters)
    for key in parameters:
        if key not in inputs and key not in _ALWAYS_ALLOWED:
            near = get_close_matches(key[:100], list(inputs), n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise InputError(
                f"unknown attribute '{key}' for slot '{definition.name}': it takes {', '.join(inputs)}{hint}"
            )
    checked = dict(parameters)
    for key, wanted in inputs.items():
        if key in checked:
            checked[key] = _convert(definition.name, key, wanted, checked[key])
        elif wanted.has_default:
            checked[key] = wanted.default
        elif wanted.required:
            raise InputError(f"missing required attribute '{key}' for slot '{definition.name}'")
    return checked


def _convert(slot: str, key: str, wanted: InputDefinition, value: object) -> object:
    name = wanted.type.lower()
    types = _TYPES.get(name)
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
    """Return the number or boolean that ``text`` spells, ``None`` when it spells none."""
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


def _shown(data: dict[str, JSONValue] | None) -> str:
    if data is None:
        return "no data"
    text = encode(data).decode()
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
