"""Runs a scenario on an engine and records everything that is observable from outside."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

from attrs import asdict, define, evolve, field, frozen

from zenowasm.backends.protocol import Capability, Engine, Store, Value
from zenowasm.backends.variants import EngineVariants
from zenowasm.conformance.folder import NAME, OTHER, write_plugin
from zenowasm.conformance.judge import Difference, faults, first_difference
from zenowasm.conformance.scenario import Guest, Scenario, Step
from zenowasm.conformance.world import Resources, open_resources
from zenowasm.host.observer import BorderCall, Direction
from zenowasm.plugin import HostServices, LogRecord, PluginError, PluginManager, Response, register_slots
from zenowasm.plugin.errors import CallError
from zenowasm.zenolang import Evaluator, Scope, ZenoError, default_registry, parse


@frozen
class Verdict:
    """The outcome of a scenario: the observations on each engine, and the expectations that did not hold.

    ``difference`` is the first difference between two engines, and ``engines`` names the two. ``seconds`` is the time
    that each engine took.
    """

    scenario: Scenario
    observations: dict[str, dict[str, Any]]
    faults: dict[str, tuple[str, ...]]
    difference: Difference | None = None
    engines: tuple[str, str] = ("", "")
    seconds: Mapping[str, float] = field(factory=dict)

    @property
    def passed(self) -> bool:
        """Whether every expectation holds on every engine, and all engines agree."""
        return self.difference is None and not any(self.faults.values())


def run_scenario(scenario: Scenario, engines: Sequence[Engine], server: str) -> Verdict:
    """Run a scenario on each engine, check its expectations, and compare; ``server`` is the URL of the web server.

    Raises ``ScenarioError`` if the scenario's guest cannot be built.
    """
    observations: dict[str, dict[str, Any]] = {}
    seconds: dict[str, float] = {}
    for engine in engines:
        started = perf_counter()
        observations[engine.name] = observe(scenario, engine, server)
        seconds[engine.name] = perf_counter() - started
    found = {name: tuple(_judge(scenario, seen)) for name, seen in observations.items()}
    first, *others = engines
    for other in others:
        difference = first_difference(observations[first.name], observations[other.name])
        if difference is not None:
            return Verdict(scenario, observations, found, difference, (first.name, other.name), seconds)
    return Verdict(scenario, observations, found, seconds=seconds)


def observe(scenario: Scenario, engine: Engine | EngineVariants, server: str) -> dict[str, Any]:
    """Run a scenario on one engine, with separate resources, and return the observations in JSON form.

    They include the fuel of a step if the engine counts it. An engine that cannot interrupt guests runs them without a
    time limit, unless the scenario sets one.
    """
    with (
        tempfile.TemporaryDirectory(prefix="zenowasm-") as folder,
        open_resources(scenario.world, Path(folder).resolve(), server) as resources,
    ):
        return _Run(scenario, engine, resources).observe()


def _judge(scenario: Scenario, seen: dict[str, Any]) -> Iterator[str]:
    for index, step in enumerate(scenario.all_steps()):
        yield from faults(asdict(step.expect), seen["steps"][index], f"steps[{index}].")
    world = scenario.world
    yield from faults(
        {"log": scenario.log, "host_calls": scenario.host_calls, "scope": world.after_scope},
        seen,
    )
    yield from faults(world.after_files, seen["files"], "files.")
    yield from faults(world.after_rows, seen["rows"], "rows.")


@define(eq=False)
class _Run:
    """One run of one scenario on one engine."""

    scenario: Scenario
    engine: Engine | EngineVariants
    resources: Resources
    log: list[list[str]] = field(factory=list)
    border: list[str] = field(factory=list)
    host_calls: list[str] = field(factory=list)
    stores: list[Store] = field(factory=list)
    trapped: bool = False
    scope: Scope = field(factory=Scope)

    def observe(self) -> dict[str, Any]:
        for key, value in self.scenario.world.scope.items():
            self.scope.set(key, value)
        self._write(self.scenario.guest)
        services = HostServices(
            log=self._note,
            observer=self,
            on_store=lambda _, store: self.stores.append(store),
            **self.resources.services,
        )
        if Capability.INTERRUPTS not in self._capabilities:
            services = evolve(services, policy=evolve(services.policy, interruptible=False))
        registry = default_registry()
        steps = self.scenario.all_steps()
        loaded: dict[str, Any] = {}
        with PluginManager(self.engine, services, reserved=registry.__contains__) as manager:
            if not steps[0].load:
                loaded = self._step(Step(load=True), manager)
            # A plugin that failed to load cannot be called: each step then has the load error.
            failed = "raises" in loaded
            seen = [loaded if failed else self._step(step, manager) for step in steps]
        return {
            "load": loaded,
            "steps": seen,
            "log": self.log,
            "scope": dict(self.scope.variables()),
            "host_calls": self.host_calls,
            "border": self.border,
            **self.resources.afterwards(),
        }

    def _write(self, guest: Guest, name: str = NAME, changes: Mapping[str, Any] | None = None) -> None:
        write_plugin(self._folder(name), self.scenario, guest, self.resources.fill, name=name, changes=changes or {})

    def _folder(self, name: str = NAME) -> Path:
        return self.resources.folder / "plugins" / name

    def _step(self, step: Step, manager: PluginManager) -> dict[str, Any]:
        before = self._fuel()
        self.trapped = False
        try:
            seen = self._do(step, manager)
        except PluginError as error:
            return {
                "kind": type(error).__name__,
                "raises": self.resources.neutral(str(error)),
                "trap": _trap(error),
            }
        # After a trap, engines may differ in fuel (bench/fuel-facts.md).
        if not self.trapped and Capability.FUEL in self._capabilities:
            seen["fuel"] = self._fuel() - before
        return seen

    @property
    def _capabilities(self) -> frozenset[Capability]:
        engine = self.engine.usual if isinstance(self.engine, EngineVariants) else self.engine
        return engine.capabilities

    def _fuel(self) -> int:
        return sum(store.fuel_consumed or 0 for store in self.stores)

    def _do(self, step: Step, manager: PluginManager) -> dict[str, Any]:
        if step.load:
            manager.load(self._folder())
        elif step.add is not None:
            self._write(step.add, OTHER, step.manifest)
            manager.load(self._folder(OTHER))
        elif step.reload is not None:
            self._write(step.reload, changes=step.manifest)
            for change in manager.reload(NAME).changes:
                if change.error is not None:
                    raise change.error
        elif step.close:
            manager.close()
        elif step.script is not None:
            return self._script(step.script, manager)
        else:
            return self._answer(manager.call(step.call or "guest.run", self._parameters(step), self.scope))
        return {}

    def _answer(self, response: Response) -> dict[str, Any]:
        error = response.error
        return {
            "success": response.success,
            "data": response.data,
            "error": error if error is None else self.resources.neutral(error),
        }

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
        """Record a call between host and guest."""
        if call.direction is Direction.TO_HOST and call.module == "env":
            self.host_calls.append(call.name)
        self.border.append(f"{call.direction.value}: {call.name}{call.arguments}")

    def after(self, call: BorderCall, results: tuple[Value, ...] | None, error: BaseException | None) -> None:
        """Record the results or the error of the call."""
        self.trapped |= error is not None
        self.border.append(f"from {call.name}: {results if error is None else type(error).__name__}")


def _trap(error: BaseException | None) -> str | None:
    """Return the code of the trap that caused an error, ``None`` if there was no trap."""
    while error is not None and not isinstance(error, CallError):
        error = error.__cause__
    return None if error is None or error.trap_code is None else error.trap_code.value
