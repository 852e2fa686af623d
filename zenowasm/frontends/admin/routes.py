"""The routes: requests become host calls; results and errors become statuses and JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

from attrs import field, frozen

from zenowasm.plugin import Host, PluginError, ReloadReport, SlotFailedError
from zenowasm.plugin.errors import (
    BusyError,
    ClosedError,
    InputError,
    NotLoadedError,
    PoolTimeoutError,
    RequestError,
    SlotNotFoundError,
    TimeLimitError,
)
from zenowasm.plugin.guest.jsonvalue import JSONError, parse_whole
from zenowasm.plugin.lifecycle.loaded_plugin import LoadedPlugin
from zenowasm.plugin.lifecycle.reports import PluginChange

RELOAD: Final = "/api/admin/plugins/reload"
PLUGINS: Final = "/api/admin/plugins"
STATS: Final = "/api/admin/stats"
SLOTS: Final = "/api/slots/"
_STATUSES: Final[tuple[tuple[type[PluginError], HTTPStatus], ...]] = (
    (NotLoadedError, HTTPStatus.NOT_FOUND),
    (SlotNotFoundError, HTTPStatus.NOT_FOUND),
    (InputError, HTTPStatus.BAD_REQUEST),
    (RequestError, HTTPStatus.BAD_REQUEST),
    (PoolTimeoutError, HTTPStatus.SERVICE_UNAVAILABLE),
    (TimeLimitError, HTTPStatus.GATEWAY_TIMEOUT),
    (BusyError, HTTPStatus.SERVICE_UNAVAILABLE),
    (ClosedError, HTTPStatus.SERVICE_UNAVAILABLE),
    (PluginError, HTTPStatus.INTERNAL_SERVER_ERROR),
)
"""The status of each error type, including its subclasses; the first match applies."""
Stats = Callable[[], Mapping[str, object]]
"""Return the host's statistics as JSON."""


@frozen
class Request:
    """An authorised request."""

    method: str
    target: str
    body: bytes = b""


@frozen
class Answer:
    """A response."""

    status: HTTPStatus
    value: Mapping[str, object]
    headers: Mapping[str, str] = field(factory=dict)


class BadRequestError(Exception):
    """Raised when the content of a request is invalid."""


def failure(status: HTTPStatus, message: str, **headers: str) -> Answer:
    """Return the response that describes an error."""
    return Answer(status, {"error": message}, headers)


@frozen
class Routes:
    """The responder for one host; ``stats`` is ``None`` if the host has no statistics."""

    host: Host
    stats: Stats | None = None

    def answer(self, request: Request) -> Answer:
        """Execute a request and return the response."""
        try:
            parts = urlsplit(request.target)
        except ValueError:
            return failure(HTTPStatus.BAD_REQUEST, "the request's target is not a URL or a path")
        path = parts.path
        route = _ROUTES.get(SLOTS if path.startswith(SLOTS) else path)
        if route is None or (path == STATS and self.stats is None):
            return failure(HTTPStatus.NOT_FOUND, f"nothing is at {path[:200]}")
        method, respond = route
        if request.method != method:
            return failure(HTTPStatus.METHOD_NOT_ALLOWED, f"expected {method}", Allow=method)
        try:
            return respond(self, path, _query(parts.query), request)
        except BadRequestError as error:
            return failure(HTTPStatus.BAD_REQUEST, str(error))
        except PluginError as error:
            status = next(status for kind, status in _STATUSES if isinstance(error, kind))
            return failure(status, str(error))

    def _reload(self, path: str, query: dict[str, str], request: Request) -> Answer:
        report = self.host.reload(query.pop("name", None) or None)
        plugins = [_change(change) for change in report.changes]
        if report.ok:
            return Answer(HTTPStatus.OK, {"status": "reloaded", "plugins": plugins})
        return Answer(HTTPStatus.INTERNAL_SERVER_ERROR, {"error": _errors(report), "plugins": plugins})

    def _plugins(self, path: str, query: dict[str, str], request: Request) -> Answer:
        problems = [{"folder": str(it.folder), "error": str(it.error)} for it in self.host.problems]
        plugins = [_plugin(plugin) for plugin in self.host.plugins.values()]
        return Answer(HTTPStatus.OK, {"plugins": plugins, "problems": problems})

    def _stats(self, path: str, query: dict[str, str], request: Request) -> Answer:
        assert self.stats is not None
        return Answer(HTTPStatus.OK, self.stats())

    def _call(self, path: str, query: dict[str, str], request: Request) -> Answer:
        try:
            parameters = parse_whole(request.body) if request.body else {}
        except JSONError as error:
            raise BadRequestError(f"expected the parameters as a JSON object: {error}") from error
        if not isinstance(parameters, dict):
            raise BadRequestError("expected the parameters as a JSON object")
        try:
            data = self.host.call(unquote(path.removeprefix(SLOTS)), parameters)
        except SlotFailedError as error:  # the slot replied, so the call itself succeeded
            return Answer(HTTPStatus.OK, {"success": False, "data": error.data, "error": str(error)})
        return Answer(HTTPStatus.OK, {"success": True, "data": data})


Respond = Callable[[Routes, str, dict[str, str], Request], Answer]
_ROUTES: Final[Mapping[str, tuple[str, Respond]]] = MappingProxyType(
    {
        RELOAD: ("POST", Routes._reload),
        PLUGINS: ("GET", Routes._plugins),
        STATS: ("GET", Routes._stats),
        SLOTS: ("POST", Routes._call),
    }
)


def _query(text: str) -> dict[str, str]:
    try:
        pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=bool(text), max_num_fields=8)
    except ValueError as error:
        raise BadRequestError("expected a query such as ?name=hello") from error
    query = dict(pairs)
    if len(query) < len(pairs) or query.keys() - {"name"}:
        raise BadRequestError("expected at most one parameter, name")
    return query


def _errors(report: ReloadReport) -> str:
    return "; ".join(f"{change.plugin}: {change.error}" for change in report.changes if change.error is not None)


def _change(change: PluginChange) -> dict[str, object]:
    ending = change.retirement
    return {
        "name": change.plugin,
        "change": change.change.value,
        "before": None if change.before is None else str(change.before),
        "after": None if change.after is None else str(change.after),
        "error": None if change.error is None else str(change.error),
        "drained": 0 if ending is None else ending.drained,
        "abandoned": 0 if ending is None else ending.abandoned,
    }


def _plugin(plugin: LoadedPlugin) -> dict[str, object]:
    return {
        "name": plugin.name,
        "version": plugin.version.version,
        "sha256": plugin.version.sha256,
        "type": plugin.manifest.type.value,
        "state": "failing" if plugin.failing else "serving",
        "calls_in_flight": plugin.calls_in_flight,
        "instances": plugin.instances,
        "slots": list(plugin.slots),
    }
