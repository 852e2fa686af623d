"""Plans the changes of a reload without touching loaded plugins."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from attrs import define, field

from zenowasm.plugin.configuration.manifest import read_manifest
from zenowasm.plugin.configuration.versions import ZENO_VERSION
from zenowasm.plugin.errors import LoadError, NotListedError, PluginError
from zenowasm.plugin.lifecycle.catalog import Catalog
from zenowasm.plugin.lifecycle.loaded_plugin import LoadedPlugin, Retirement
from zenowasm.plugin.lifecycle.loading import Loader
from zenowasm.plugin.lifecycle.reports import Change, PluginChange


@define(eq=False)
class Step:
    """The planned change of one plugin: ``new`` replaces ``old``, unless there is an ``error``."""

    folder: Path
    old: LoadedPlugin | None = None
    new: LoadedPlugin | None = None
    error: PluginError | None = None
    change: Change = Change.FAILED

    @property
    def name(self) -> str:
        """The plugin's name, or its folder's name if the plugin's is unknown."""
        known = self.old or self.new
        return self.folder.name if known is None else known.name

    def told(self, retirement: Retirement | None) -> PluginChange:
        """Return the entry for the report."""
        before = None if self.old is None else self.old.version
        after = before if self.error is not None or self.new is None else self.new.version
        if self.change is Change.REMOVED:
            after = None
        return PluginChange(self.name, self.change, before, after, self.error, retirement)


@define(eq=False)
class Plan:
    """A prepared reload: ``catalog`` replaces the current one, and then the ``replaced`` versions are retired.

    ``rejected`` are versions that were loaded but conflict with the catalog.
    """

    catalog: Catalog
    steps: list[Step] = field(factory=list)

    @property
    def replaced(self) -> list[LoadedPlugin]:
        """The versions that the reload replaces or removes."""
        return [it.old for it in self.steps if it.old is not None and it.change in (Change.RELOADED, Change.REMOVED)]

    @property
    def rejected(self) -> list[LoadedPlugin]:
        """The loaded versions that the reload does not use."""
        return [it.new for it in self.steps if it.new is not None and it.change is Change.FAILED]


def plan_reload(
    loader: Loader,
    catalog: Catalog,
    loaded: Iterable[LoadedPlugin],
    folders: Sequence[Path],
    reserved: Callable[[str], bool],
    *,
    may_go: bool,
) -> Plan:
    """Load changed plugins of ``loaded`` and new plugins in ``folders``, and compute the new catalog.

    With ``may_go``, a plugin whose folder no longer exists is removed.
    """
    plan = Plan(catalog)
    try:
        for old in loaded:
            plan.steps.append(_step(loader, old, may_go=may_go))
        known = {step.folder.resolve() for step in plan.steps}
        for folder in folders:
            if folder.resolve() not in known and (addition := _addition(loader, folder)) is not None:
                plan.steps.append(addition)
        _place(plan, reserved)
    except BaseException:
        for step in plan.steps:
            if step.new is not None:
                step.new.retire(0)
        raise
    return plan


def _step(loader: Loader, old: LoadedPlugin, *, may_go: bool) -> Step:
    step = Step(old.manifest.folder, old)
    if may_go and not step.folder.exists():
        step.change = Change.REMOVED
        return step
    try:
        manifest = read_manifest(step.folder, ZENO_VERSION)
        if manifest == old.manifest and loader.current(manifest) == old.version and not old.failing:
            step.change = Change.UNCHANGED
        else:
            step.new = loader.load(manifest, now=True)
            step.change = Change.RELOADED
    except PluginError as error:
        step.error = error
    return step


def _addition(loader: Loader, folder: Path) -> Step | None:
    """Load a new plugin; return ``None`` for a plugin that is not on the whitelist, which a reload ignores."""
    step = Step(folder)
    try:
        step.new = loader.load(read_manifest(folder, ZENO_VERSION), now=True)
        step.change = Change.ADDED
    except NotListedError:
        return None
    except PluginError as error:
        step.error = error
    return step


def _place(plan: Plan, reserved: Callable[[str], bool]) -> None:
    """Apply the steps to the catalog in an order without conflicts: a plugin may claim slots that another releases."""
    waiting = [step for step in plan.steps if step.change not in (Change.FAILED, Change.UNCHANGED)]
    placed = True
    while waiting and placed:
        placed = False
        for step in list(waiting):
            try:
                plan.catalog = plan.catalog.replaced(step.old, step.new, reserved)
            except LoadError as error:
                step.error = error
            else:
                step.error = None
                waiting.remove(step)
                placed = True
    for step in waiting:
        step.change = Change.FAILED
