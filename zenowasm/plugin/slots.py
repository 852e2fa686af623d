"""Registers plugins' slots in ZenoLang (ABI document, section "From a script")."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from zenowasm.plugin.errors import PluginError, SlotConflictError
from zenowasm.plugin.guest.abi import Response
from zenowasm.plugin.guest.jsonvalue import JSONValue, encode
from zenowasm.plugin.inputs import TYPES, VALUE
from zenowasm.plugin.lifecycle.loaded_plugin import LoadedPlugin
from zenowasm.plugin.lifecycle.manager import PluginManager
from zenowasm.plugin.lifecycle.reports import PluginProblem
from zenowasm.plugin.services import LogRecord
from zenowasm.zenolang.errors import SlotError, SlotRegistrationError
from zenowasm.zenolang.scope import Scope
from zenowasm.zenolang.slots import SlotCall, SlotRegistry

_SHOWN = 1000


def register_slots(manager: PluginManager, registry: SlotRegistry) -> None:
    """Register the slots of all loaded plugins, and keep them up to date on reloads.

    A slot that cannot be registered is added to the manager's problems.
    """
    words = _Words(manager, registry)
    manager.on_change(words.follow)
    words.follow()


class _Words:
    """The synchronization of a registry with a manager's plugins."""

    def __init__(self, manager: PluginManager, registry: SlotRegistry) -> None:
        self._manager = manager
        self._registry = registry
        self._registered: dict[str, LoadedPlugin] = {}
        self._refused: dict[str, LoadedPlugin] = {}
        self._lock = threading.Lock()

    def follow(self) -> None:
        """Register new and changed slots, and remove slots that no longer exist."""
        with self._lock:
            owners = self._manager.catalog.owners
            for name in self._registered.keys() - owners.keys():
                self._registry.unregister(name)
                del self._registered[name]
            for name, plugin in owners.items():
                if self._registered.get(name, self._refused.get(name)) is not plugin:
                    self._register(name, plugin)

    def _register(self, name: str, plugin: LoadedPlugin) -> None:
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
    """Return the language's name for a declared type, ``any`` for an unknown type."""
    names = {"integer": "int", "number": "float", "boolean": "bool", "array": "list", "object": "map"}
    name = declared.lower()
    return names.get(name, name if name in TYPES else "any")


class PluginSlot:
    """A plugin's slot as a slot of the language."""

    def __init__(self, manager: PluginManager, plugin: str, name: str) -> None:
        self._manager = manager
        self._plugin = plugin
        self._name = name

    def __call__(self, call: SlotCall) -> None:
        """Run the slot for a script.

        On success, every key of the response's data is set in the scope, and ``as: $v`` binds the whole data. With
        ``async: true``, the slot runs on a thread, in a copy of the scope, and its outcome is logged. Raises
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
            # Wrong parameters are an error of this statement, not of a thread.
            self._manager.check(self._name, parameters)
            self._manager.submit(lambda: self._run_logged(scope, as_name, parameters))
        except PluginError as error:
            raise SlotError(f"plugin execution failed: {error}") from error

    def _run(self, scope: Scope, as_name: str | None, parameters: Mapping[str, object]) -> Response:
        try:
            response = self._manager.call(self._name, parameters, scope, shows_scope=True)
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


def _shown(data: dict[str, JSONValue] | None) -> str:
    if data is None:
        return "no data"
    text = encode(data).decode()
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
