"""Calls on every engine, each with separate resources, whose observable results are compared."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

from attrs import asdict, define, field

from zenowasm.conformance.judge import first_difference
from zenowasm.plugin import AuditRecord, PluginError
from zenowasm.testing.log import CapturedLog
from zenowasm.testing.on_demand import OnDemandHost
from zenowasm.testing.world import World

_NOT_COMPARED = ("time", "seconds", "call", "instance", "decision")
"""The fields of an audit record that differ between calls; the decision is compared by its word."""


@define(eq=False)
class SameEverywhere:
    """A caller of slots on several engines at once; instances live from call to call, as on a host."""

    world: World
    folder: Path
    backends: tuple[str, ...]
    _stack: ExitStack = field(factory=ExitStack)
    _engines: dict[str, _Engine] = field(factory=dict)

    def __call__(self, slot: str, /, **parameters: object) -> dict[str, Any]:
        """Call a slot on every engine and return its data, or raise its error.

        Fails with the first difference if replies, errors, messages, host calls, HTTP requests or fuel are not equal.
        The fuel of a failed call is not compared, because an engine may not know it.
        """
        __tracebackhide__ = True
        if not self._engines:
            self._open()
        seen = {name: engine.call(self.world, slot, parameters) for name, engine in self._engines.items()}
        (first, observed), *others = seen.items()
        for name, other in others:
            if found := first_difference(observed.values, other.values):
                raise AssertionError(f"{slot}: {found.path}: {first} has {found.left!r}, {name} has {found.right!r}")
        if observed.error is not None:
            raise observed.error
        return observed.data

    def close(self) -> None:
        """Close the hosts."""
        self._stack.close()

    def _open(self) -> None:
        for name in self.backends:
            folder = self.folder / name
            folder.mkdir()
            log, audit = CapturedLog(), list[AuditRecord]()
            host = self._stack.enter_context(self.world.copied(folder).host(name, log, audit))
            self._engines[name] = _Engine(host, log, audit)


@define(eq=False)
class _Seen:
    values: dict[str, Any]
    data: dict[str, Any]
    error: PluginError | None


@define(eq=False)
class _Engine:
    host: OnDemandHost
    log: CapturedLog
    audit: list[AuditRecord]

    def call(self, world: World, slot: str, parameters: dict[str, object]) -> _Seen:
        self.host.need(slot)
        self.log.clear()
        self.audit.clear()
        requests = world.web.requests if world.web is not None else []
        before = len(requests)
        fuel = self._fuel()
        data: dict[str, Any] = {}
        error: PluginError | None = None
        try:
            data = self.host.call(slot, parameters)
        except PluginError as raised:
            error = raised
        values = {
            "data": data,
            "error": None if error is None else f"{type(error).__name__}: {error}",
            "log": [[record.level, record.message] for record in self.log.records],
            "host_calls": [_host_call(record) for record in self.audit],
            "requests": [[it.method, it.url, dict(it.headers), it.body.hex()] for it in requests[before:]],
            "fuel": None if error is not None else self._fuel() - fuel,
        }
        return _Seen(values, data, error)

    def _fuel(self) -> int:
        return sum(plugin.fuel_consumed or 0 for plugin in self.host.manager.plugins.values())


def _host_call(record: AuditRecord) -> dict[str, Any]:
    values = asdict(record)
    return {key: value for key, value in values.items() if key not in _NOT_COMPARED} | {
        "decision": record.decision.value
    }
