"""A loaded plugin: its code, its slots, and the instance that answers, replaced when it is used up."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from zenowasm.backends.protocol import Engine
from zenowasm.plugin.abi import Metadata, Response, SlotDefinition, encode_request
from zenowasm.plugin.code import PluginCode, load_code
from zenowasm.plugin.errors import ClosedError, RequestError, SlotNotFoundError, UnusableInstanceError
from zenowasm.plugin.instance import PluginInstance
from zenowasm.plugin.jsonvalue import JSONError
from zenowasm.plugin.manifest import Manifest
from zenowasm.plugin.services import HostServices
from zenowasm.zenolang.scope import Scope

_ATTEMPTS = 100
"""Other threads' calls can use up a fresh instance before this one's turn, though hardly a hundred times."""


class LoadedPlugin:
    """A plugin whose first instance has been started, initialised and asked for its slots."""

    def __init__(self, manifest: Manifest, engine: Engine, services: HostServices) -> None:
        self.manifest = manifest
        self._code: PluginCode = load_code(manifest, engine, services)
        self._lock = threading.Lock()
        self._instance = PluginInstance(self._code)
        self._closed = False
        self.metadata: Metadata = self._instance.metadata
        self.slots: Mapping[str, SlotDefinition] = {slot.name: slot for slot in self._instance.slots}

    @property
    def name(self) -> str:
        """The name, as the manifest gives it."""
        return self.manifest.name

    @property
    def may_read_scope(self) -> bool:
        """Whether the plugin may see the variables of the calling script."""
        return self._code.permissions.may_read_scope

    @property
    def fuel_consumed(self) -> int:
        """Fuel that the current instance has consumed so far."""
        return self._instance.fuel_consumed

    def execute(self, slot: str, parameters: Mapping[str, object], scope: Scope | None = None) -> Response:
        """Call a slot and return the guest's answer.

        ``scope`` is what the host's scope functions reach, as far as the plugin may. An instance that is used up is
        replaced first. Raises ``SlotNotFoundError``, ``RequestError``, ``ClosedError``, ``LoadError`` when a fresh
        instance does not start, and what ``PluginInstance.execute`` raises.
        """
        if slot not in self.slots:
            raise SlotNotFoundError(f"slot {slot} not found in plugin {self.name}")
        try:
            request = encode_request(slot, parameters, self._code.request_context)
        except JSONError as error:
            raise RequestError(f"failed to marshal request: {error}") from error
        limit = self._code.services.limits.request_bytes
        if len(request) > limit:
            raise RequestError(f"the request of {len(request)} bytes is longer than the limit of {limit} bytes")
        for _ in range(_ATTEMPTS):
            try:
                return self._usable().execute(slot, request, scope)
            except UnusableInstanceError:
                continue
        raise UnusableInstanceError(f"plugin {self.name} uses up its instances faster than they are made")

    def close(self) -> None:
        """Run ``plugin_cleanup`` once and take no more calls; raises ``CallError`` when the guest traps in it."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        self._instance.cleanup()

    def _usable(self) -> PluginInstance:
        instance = self._instance
        if instance.usable and not self._closed:
            return instance
        with self._lock:
            if self._closed:
                raise ClosedError(f"plugin {self.name} is closed")
            if not self._instance.usable:
                self._instance = PluginInstance(self._code)
            return self._instance
