"""The immutable catalog of a host's plugins and slots, replaced as a whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from attrs import field, frozen

from zenowasm.plugin.errors import AlreadyLoadedError, NotLoadedError, SlotConflictError, SlotNotFoundError
from zenowasm.plugin.lifecycle.loaded_plugin import LoadedPlugin


def _nothing() -> Mapping[str, LoadedPlugin]:
    return MappingProxyType({})


@frozen(eq=False)
class Catalog:
    """The plugins by name, in loading order, and the plugin of each slot.

    A reader of one catalog sees every plugin and slot either before a change or after it.
    """

    plugins: Mapping[str, LoadedPlugin] = field(factory=_nothing)
    owners: Mapping[str, LoadedPlugin] = field(factory=_nothing)

    def owner(self, slot: str) -> LoadedPlugin:
        """Return the plugin that has a slot; raises ``NotLoadedError`` or ``SlotNotFoundError``."""
        found = self.owners.get(slot)
        if found is None:
            name = slot.partition(".")[0]
            if name in self.plugins:
                raise SlotNotFoundError(f"slot {slot} not found in plugin {name}")
            raise NotLoadedError(f"plugin {name} not loaded")
        return found

    def plugin(self, name: str) -> LoadedPlugin:
        """Return a plugin by name; raises ``NotLoadedError``."""
        found = self.plugins.get(name)
        if found is None:
            raise NotLoadedError(f"plugin {name} not loaded")
        return found

    def replaced(self, old: LoadedPlugin | None, new: LoadedPlugin | None, reserved: Callable[[str], bool]) -> Catalog:
        """Return a catalog with ``new`` instead of ``old``; either may be ``None``.

        ``reserved`` returns whether a slot name is reserved. Raises ``AlreadyLoadedError`` if another plugin has the
        name, ``SlotConflictError`` if a slot of ``new`` is reserved or belongs to another plugin.
        """
        plugins = {name: it for name, it in self.plugins.items() if it is not old or (new and new.name == name)}
        owners = {slot: it for slot, it in self.owners.items() if it is not old}
        if new is not None:
            if plugins.get(new.name, old) is not old:
                raise AlreadyLoadedError(f"plugin {new.name} already loaded")
            for slot in new.slots:
                if slot in owners:
                    raise SlotConflictError(
                        f"plugin {new.name} claims the slot {slot}, which plugin {owners[slot].name} already has"
                    )
                if reserved(slot):
                    raise SlotConflictError(f"plugin {new.name} claims the slot {slot}, which is built in")
            plugins[new.name] = new
            owners.update(dict.fromkeys(new.slots, new))
        return Catalog(MappingProxyType(plugins), MappingProxyType(owners))
