"""Runs a scenario on an engine and writes down everything that can be seen of it from outside."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml
from attrs import asdict, define, field, frozen

from zenowasm.backends.protocol import Engine, Store, Value
from zenowasm.conformance.frame import binary
from zenowasm.conformance.judge import Difference, faults, first_difference
from zenowasm.conformance.scenario import Guest, Scenario, Step
from zenowasm.conformance.world import Resources, open_resources
from zenowasm.host.observer import BorderCall, Direction
from zenowasm.plugin import HostServices, LogRecord, PluginError, PluginLimits, PluginManager, register_slots
from zenowasm.plugin.errors import CallError
from zenowasm.zenolang import Evaluator, Scope, ZenoError, default_registry, parse

_NAME = "guest"


@frozen
class Verdict:
    """What came of a scenario: on each engine what was seen, and which expectations did not hold.

    ``difference`` is the first place at which two engines differ, ``engines`` the two.
    """

    scenario: Scenario
    observations: dict[str, dict[str, Any]]
    faults: dict[str, tuple[str, ...]]
    difference: Difference | None = None
    engines: tuple[str, str] = ("", "")

    @property
    def passed(self) -> bool:
        """Whether every expectation holds on every engine, and all of them saw the same."""
        return self.difference is None and not any(self.faults.values())


def run_scenario(scenario: Scenario, engines: Sequence[Engine], server: str) -> Verdict:
    """Run a scenario on each engine, judge it, and compare; ``server`` is the URL of ``world.web_server``.

    Raises ``ScenarioError`` when the scenario's own guest cannot be made.
    """
    observations = {engine.name: observe(scenario, engine, server) for engine in engines}
    found = {name: tuple(_judge(scenario, seen)) for name, seen in observations.items()}
    first, *others = engines
    for other in others:
        difference = first_difference(observations[first.name], observations[other.name])
        if difference is not None:
            return Verdict(scenario, observations, found, difference, (first.name, other.name))
    return Verdict(scenario, observations, found)


def observe(scenario: Scenario, engine: Engine, server: str) -> dict[str, Any]:
    """Run a scenario on one engine, in a world of its own, and return what was seen, as JSON has it."""
    with (
        tempfile.TemporaryDirectory(prefix="zenowasm-") as folder,
        open_resources(scenario.world, Path(folder).resolve(), server) as resources,
    ):
        return _Run(scenario, engine, resources).observe()


def _judge(scenario: Scenario, seen: dict[str, Any]) -> Iterator[str]:
    for index, step in enumerate(scenario.all_steps()):
        expected = asdict(step.expect)
        if scenario.steps or scenario.expect is not None:
            yield from faults(expected, seen["steps"][index], f"steps[{index}].")
    world = scenario.world
    log = None if scenario.log is None else [list(line) for line in scenario.log]
    calls = None if scenario.host_calls is None else list(scenario.host_calls)
    yield from faults({"log": log, "host_calls": calls, "scope": world.after_scope}, seen)
    yield from faults(world.after_files, seen["files"], "files.")
    yield from faults(world.after_rows, seen["rows"], "rows.")


@define(eq=False)
class _Run:
    """One run of one scenario on one engine."""

    scenario: Scenario
    engine: Engine
    resources: Resources
    log: list[list[str]] = field(factory=list)
    border: list[str] = field(factory=list)
    host_calls: list[str] = field(factory=list)
    stores: list[Store] = field(factory=list)
    scope: Scope = field(factory=Scope)

    def observe(self) -> dict[str, Any]:
        for key, value in self.scenario.world.scope.items():
            self.scope.set(key, value)
        folder = self._write(self.scenario.guest)
        limits = PluginLimits(**self.scenario.world.limits)
        services = HostServices(
            log=self._note,
            limits=limits,
            observer=self,
            on_store=lambda _, store: self.stores.append(store),
            **self.resources.services,
        )
        registry = default_registry()
        manager = PluginManager(self.engine, services, reserved=registry.__contains__)
        steps = self.scenario.all_steps()
        with manager:
            if steps[0].load:
                seen = [self._step(step, manager, folder) for step in steps]
            else:
                loaded = self._step(Step(load=True), manager, folder)
                # What is not loaded answers nothing: each step then has the failure itself.
                failed = "raises" in loaded
                seen = [loaded if failed else self._step(step, manager, folder) for step in steps]
        return {
            "steps": seen,
            "log": self.log,
            "scope": dict(self.scope.variables()),
            "host_calls": self.host_calls,
            "border": self.border,
            **self.resources.afterwards(),
        }

    def _write(self, guest: Guest) -> Path:
        """Write the plugin's folder."""
        module = binary(guest, self.scenario.file.parent, self.resources.fill)
        folder = self.resources.folder / "plugins" / _NAME
        folder.mkdir(parents=True, exist_ok=True)
        manifest = {
            "name": _NAME,
            "version": "1.0.0",
            "binary": "guest.wasm",
            "permissions": dict(self.scenario.permissions),
            **self.scenario.manifest,
        }
        text = self.resources.fill(yaml.safe_dump(manifest, sort_keys=False, allow_unicode=True))
        (folder / "manifest.yaml").write_text(text, "utf-8")
        (folder / "guest.wasm").write_bytes(module)
        return folder

    def _step(self, step: Step, manager: PluginManager, folder: Path) -> dict[str, Any]:
        before = [(store, store.fuel_consumed) for store in self.stores]
        try:
            seen = self._do(step, manager, folder)
        except PluginError as error:
            trap = error.trap_code if isinstance(error, CallError) else None
            return {
                "kind": type(error).__name__,
                "raises": self.resources.neutral(str(error)),
                "trap": None if trap is None else trap.value,
            }
        # After a trap engines need not agree on the fuel that was used (bench/fuel-facts.md); after a call they do.
        known = dict(before)
        seen["fuel"] = sum(store.fuel_consumed - known.get(store, 0) for store in self.stores)
        return seen

    def _do(self, step: Step, manager: PluginManager, folder: Path) -> dict[str, Any]:
        if step.load:
            manager.load(folder)
            return {}
        if step.close:
            manager.close()
            return {}
        if step.reload is not None:
            self._write(step.reload)
            manager.reload(_NAME)
            return {}
        if step.script is not None:
            return self._script(step.script, manager)
        response = manager.call(step.call or "guest.run", self._parameters(step), self.scope)
        return {"success": response.success, "data": response.data, "error": response.error}

    def _parameters(self, step: Step) -> dict[str, Any]:
        return {
            key: self.resources.fill(value) if isinstance(value, str) else value
            for key, value in step.parameters.items()
        }

    def _script(self, text: str, manager: PluginManager) -> dict[str, Any]:
        output: list[str] = []
        slots = default_registry()
        register_slots(manager, slots)
        evaluator = Evaluator(slots, output=output.append, environment=self.scenario.world.environment)
        try:
            evaluator.run(parse(self.resources.fill(text), "script.zl"), self.scope)
        except ZenoError as error:
            return {"output": output, "kind": type(error).__name__, "raises": self.resources.neutral(str(error))}
        return {"output": output}

    def _note(self, record: LogRecord) -> None:
        self.log.append([record.level, self.resources.neutral(record.message)])

    def before(self, call: BorderCall) -> None:
        """Write down that a call crosses the border."""
        if call.direction is Direction.TO_HOST and call.module == "env":
            self.host_calls.append(call.name)
        self.border.append(f"{call.direction.value}: {call.name}{call.arguments}")

    def after(self, call: BorderCall, results: tuple[Value, ...] | None, error: BaseException | None) -> None:
        """Write down what the call came back with."""
        self.border.append(f"from {call.name}: {results if error is None else type(error).__name__}")
